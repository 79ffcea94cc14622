//! The protocol of a stream: the settings first, then audio and requests up, parts of words down. Pure; [`crate::provider::link`]
//! moves the messages.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;
use vox_audio::pcm;

use super::event::{Event, parse_event};
use super::heard::{By, Heard, News};
use super::{NAME, SttEvent, SttInput};
use crate::provider::egress::Refusal;
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::stt::GOODBYE_WAIT;
use crate::provider::stt::owed::{Owed, nothing_more};
use crate::provider::{Failure, FailureClass};

/// Soniox may close after 20 s without audio or a sign of life.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Final words must not be asked for more often than "every few seconds"; between two requests the answer is the vendor's own end of
/// the utterance, or ours.
pub(super) const FINALIZE_GAP: Duration = Duration::from_secs(2);

/// One stream.
#[derive(Debug)]
pub struct TokensCodec {
    /// The first message.
    opening: String,
    heard: Heard,
    owed: Owed,
    asked_at: Option<Instant>,
}

impl TokensCodec {
    /// A stream that begins with this message.
    pub fn new(opening: String) -> Self {
        Self { opening, heard: Heard::default(), owed: Owed::default(), asked_at: None }
    }

    fn tell(&mut self, news: News, wishes: &mut Wishes<SttEvent>) {
        let event = match news {
            News::Began { at_ms } => SttEvent::SpeechStarted { at_ms },
            News::SoFar(text) => SttEvent::Partial { text },
            News::Over { said, by } => {
                let asked = self.owed.paid();
                if said.text.is_empty() && !asked {
                    return;
                }
                SttEvent::Final {
                    text: said.text,
                    confidence: said.confidence,
                    words: said.words,
                    from_finalize: asked,
                    utterance_end: by == By::Vendor,
                }
            }
        };
        wishes.tell(event);
    }
}

impl Codec for TokensCodec {
    type Order = SttInput;
    type Event = SttEvent;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn failed(failure: Failure) -> SttEvent {
        SttEvent::Failed(failure)
    }

    /// Nothing is said to the first message unless it is wrong.
    fn open(&mut self, _now: Instant, wishes: &mut Wishes<SttEvent>) {
        wishes.send(self.opening.clone());
        wishes.tell(SttEvent::Ready);
    }

    fn order(&mut self, order: SttInput, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        match order {
            // An empty message means the end of the stream to Soniox.
            SttInput::Audio(samples) if samples.is_empty() => {}
            SttInput::Audio(samples) => wishes.send_bytes(pcm::to_bytes(&samples)),
            SttInput::Finalize => {
                if self.asked_at.is_none_or(|at| now >= at + FINALIZE_GAP) {
                    self.asked_at = Some(now);
                    wishes.send(r#"{"type":"finalize"}"#);
                }
                self.owed.ask(now);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, _now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Tokens(tokens) => {
                let finished = tokens.finished;
                for news in self.heard.take(tokens) {
                    self.tell(news, wishes);
                }
                if finished {
                    wishes.tell(SttEvent::Usage { seconds: self.heard.total_ms() as f64 / 1000.0 });
                }
                Ok(())
            }
            Event::Error { status, word } => Err(failure(status, &word).into()),
            Event::Other => Ok(()),
        }
    }

    fn due(&self) -> Option<Instant> {
        self.owed.due()
    }

    /// The vendor owes an answer. With words that are not final yet they are to come, so the answer waits for them.
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
        wishes.send(r#"{"type":"keepalive"}"#);
    }

    fn goodbye(&mut self, wishes: &mut Wishes<SttEvent>) -> Duration {
        wishes.send("");
        GOODBYE_WAIT
    }
}

/// Errors have the numbers of HTTP statuses.
fn failure(status: u16, word: &str) -> Failure {
    let refusal = Refusal { status, headers: HeaderMap::new(), body: String::new() };
    let class = match refusal.class() {
        // A message of the server that says neither yes nor no.
        FailureClass::Malformed => FailureClass::Unavailable,
        class => class,
    };
    Failure::new(class, format!("{NAME}: error {status}: {word}"))
}
