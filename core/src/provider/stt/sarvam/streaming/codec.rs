//! The protocol of streaming recognition: audio and `flush` up, utterances down. Pure; [`crate::provider::link`] moves the messages.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::time::Instant;
use vox_audio::pcm;

use super::super::super::fit::Fit;
use super::super::super::owed::{Owed, nothing_more};
use super::super::super::pieces::Pieces;
use super::super::super::{GOODBYE_WAIT, SttEvent, SttInput};
use super::super::{PIECE_MS, error};
use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::Failure;
use crate::provider::link::{Codec, Flaw, Wishes};

/// Sarvam closes after 60 s without a message, and audio is the only one that says nothing.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How much silence is a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_millis(100);

/// One stream.
#[derive(Debug)]
pub struct UtterancesCodec {
    fit: Fit,
    pieces: Pieces,
    prompt: Option<String>,
    owed: Owed,
    /// Speech began and its utterance was not told yet.
    hears: bool,
    sent: u64,
    billed_s: f64,
    last_request: Option<String>,
}

impl UtterancesCodec {
    /// A stream of audio that is made to fit; `prompt` says what the call is about.
    pub(in super::super::super) fn new(fit: Fit, prompt: Option<String>) -> Self {
        Self {
            pieces: Pieces::new(fit.rate_hz(), PIECE_MS),
            fit,
            prompt,
            owed: Owed::default(),
            hears: false,
            sent: 0,
            billed_s: 0.0,
            last_request: None,
        }
    }

    /// A stream at this rate.
    pub fn at(rate_hz: u32) -> Self {
        Self::new(Fit::new(rate_hz, &super::super::RATES), None)
    }

    /// Raw samples, though the vendor's name for them says otherwise.
    fn send(&mut self, samples: &[i16], wishes: &mut Wishes<SttEvent>) {
        self.sent += samples.len() as u64;
        let data = STANDARD.encode(pcm::to_bytes(samples));
        let audio = json!({"data": data, "encoding": "audio/wav", "sample_rate": self.fit.rate_hz()});
        wishes.send(json!({ "audio": audio }).to_string());
    }

    fn flush(&mut self, wishes: &mut Wishes<SttEvent>) {
        if let Some(rest) = self.pieces.rest() {
            self.send(&rest, wishes);
        }
        wishes.send(r#"{"type":"flush"}"#);
    }

    fn utterance(&mut self, text: String, wishes: &mut Wishes<SttEvent>) {
        self.hears = false;
        let asked = self.owed.paid();
        wishes.tell(match text.is_empty() && !asked {
            true => SttEvent::Partial { text },
            false => SttEvent::Final {
                utterance_end: !text.is_empty(),
                text,
                confidence: None,
                words: Vec::new(),
                from_finalize: asked,
            },
        });
    }
}

impl Codec for UtterancesCodec {
    type Order = SttInput;
    type Event = SttEvent;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn failed(failure: Failure) -> SttEvent {
        SttEvent::Failed(failure)
    }

    /// An accepted handshake is all that Sarvam says before the first utterance.
    fn open(&mut self, _now: Instant, wishes: &mut Wishes<SttEvent>) {
        if let Some(prompt) = &self.prompt {
            wishes.send(json!({"type": "config", "prompt": prompt}).to_string());
        }
        wishes.tell(SttEvent::Ready);
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
                self.flush(wishes);
                self.owed.ask(now);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, _now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Utterance { text, seconds, request } => {
                // It comes twice.
                if request.is_some() && request == self.last_request {
                    return Ok(());
                }
                self.last_request = request;
                self.billed_s += seconds;
                self.utterance(text, wishes);
                wishes.tell(SttEvent::Usage { seconds: self.billed_s });
            }
            Event::SpeechStarted => {
                if !std::mem::replace(&mut self.hears, true) {
                    let at_ms = self.sent * 1000 / u64::from(self.fit.rate_hz());
                    wishes.tell(SttEvent::SpeechStarted { at_ms });
                }
            }
            Event::Error { word } => return Err(error::error(NAME, &word).into()),
            Event::SpeechEnded | Event::Other => {}
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.owed.due()
    }

    /// The vendor owes an answer. Of speech that it hears the words are to come, so the answer waits for them.
    fn tick(&mut self, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        if self.owed.is_over(now) && !self.hears {
            wishes.tell(nothing_more());
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self, wishes: &mut Wishes<SttEvent>) {
        let count = u64::from(self.fit.rate_hz()) * SIGN_OF_LIFE.as_millis() as u64 / 1000;
        self.send(&vec![0; count as usize], wishes);
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        error::closed(NAME, code, reason)
    }

    /// There is no message for the end.
    fn goodbye(&mut self, wishes: &mut Wishes<SttEvent>) -> Duration {
        self.flush(wishes);
        GOODBYE_WAIT
    }
}
