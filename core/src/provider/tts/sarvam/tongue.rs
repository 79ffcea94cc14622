//! What is said to Sarvam's voices, and what their messages mean.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::link::{Flaw, Outgoing};
use crate::provider::tts::UtteranceId;
use crate::provider::tts::parts::Parts;
use crate::provider::tts::replies::{Cancelled, Reaction, Told, Tongue, reported};

/// Longest text of one message.
const TEXT_CHARS_MAX: usize = 2_500;
/// The vendor closes what was idle for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// The words of Sarvam's voices. A connection speaks one reply at a time, and the parts of it one after the other.
#[derive(Debug)]
pub struct SarvamTongue {
    config: Map<String, Value>,
    rate_hz: u32,
    speaking: Option<(UtteranceId, Parts)>,
}

impl SarvamTongue {
    /// A connection begins with `config`; sound is asked for at `rate_hz`.
    pub fn new(mut config: Map<String, Value>, rate_hz: u32) -> Self {
        config.insert("speech_sample_rate".into(), rate_hz.to_string().into());
        Self { config, rate_hz, speaking: None }
    }

    fn go_on(&mut self, to: &mut Reaction) {
        let Some((utterance, parts)) = &mut self.speaking else { return };
        if let Some(text) = parts.next() {
            to.send(json!({"type": "text", "data": {"text": text}}));
            to.send(json!({"type": "flush"}));
        } else if parts.is_over() {
            to.tell(Told::Over { of: Some(*utterance) });
        }
    }
}

impl Tongue for SarvamTongue {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn replies_max(&self) -> usize {
        1
    }

    fn sound_hz(&self) -> u32 {
        self.rate_hz
    }

    fn open(&mut self, to: &mut Reaction) {
        self.speaking = None;
        to.send(json!({"type": "config", "data": self.config}));
    }

    fn speak(&mut self, utterance: UtteranceId, text: &str, _now: Instant, to: &mut Reaction) {
        let (_, parts) = self.speaking.get_or_insert_with(|| (utterance, Parts::new(TEXT_CHARS_MAX)));
        parts.add(text);
        self.go_on(to);
    }

    fn end(&mut self, _utterance: UtteranceId, to: &mut Reaction) {
        if let Some((_, parts)) = &mut self.speaking {
            parts.end();
        }
        self.go_on(to);
    }

    /// A part that is with the vendor is spoken and billed there; of another connection nothing is.
    fn cancel(&mut self, _utterance: UtteranceId, _to: &mut Reaction) -> Cancelled {
        match self.speaking.as_ref().is_some_and(|(_, parts)| parts.is_out()) {
            true => Cancelled::Connection,
            false => Cancelled::Forgotten,
        }
    }

    fn forget(&mut self, utterance: UtteranceId) {
        self.speaking.take_if(|(of, _)| *of == utterance);
    }

    fn owes(&self, _utterance: UtteranceId) -> bool {
        self.speaking.as_ref().is_some_and(|(_, parts)| parts.owes())
    }

    fn text(&mut self, text: &str, _now: Instant, to: &mut Reaction) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Audio { pcm } => {
                if let Some((_, parts)) = &mut self.speaking {
                    parts.hear();
                }
                to.tell(Told::Sound { of: None, bytes: pcm });
            }
            Event::Final => {
                if let Some((_, parts)) = &mut self.speaking {
                    parts.over();
                }
                self.go_on(to);
            }
            Event::Error { code } => to.tell(Told::Failed { of: None, failure: reported(NAME, code, None) }),
            Event::Other => {}
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self) -> Option<Outgoing> {
        Some(Outgoing::Text(json!({"type": "ping"}).to_string()))
    }
}
