//! The protocol of a realtime session: audio up, utterances down. Pure; [`crate::provider::link`] moves the messages. The vendor hears
//! where an utterance ends and cannot be asked to end one, unless it were told all starts and ends of speech.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::time::Instant;
use vox_audio::pcm;

use super::super::super::fit::Fit;
use super::super::super::pieces::Pieces;
use super::super::super::turns::{Stage, Told, Turns};
use super::super::super::{GOODBYE_WAIT, SttEvent, SttInput};
use super::super::{PIECE_MS, error};
use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::Failure;
use crate::provider::link::{Codec, Flaw, Wishes};

/// Sarvam closes an idle session with 1008; after how long is not published for this one, and 60 s for the others.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// One session.
#[derive(Debug)]
pub struct RealtimeCodec {
    fit: Fit,
    pieces: Pieces,
    ready: bool,
    turns: Turns,
    sent: u64,
}

impl RealtimeCodec {
    /// A session of audio that is made to fit.
    pub(in super::super::super) fn new(fit: Fit) -> Self {
        let pieces = Pieces::new(fit.rate_hz(), PIECE_MS);
        Self { fit, pieces, ready: false, turns: Turns::default(), sent: 0 }
    }

    /// A session at this rate.
    pub fn at(rate_hz: u32) -> Self {
        Self::new(Fit::new(rate_hz, &super::super::RATES))
    }

    fn send(&mut self, samples: &[i16], wishes: &mut Wishes<SttEvent>) {
        self.sent += samples.len() as u64;
        let audio = STANDARD.encode(pcm::to_bytes(samples));
        wishes.send(json!({"event": "audio_input", "audio": audio}).to_string());
    }

    fn turn(
        &mut self,
        (index, text): (u64, String),
        stage: Stage,
        wishes: &mut Wishes<SttEvent>,
    ) -> Result<(), Flaw> {
        let told = Told { index, text, ..Told::default() };
        let events = self.turns.take(told, stage);
        let events = events.map_err(|_| Flaw::Malformed("an utterance from nowhere".into()))?;
        events.into_iter().for_each(|event| wishes.tell(event));
        Ok(())
    }
}

impl Codec for RealtimeCodec {
    type Order = SttInput;
    type Event = SttEvent;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn failed(failure: Failure) -> SttEvent {
        SttEvent::Failed(failure)
    }

    fn open(&mut self, _now: Instant, _wishes: &mut Wishes<SttEvent>) {}

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn order(&mut self, order: SttInput, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        match order {
            SttInput::Audio(samples) => {
                let fitted = self.fit.fit(&samples).into_owned();
                self.pieces.push(&fitted);
                while let Some(piece) = self.pieces.next() {
                    self.send(&piece, wishes);
                }
            }
            SttInput::Finalize => {
                if let Some(rest) = self.pieces.rest() {
                    self.send(&rest, wishes);
                }
                self.turns.ask(now);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, _now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Begin => {
                if !std::mem::replace(&mut self.ready, true) {
                    wishes.tell(SttEvent::Ready);
                }
            }
            Event::SpeechStarted => {
                let at_ms = self.sent * 1000 / u64::from(self.fit.rate_hz());
                if let Some(event) = self.turns.speech_started(at_ms) {
                    wishes.tell(event);
                }
            }
            Event::Partial { index, text } => self.turn((index, text), Stage::Going, wishes)?,
            Event::Final { index, text } => self.turn((index, text), Stage::Over, wishes)?,
            Event::End { seconds } => wishes.tell(SttEvent::Usage { seconds }),
            Event::Error { word, is_fatal: true } => return Err(error::error(NAME, &word).into()),
            Event::Error { word, is_fatal: false } => {
                tracing::warn!(provider = NAME, word, "the vendor did not like something");
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.turns.due()
    }

    fn tick(&mut self, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        if let Some(event) = self.turns.tick(now) {
            wishes.tell(event);
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self, wishes: &mut Wishes<SttEvent>) {
        wishes.send(r#"{"event":"ping"}"#);
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        error::closed(NAME, code, reason)
    }

    fn goodbye(&mut self, wishes: &mut Wishes<SttEvent>) -> Duration {
        wishes.send(r#"{"event":"end"}"#);
        GOODBYE_WAIT
    }
}
