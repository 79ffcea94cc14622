//! What is said to Flux' voices, and what their messages mean.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::link::{Flaw, Outgoing};
use crate::provider::tts::UtteranceId;
use crate::provider::tts::aura::closed;
use crate::provider::tts::replies::{Cancelled, Reaction, Told, Tongue};
use crate::provider::{Failure, FailureClass};

/// A connection stands an hour at most.
const AGE_MOST: Duration = Duration::from_secs(55 * 60);
/// There is no sign of life, and none is needed.
const NO_SIGN: Duration = Duration::from_secs(600);

/// The words of Flux' voices. A connection speaks one turn at a time.
#[derive(Debug)]
pub struct FluxTongue {
    rate_hz: u32,
}

impl FluxTongue {
    /// The connection was asked for sound at `rate_hz`.
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz }
    }
}

impl Tongue for FluxTongue {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn replies_max(&self) -> usize {
        1
    }

    fn sound_hz(&self) -> u32 {
        self.rate_hz
    }

    fn speak(&mut self, _utterance: UtteranceId, text: &str, _now: Instant, to: &mut Reaction) {
        // Texts are joined as they are; the vendor begins to speak at the end of a sentence or clause by itself.
        to.send(json!({"type": "Speak", "text": format!("{text} ")}));
    }

    fn end(&mut self, _utterance: UtteranceId, to: &mut Reaction) {
        to.send(json!({"type": "Flush"}));
    }

    fn cancel(&mut self, _utterance: UtteranceId, to: &mut Reaction) -> Cancelled {
        to.send(json!({"type": "Interrupt"}));
        Cancelled::Told
    }

    fn forget(&mut self, _utterance: UtteranceId) {}

    fn text(&mut self, text: &str, _now: Instant, to: &mut Reaction) -> Result<(), Flaw> {
        let billed = |to: &mut Reaction, characters: Option<u64>| {
            to.told.extend(characters.map(|characters| Told::Billed { of: None, characters }));
        };
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::TurnOver { characters } => {
                billed(to, characters);
                to.tell(Told::Over { of: None });
            }
            Event::Interrupted { characters } => {
                billed(to, characters);
                to.tell(Told::Silent { of: None });
            }
            // The turn had ended when it was interrupted, or there was nothing in it to say.
            Event::Nothing => {
                to.tell(Told::Silent { of: None });
                to.tell(Told::Over { of: None });
            }
            Event::Error { word } => {
                let class = class(word.as_deref().unwrap_or_default());
                let word = word.as_deref().unwrap_or("no code");
                let failure = Failure::new(class, format!("{NAME} reports an error: {word}"));
                to.tell(Told::Failed { of: None, failure });
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8], to: &mut Reaction) -> Result<(), Flaw> {
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

/// The codes are those of the close frames that follow.
fn class(word: &str) -> FailureClass {
    match word {
        "MESSAGE-0000" | "DATA-0000" | "DATA-0002" | "BIG-0000" => FailureClass::Refused,
        "DATA-0001" => FailureClass::OverLimit,
        _ => FailureClass::Unavailable,
    }
}
