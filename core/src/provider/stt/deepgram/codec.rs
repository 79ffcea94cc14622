//! The protocol of a live stream: audio and `Finalize` up, results down. Pure; [`crate::provider::link`] moves the messages.

use std::time::Duration;

use tokio::time::Instant;
use vox_audio::pcm;

use super::event::{Event, parse_event};
use super::heard::Heard;
use super::{NAME, SttEvent, SttInput};
use crate::provider::Failure;
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::stt::GOODBYE_WAIT;
use crate::provider::stt::owed::{Owed, nothing_more};

/// Deepgram closes after 10 s without audio or keep-alive and advises one every 3 to 5 s.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// One stream.
#[derive(Debug, Default)]
pub struct ListenCodec {
    heard: Heard,
    owed: Owed,
}

impl Codec for ListenCodec {
    type Order = SttInput;
    type Event = SttEvent;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn failed(failure: Failure) -> SttEvent {
        SttEvent::Failed(failure)
    }

    /// An accepted handshake is all that Deepgram says before the first words.
    fn open(&mut self, _now: Instant, wishes: &mut Wishes<SttEvent>) {
        wishes.tell(SttEvent::Ready);
    }

    fn order(&mut self, order: SttInput, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        match order {
            // An empty binary message means the end of the stream to Deepgram.
            SttInput::Audio(samples) if samples.is_empty() => {}
            SttInput::Audio(samples) => wishes.send_bytes(pcm::to_bytes(&samples)),
            SttInput::Finalize => {
                wishes.send(r#"{"type":"Finalize"}"#);
                self.owed.ask(now);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, _now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Error { variant } => {
                tracing::warn!(provider = NAME, variant, "the vendor did not understand a message");
            }
            event => {
                if matches!(&event, Event::Results(results) if results.from_finalize) {
                    self.owed.paid();
                }
                if let Some(event) = self.heard.take(event) {
                    wishes.tell(event);
                }
            }
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.owed.due()
    }

    /// The vendor owes an answer to `Finalize`. With an interim still open its words are to come, so the answer waits for them.
    fn tick(&mut self, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        if self.owed.is_over(now) && !self.heard.is_open() {
            wishes.tell(nothing_more());
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self, wishes: &mut Wishes<SttEvent>) {
        wishes.send(r#"{"type":"KeepAlive"}"#);
    }

    fn goodbye(&mut self, wishes: &mut Wishes<SttEvent>) -> Duration {
        wishes.send(r#"{"type":"CloseStream"}"#);
        GOODBYE_WAIT
    }
}
