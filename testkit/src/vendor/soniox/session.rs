//! One session: the settings first, then audio and requests in, parts of words out.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    config::Config,
    script::Script,
    tokens::{Voice, error, finished, mark, message},
};
use crate::vendor::{
    hearing::{Decoder, Finding, Heard as Words, Recogniser, Rules, TimedWord},
    line::{Heard, Line},
};

/// A burst of this much is a connection's start; more is told apart.
const BURST_S: f64 = 12.0;

/// A request.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Control {
    Keepalive {},
    Finalize {
        #[serde(default)]
        trailing_silence_ms: Option<u32>,
    },
}

pub(crate) struct Session {
    line: Line,
    script: Arc<Script>,
    /// Once the first message has come.
    open: Option<Open>,
    closing: bool,
}

/// A session whose settings are known.
struct Open {
    decoder: Decoder,
    recogniser: Recogniser,
    voice: Voice,
    began: Instant,
    samples: u64,
    /// Words of the utterance that are final, and where the last of them ended.
    said: usize,
    said_until_ms: u32,
    finalized_at: Option<Instant>,
}

impl Session {
    pub(crate) fn new(line: Line, script: Arc<Script>) -> Self {
        Self { line, script, open: None, closing: false }
    }

    pub(crate) async fn run(mut self) {
        let mut last_heard = Instant::now();
        loop {
            let timeout = match self.open {
                None => self.script.config_timeout_ms,
                Some(_) => self.script.idle_timeout_ms,
            };
            let due = last_heard + Duration::from_millis(timeout);
            let due = (!self.line.is_mute() && !self.closing).then_some(due);
            match self.line.hear(due).await {
                Heard::Text(text) if self.open.is_none() => self.begin(&text),
                Heard::Text(text) => self.control(&text),
                Heard::Binary(bytes) => self.audio(&bytes),
                Heard::Due => self.give_up(408, "Request timeout."),
                Heard::Over => return,
            }
            last_heard = Instant::now();
        }
    }

    /// Every error of the vendor ends the session.
    fn give_up(&mut self, code: u16, why: &str) {
        self.line.record.violation(format!("error {code}: {why}"));
        self.closing = true;
        self.line.say(&error(code, why));
        self.line.close(1000, "");
    }

    fn begin(&mut self, text: &str) {
        if self.closing {
            return;
        }
        let config = match Config::parse(text) {
            Ok(config) => config,
            Err(why) => return self.give_up(400, &why),
        };
        for name in &config.unknown {
            self.line.record.violation(format!("unknown field '{name}'"));
        }
        let rules = Rules {
            interims: true,
            endpointing_ms: config.endpoint_ms.map(|longest| longest.min(self.script.endpoint_ms)),
            utterance_end_ms: None,
            vad_events: false,
        };
        let hearing = Arc::new(self.script.hearing.clone());
        self.open = Some(Open {
            decoder: Decoder::new(config.encoding, config.sample_rate, config.channels),
            recogniser: Recogniser::new(hearing, rules, config.sample_rate.max(8_000)),
            voice: Voice { identifies_language: config.identifies_language, diarizes: config.diarizes },
            began: Instant::now(),
            samples: 0,
            said: 0,
            said_until_ms: 0,
            finalized_at: None,
        });
    }

    fn audio(&mut self, bytes: &[u8]) {
        if self.closing {
            return self.line.record.violation("audio after the end");
        }
        let Some(open) = &mut self.open else {
            return self.give_up(400, "The first message must hold the settings.");
        };
        if bytes.is_empty() {
            self.line.record.note("an empty binary message ends the stream; an empty text is documented");
            return self.end();
        }
        let Ok(samples) = open.decoder.decode(bytes) else {
            return self.give_up(400, "Audio data could not be decoded.");
        };
        let record = &self.line.record;
        if open.decoder.is_split() {
            record.violation("a message ended inside a sample");
        }
        open.samples += samples.len() as u64 / u64::from(open.decoder.channels.max(1));
        record.edit(|exchange| {
            exchange.audio_bytes += bytes.len() as u64;
            exchange.audio_samples = open.samples;
        });
        if open.audio_ms() as f64 / 1000.0 > open.began.elapsed().as_secs_f64() + BURST_S {
            record.note("audio came much faster than real time");
        }
        let found = open.recogniser.push(&samples);
        let messages: Vec<Value> =
            found.iter().filter_map(|finding| open.message(finding, self.script.final_lag_ms)).collect();
        self.say(&messages);
    }

    fn control(&mut self, text: &str) {
        if self.closing {
            return self.line.record.violation("a message after the end");
        }
        if text.is_empty() {
            return self.end();
        }
        match serde_json::from_str(text) {
            Ok(Control::Keepalive {}) => {}
            Ok(Control::Finalize { trailing_silence_ms }) => self.finalize(trailing_silence_ms),
            Err(_) => self.give_up(400, "Invalid control request."),
        }
    }

    fn finalize(&mut self, trailing_silence_ms: Option<u32>) {
        let Some(open) = &mut self.open else { return };
        let now = Instant::now();
        let gap = Duration::from_millis(self.script.finalize_gap_ms);
        if open.finalized_at.is_some_and(|at| now < at + gap) {
            self.line.record.violation("finalize was asked for too often");
        }
        if trailing_silence_ms.is_some_and(|ms| ms > 10_000) {
            self.line.record.note("trailing_silence_ms of more than ten seconds");
        }
        open.finalized_at = Some(now);
        let found = open.recogniser.finalize();
        let messages: Vec<Value> = match found.as_slice() {
            [] => vec![message(&[mark("<fin>")], open.progress())],
            found => found.iter().filter_map(|finding| open.message(finding, 0)).collect(),
        };
        self.say(&messages);
    }

    /// The rest, and the last message.
    fn end(&mut self) {
        self.closing = true;
        if let Some(open) = &mut self.open {
            let found = open.recogniser.close();
            let mut messages: Vec<Value> =
                found.iter().filter_map(|finding| open.message(finding, 0)).collect();
            messages.push(finished(open.progress()));
            self.say(&messages);
        }
        self.line.close(1000, "");
    }

    fn say(&mut self, messages: &[Value]) {
        for message in messages {
            self.line.say_after(message, Duration::from_millis(self.script.delay_ms));
        }
    }
}

impl Open {
    fn audio_ms(&self) -> u64 {
        self.samples * 1000 / u64::from(self.decoder.sample_rate.max(1))
    }

    fn progress(&self) -> (u64, u64) {
        (u64::from(self.said_until_ms), self.audio_ms())
    }

    fn message(&mut self, finding: &Finding, final_lag_ms: u32) -> Option<Value> {
        let Finding::Results(heard) = finding else { return None };
        let words = self.in_order(heard);
        // The words are all of the utterance; those that were final before are not said again.
        let fresh = &words[self.said.min(words.len())..];
        let is_final =
            |word: &TimedWord| heard.is_final || word.end_ms.saturating_add(final_lag_ms) <= heard.end_ms;
        let mut tokens: Vec<Value> =
            fresh.iter().flat_map(|word| self.voice.word(word, is_final(word))).collect();
        let finals = fresh.iter().take_while(|word| is_final(word)).count();
        self.said += finals;
        if let Some(last) = fresh[..finals].last() {
            self.said_until_ms = last.end_ms;
        }
        if heard.is_final {
            self.said = 0;
            self.said_until_ms = heard.end_ms;
            tokens.extend(heard.speech_final.then(|| mark("<end>")));
            tokens.extend(heard.from_finalize.then(|| mark("<fin>")));
        }
        (!tokens.is_empty()).then(|| message(&tokens, self.progress()))
    }

    /// The words with times that do not go back behind what is final.
    fn in_order(&self, heard: &Words) -> Vec<TimedWord> {
        let mut at = self.said_until_ms;
        let mut words = heard.words.clone();
        for word in words.iter_mut().skip(self.said) {
            word.start_ms = word.start_ms.max(at);
            word.end_ms = word.end_ms.max(word.start_ms);
            at = word.start_ms;
        }
        words
    }
}
