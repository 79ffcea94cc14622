//! One session: audio and requests in, turns out.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    messages::{Form, Stage, begin, error, speech_started, termination, turn},
    query::Wanted,
    script::Script,
};
use crate::vendor::{
    hearing::{Decoder, Finding, Heard as Words, Recogniser},
    line::{Heard, Line},
};

/// What one message of audio may hold, milliseconds.
const MESSAGE_MS: std::ops::RangeInclusive<u64> = 50..=1_000;
/// What a running session may change.
const CHANGEABLE: [&str; 15] = [
    "end_of_turn_confidence_threshold",
    "min_turn_silence",
    "max_turn_silence",
    "vad_threshold",
    "format_turns",
    "keyterms_prompt",
    "filter_profanity",
    "prompt",
    "agent_context",
    "interruption_delay",
    "mode",
    "turn_left_pad_ms",
    "language_codes",
    "session_heartbeat",
    "acknowledge_silence",
];

/// Why a session is closed as soon as it is open: the code and the reason.
pub(crate) type Objection = (u16, String);

/// A request.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Control {
    ForceEndpoint {},
    KeepAlive {},
    Terminate {},
    UpdateConfiguration {
        #[serde(flatten)]
        changes: Map<String, Value>,
    },
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    began: Instant,
    samples: u64,
    order: u64,
    closing: bool,
}

/// What recognises, once the session stands.
struct Open {
    wanted: Wanted,
    decoder: Decoder,
    recogniser: Recogniser,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>) -> Self {
        Self { line, script, began: Instant::now(), samples: 0, order: 0, closing: false }
    }

    pub(crate) async fn run(mut self, wanted: Result<Wanted, Objection>, (id, now_s): (&str, i64)) {
        let mut open = match wanted {
            Ok(wanted) => {
                let (expires_at, delay) = (now_s + 10_800, Duration::from_millis(self.script.begin_delay_ms));
                self.line.say_after(&begin(id, expires_at, &wanted.model), delay);
                let hearing = Arc::new(self.script.hearing.clone());
                let recogniser = Recogniser::new(hearing, wanted.rules(), wanted.sample_rate);
                let decoder = Decoder::new(wanted.encoding, wanted.sample_rate, 1);
                Some(Open { wanted, decoder, recogniser })
            }
            Err((code, why)) => {
                self.close(code, &why);
                None
            }
        };
        let end = self.began + Duration::from_millis(self.script.max_session_ms);
        loop {
            let until = (!self.line.is_mute() && !self.closing).then_some(end);
            match (self.line.hear(until).await, &mut open) {
                (Heard::Over, _) => return,
                (_, None) => {}
                (_, Some(_)) if self.closing => {}
                (Heard::Due, Some(_)) => {
                    self.close(3008, "Session Expired: maximum session duration exceeded")
                }
                (Heard::Binary(bytes), Some(open)) => self.audio(open, &bytes),
                (Heard::Text(text), Some(open)) => self.control(open, &text),
            }
        }
    }

    /// What the client did wrong, an error, and the end.
    fn refuse(&mut self, code: u16, why: &str) {
        self.line.record.violation(format!("{code}: {why}"));
        self.close(code, why);
    }

    fn close(&mut self, code: u16, why: &str) {
        self.closing = true;
        self.line.say(&error(code, why));
        self.line.close(code, why);
    }

    fn audio(&mut self, open: &mut Open, bytes: &[u8]) {
        let Ok(samples) = open.decoder.decode(bytes) else { return self.refuse(3006, "Invalid audio") };
        if open.decoder.is_split() {
            self.line.record.violation("a message ended inside a sample");
        }
        let (count, rate) = (samples.len() as u64, u64::from(open.wanted.sample_rate));
        self.samples += count;
        self.line.record.edit(|exchange| {
            exchange.audio_bytes += bytes.len() as u64;
            exchange.audio_samples += count;
        });
        let length_ms = count * 1_000 / rate;
        if !MESSAGE_MS.contains(&length_ms) {
            let why = format!("Input duration violation: {length_ms} ms. Expected between 50 and 1000 ms");
            return self.refuse(3007, &why);
        }
        let audio_ms = self.samples * 1_000 / rate;
        if audio_ms > self.began.elapsed().as_millis() as u64 + self.script.ahead_ms {
            return self.refuse(3007, "Audio transmission rate exceeded: faster than real time");
        }
        let found = open.recogniser.push(&samples);
        self.report(open, &found);
    }

    fn control(&mut self, open: &mut Open, text: &str) {
        match serde_json::from_str(text) {
            Ok(Control::KeepAlive {}) => {}
            Ok(Control::ForceEndpoint {}) => {
                let found = open.recogniser.finalize();
                self.report(open, &found);
            }
            Ok(Control::UpdateConfiguration { changes }) => {
                if let Some(name) = changes.keys().find(|name| !CHANGEABLE.contains(&name.as_str())) {
                    self.refuse(3006, &format!("Invalid configuration: '{name}' cannot be updated"));
                }
            }
            Ok(Control::Terminate {}) => {
                let found = open.recogniser.close();
                self.report(open, &found);
                self.closing = true;
                let audio_s = self.samples as f64 / f64::from(open.wanted.sample_rate);
                // No session is shorter than what was said in it.
                let session_s = self.began.elapsed().as_secs_f64().max(audio_s);
                self.line.say(&termination(audio_s, session_s));
                self.line.close(1000, "");
            }
            Err(_) => self.refuse(3006, "Invalid message type or JSON"),
        }
    }

    fn report(&mut self, open: &Open, found: &[Finding]) {
        for finding in found {
            match finding {
                Finding::SpeechStarted { at_ms } => self.line.say(&speech_started(*at_ms)),
                Finding::Results(heard) if !heard.is_final => self.grows(open, heard),
                Finding::Results(heard) if !heard.words.is_empty() => self.ends(open, heard),
                Finding::Results(_) | Finding::UtteranceEnd { .. } => {}
            }
        }
    }

    fn grows(&mut self, open: &Open, heard: &Words) {
        let silence_ms = heard.words.last().map_or(0, |word| heard.end_ms.saturating_sub(word.end_ms));
        let is_utterance = !open.wanted.always_formats && silence_ms >= self.script.utterance_ms;
        let form = if open.wanted.always_formats { Form::Formatted } else { Form::Plain };
        self.line.say(&turn(self.order, &heard.words, &Stage { ended: false, form, is_utterance }));
    }

    fn ends(&mut self, open: &Open, heard: &Words) {
        let delay = Duration::from_millis(self.script.delay_ms);
        let ended = |form| Stage { ended: true, form, is_utterance: true };
        let formats = open.wanted.format_turns || open.wanted.always_formats;
        let later = self.script.format_delay_ms.filter(|_| open.wanted.format_turns);
        if later.is_some() || !formats {
            self.line.say_after(&turn(self.order, &heard.words, &ended(Form::Plain)), delay);
        }
        if formats {
            let delay = delay + Duration::from_millis(later.unwrap_or_default());
            self.line.say_after(&turn(self.order, &heard.words, &ended(Form::Formatted)), delay);
        }
        self.order += 1;
    }
}
