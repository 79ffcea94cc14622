//! What is said to Aura, and what its messages mean.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::link::{Flaw, Outgoing, close_failure};
use crate::provider::tts::UtteranceId;
use crate::provider::tts::parts::Parts;
use crate::provider::tts::replies::{Cancelled, Reaction, Told, Tongue};
use crate::provider::{Failure, FailureClass};

/// Longest text of one message; the vendor's pages say 2,000 in one place and 1,000 in another.
const TEXT_CHARS_MAX: usize = 1_000;
/// A connection stands an hour at most.
const AGE_MOST: Duration = Duration::from_secs(55 * 60);
/// There is no sign of life, and none is needed.
const NO_SIGN: Duration = Duration::from_secs(600);

/// Aura's words. A connection speaks one reply at a time, and the parts of it one after the other: there are at most 20 flushes a
/// minute.
#[derive(Debug)]
pub struct AuraTongue {
    rate_hz: u32,
    speaking: Option<(UtteranceId, Parts)>,
    /// A `Clear` is not answered yet.
    is_clearing: bool,
}

impl AuraTongue {
    /// The connection was asked for sound at `rate_hz`.
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz, speaking: None, is_clearing: false }
    }

    /// The parts of a reply, which is the only one.
    fn parts(&mut self) -> Option<&mut Parts> {
        self.speaking.as_mut().map(|(_, parts)| parts)
    }

    fn go_on(&mut self, to: &mut Reaction) {
        let Some((utterance, parts)) = &mut self.speaking else { return };
        if let Some(text) = parts.next() {
            to.send(json!({"type": "Speak", "text": text}));
            to.send(json!({"type": "Flush"}));
        } else if parts.is_over() {
            to.tell(Told::Over { of: Some(*utterance) });
        }
    }
}

impl Tongue for AuraTongue {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn replies_max(&self) -> usize {
        1
    }

    fn sound_hz(&self) -> u32 {
        self.rate_hz
    }

    fn open(&mut self, _to: &mut Reaction) {
        (self.speaking, self.is_clearing) = (None, false);
    }

    fn speak(&mut self, utterance: UtteranceId, text: &str, _now: Instant, to: &mut Reaction) {
        let (_, parts) = self.speaking.get_or_insert_with(|| (utterance, Parts::new(TEXT_CHARS_MAX)));
        parts.add(text);
        self.go_on(to);
    }

    fn end(&mut self, _utterance: UtteranceId, to: &mut Reaction) {
        if let Some(parts) = self.parts() {
            parts.end();
        }
        self.go_on(to);
    }

    fn cancel(&mut self, _utterance: UtteranceId, to: &mut Reaction) -> Cancelled {
        if !self.parts().is_some_and(|parts| parts.is_out()) {
            return Cancelled::Forgotten;
        }
        self.is_clearing = true;
        to.send(json!({"type": "Clear"}));
        Cancelled::Told
    }

    fn forget(&mut self, utterance: UtteranceId) {
        self.speaking.take_if(|(of, _)| *of == utterance);
    }

    fn owes(&self, _utterance: UtteranceId) -> bool {
        self.speaking.as_ref().is_some_and(|(_, parts)| parts.owes())
    }

    fn text(&mut self, text: &str, _now: Instant, to: &mut Reaction) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            // It may have been on its way when the reply was interrupted.
            Event::Flushed if self.is_clearing => {}
            Event::Flushed => {
                if let Some(parts) = self.parts() {
                    parts.over();
                }
                self.go_on(to);
            }
            Event::Cleared => {
                self.is_clearing = false;
                to.tell(Told::Silent { of: None });
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8], to: &mut Reaction) -> Result<(), Flaw> {
        if let Some(parts) = self.parts() {
            parts.hear();
        }
        to.tell(Told::Sound { of: None, bytes: bytes.to_vec() });
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        NO_SIGN
    }

    fn stay(&mut self) -> Option<Outgoing> {
        None
    }

    fn age_most(&self) -> Option<Duration> {
        Some(AGE_MOST)
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        closed(NAME, code, reason)
    }

    fn goodbye(&mut self) -> Option<Outgoing> {
        Some(Outgoing::Text(json!({"type": "Close"}).to_string()))
    }
}

/// Too many characters in the recent window is 1008 like every wrong command, and so is named by its payload.
pub(in crate::provider::tts) fn closed(vendor: &str, code: Option<u16>, reason: &str) -> Failure {
    let failure = close_failure(vendor, code, reason);
    match reason.contains("DATA-0001") {
        true => Failure { class: FailureClass::OverLimit, ..failure },
        false => failure,
    }
}
