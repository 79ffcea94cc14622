//! One session: audio and requests in, turns out.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    messages::Voice,
    query::{Thresholds, Wanted},
    script::Script,
};
use crate::vendor::{
    hearing::{Decoder, Finding, Heard as Words, Recogniser, Rules, TimedWord},
    line::{Heard, Line},
};

/// The vendor's advice on frame length, which is strong.
const FRAME_MS: std::ops::RangeInclusive<u64> = 40..=500;
/// The vendor's own threshold, at which the script's silence ends a turn.
const USUAL_THRESHOLD: f64 = 0.7;

/// A request. There is neither a `KeepAlive` nor a `Finalize` in this protocol.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Control {
    CloseStream {},
    ForceEndTurn {},
    Configure {
        thresholds: Option<Map<String, Value>>,
        keyterms: Option<Vec<String>>,
        language_hints: Option<Vec<String>>,
    },
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    wanted: Wanted,
    voice: Voice,
    decoder: Decoder,
    recogniser: Option<Recogniser>,
    turn: Turn,
    closing: bool,
}

/// The turn that is open, or the next one.
#[derive(Default)]
struct Turn {
    index: u64,
    words: Vec<TimedWord>,
    eager: bool,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>, (wanted, request_id): (Wanted, String)) -> Self {
        Self {
            decoder: Decoder::new(wanted.encoding, wanted.sample_rate, 1),
            voice: Voice { request_id, sequence: 0 },
            line,
            script,
            wanted,
            recogniser: None,
            turn: Turn::default(),
            closing: false,
        }
    }

    pub(crate) async fn run(mut self) {
        let connected = self.voice.connected();
        self.line.say_after(&connected, Duration::from_millis(self.script.connected_delay_ms));
        loop {
            match self.line.hear(None).await {
                Heard::Over => return,
                _ if self.closing => {}
                Heard::Text(text) => self.control(&text),
                Heard::Binary(bytes) => self.audio(&bytes),
                Heard::Due => {}
            }
        }
    }

    fn give_up(&mut self, (code, why): (&str, &str), close: (u16, &str)) {
        self.line.record.violation(format!("{code}: {why}"));
        self.closing = true;
        let error = self.voice.error(code, why);
        self.line.say(&error);
        self.line.close(close.0, close.1);
    }

    fn audio(&mut self, bytes: &[u8]) {
        let Ok(samples) = self.decoder.decode(bytes) else {
            return self.give_up(("INVALID_AUDIO", "the payload is not audio"), (1008, "DATA-0000"));
        };
        let (count, rate) = (samples.len() as u64, u64::from(self.decoder.sample_rate.max(1)));
        let record = &self.line.record;
        record.edit(|exchange| {
            exchange.audio_bytes += bytes.len() as u64;
            exchange.audio_samples += count;
        });
        if self.decoder.is_split() {
            record.violation("a frame ended inside a sample");
        }
        if !FRAME_MS.contains(&(count * 1_000 / rate)) {
            record.note("a frame far from the 80 ms that the vendor advises");
        }
        let end_ms = self.end_ms();
        let recogniser = self.recogniser.get_or_insert_with(|| {
            let rules = Rules {
                interims: true,
                endpointing_ms: Some(end_ms),
                utterance_end_ms: None,
                vad_events: false,
            };
            Recogniser::new(Arc::new(self.script.hearing.clone()), rules, rate as u32)
        });
        let found = recogniser.push(&samples);
        self.report(&found, "model");
    }

    /// The silence that ends a turn: longer where it must be surer, and never by confidence at 1.
    fn end_ms(&self) -> u32 {
        let Thresholds { end, timeout_ms, .. } = self.wanted.thresholds;
        let wait = f64::from(self.script.end_ms) * end / USUAL_THRESHOLD;
        if end >= 1.0 { timeout_ms } else { (wait as u32).min(timeout_ms) }
    }

    fn control(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Control::CloseStream {}) => {
                self.closing = true;
                let rest = self.recogniser.as_mut().map(Recogniser::close).unwrap_or_default();
                // What was received is told as an update; the turn does not end.
                for finding in &rest {
                    if let Finding::Results(heard) = finding {
                        self.grows(heard);
                    }
                }
                self.line.close_without_code();
            }
            Ok(Control::ForceEndTurn {}) if self.script.knows_force => {
                // The turn is over: what the script has left of it is said.
                let found = self.recogniser.as_mut().map(Recogniser::close).unwrap_or_default();
                self.report(&found, "manual");
            }
            Ok(Control::Configure { thresholds, keyterms, language_hints }) => {
                let answer = match self.configure(thresholds, keyterms, language_hints) {
                    Ok(()) => self.voice.configured(
                        self.wanted.thresholds,
                        &self.wanted.keyterms,
                        &self.wanted.hints,
                    ),
                    Err(why) => {
                        self.line.record.violation(format!("Configure refused: {why}"));
                        self.voice.not_configured(&why)
                    }
                };
                self.line.say(&answer);
            }
            Ok(Control::ForceEndTurn {}) | Err(_) => {
                self.give_up(("UNPARSABLE_CLIENT_MESSAGE", "could not parse a client message"), (1011, ""));
            }
        }
    }

    fn configure(
        &mut self,
        thresholds: Option<Map<String, Value>>,
        keyterms: Option<Vec<String>>,
        hints: Option<Vec<String>>,
    ) -> Result<(), String> {
        let mut new = self.wanted.thresholds;
        for (name, value) in thresholds.unwrap_or_default() {
            match (name.as_str(), value.as_f64()) {
                ("eot_threshold", Some(end)) => new.end = end,
                ("eager_eot_threshold", eager) => new.eager = eager,
                ("eot_timeout_ms", Some(ms)) => new.timeout_ms = ms as u32,
                _ => return Err(format!("unknown threshold '{name}'")),
            }
        }
        self.wanted.thresholds = new.check()?;
        self.wanted.keyterms = keyterms.unwrap_or_else(|| self.wanted.keyterms.clone());
        self.wanted.hints = hints.unwrap_or_else(|| self.wanted.hints.clone());
        Ok(())
    }

    fn report(&mut self, found: &[Finding], trigger: &str) {
        for finding in found {
            match finding {
                Finding::Results(heard) if !heard.is_final => self.grows(heard),
                Finding::Results(heard) => self.ends(heard, trigger),
                Finding::SpeechStarted { .. } | Finding::UtteranceEnd { .. } => {}
            }
        }
    }

    fn grows(&mut self, heard: &Words) {
        if heard.words.is_empty() {
            return;
        }
        let silence_ms = heard.words.last().map_or(0, |word| heard.end_ms.saturating_sub(word.end_ms));
        let likely = self.wanted.thresholds.eager.is_some() && silence_ms >= self.script.eager_ms;
        let is_news = self.turn.words != heard.words;
        let event = match (self.turn.words.is_empty(), likely, self.turn.eager) {
            (true, ..) => "StartOfTurn",
            (false, true, false) => "EagerEndOfTurn",
            (false, true, true) if !is_news => return,
            (false, _, true) if is_news => "TurnResumed",
            _ => "Update",
        };
        self.turn.eager = match event {
            "EagerEndOfTurn" => true,
            "TurnResumed" => false,
            _ => self.turn.eager,
        };
        self.turn.words.clone_from(&heard.words);
        self.say(event, heard.end_ms);
    }

    fn ends(&mut self, heard: &Words, trigger: &str) {
        if heard.words.is_empty() && self.turn.words.is_empty() {
            return;
        }
        if self.turn.words.is_empty() {
            self.turn.words.clone_from(&heard.words);
            self.say("StartOfTurn", heard.end_ms);
        }
        if self.turn.eager && self.turn.words != heard.words {
            // An end says what its likely end said.
            self.turn.words.clone_from(&heard.words);
            self.say("TurnResumed", heard.end_ms);
        }
        self.turn.words.clone_from(&heard.words);
        let mut end = self.turn_info("EndOfTurn", heard.end_ms);
        end["trigger"] = trigger.into();
        self.line.say_after(&end, Duration::from_millis(self.script.delay_ms));
        self.turn = Turn { index: self.turn.index + 1, ..Turn::default() };
    }

    fn say(&mut self, event: &str, end_ms: u32) {
        let message = self.turn_info(event, end_ms);
        self.line.say_after(&message, Duration::from_millis(self.script.delay_ms));
    }

    fn turn_info(&mut self, event: &str, end_ms: u32) -> Value {
        self.voice.turn(event, (self.turn.index, end_ms), &self.turn.words, &self.wanted)
    }
}
