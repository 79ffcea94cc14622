//! The protocol of a stream: audio and requests up, turns down. Pure; [`crate::provider::link`] moves the messages.

use std::time::Duration;

use tokio::time::Instant;
use vox_audio::pcm;

use super::super::GOODBYE_WAIT;
use super::super::filler::Filler;
use super::super::pieces::Pieces;
use super::super::turns::{Stage, Turns};
use super::event::{Event, Turn, TurnKind, parse_event};
use super::{NAME, SttEvent, SttInput};
use crate::provider::link::{Codec, Flaw, Wishes};
use crate::provider::{Failure, FailureClass};

/// There is no sign of life in this protocol but audio, and without audio no turn ever ends: where the line sends none for so long,
/// as much silence is sent.
pub(super) const FILL: Duration = Duration::from_millis(500);
/// "80 ms of audio per message is strongly recommended", and more at once after a pause.
const PIECE_MS: (u32, u32) = (80, 250);
/// The code of a message of ours that the server cannot read, after which it closes.
const UNREADABLE: &str = "UNPARSABLE_CLIENT_MESSAGE";

/// One stream.
#[derive(Debug)]
pub struct FluxCodec {
    rate_hz: u32,
    /// Whether ends of turns are asked for: not every host of the vendor knows that yet, and one that does not breaks off.
    forces: bool,
    forced: bool,
    ready: bool,
    turns: Turns,
    pieces: Pieces,
    filler: Filler,
    /// The lowest number that a new message may have.
    sequence: u64,
}

impl FluxCodec {
    /// A stream at this rate, whose host knows how to end a turn when asked where `forces`.
    pub fn new(rate_hz: u32, forces: bool) -> Self {
        Self {
            rate_hz,
            forces,
            forced: false,
            ready: false,
            turns: Turns::default(),
            pieces: Pieces::new(rate_hz, PIECE_MS),
            filler: Filler::default(),
            sequence: 0,
        }
    }

    fn send(&mut self, samples: &[i16], wishes: &mut Wishes<SttEvent>) {
        self.filler.audio(samples.len());
        wishes.send_bytes(pcm::to_bytes(samples));
    }

    fn turn(&mut self, mut turn: Turn, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        self.filler.correct(&mut turn.told.words);
        if turn.kind == TurnKind::Resumed
            && let Some(event) = self.turns.resumed()
        {
            wishes.tell(event);
        }
        let stage = match turn.kind {
            TurnKind::Grows | TurnKind::Resumed => Stage::Going,
            TurnKind::EagerEnd => Stage::Eager,
            TurnKind::End => Stage::Over,
        };
        let events = self.turns.take(turn.told, stage);
        let events = events.map_err(|_| Flaw::Malformed("a turn from nowhere".into()))?;
        events.into_iter().for_each(|event| wishes.tell(event));
        Ok(())
    }

    fn broke_off(&self, code: &str) -> Failure {
        let mend = match code == UNREADABLE && self.forced {
            true => {
                "; this host may not know how to end a turn when asked: set extra.force_end_turn to false"
            }
            false => "",
        };
        Failure::new(FailureClass::Unavailable, format!("{NAME} breaks off: {code}{mend}"))
    }
}

impl Codec for FluxCodec {
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
                self.pieces.push(&samples);
                while let Some(piece) = self.pieces.next() {
                    self.send(&piece, wishes);
                }
            }
            SttInput::Finalize => {
                if let Some(rest) = self.pieces.rest() {
                    self.send(&rest, wishes);
                }
                if self.forces {
                    self.forced = true;
                    wishes.send(r#"{"type":"ForceEndTurn"}"#);
                }
                self.turns.ask(now);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, _now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        let message = parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))?;
        let is_turn = matches!(message.event, Event::Turn(_));
        if is_turn && message.sequence.is_some_and(|sequence| sequence < self.sequence) {
            // It comes twice, or after a later one.
            return Ok(());
        }
        match message.event {
            Event::Connected => {
                if !std::mem::replace(&mut self.ready, true) {
                    wishes.tell(SttEvent::Ready);
                }
            }
            Event::Turn(turn) => self.turn(turn, wishes)?,
            Event::Error { code } => return Err(self.broke_off(&code).into()),
            Event::Warning { code } => tracing::warn!(provider = NAME, code, "the vendor warns"),
            Event::Other => {}
        }
        // A message that made no sense has taken nobody's place.
        let after = message.sequence.map_or(0, |sequence| sequence.saturating_add(1));
        self.sequence = self.sequence.max(after);
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
        FILL
    }

    fn stay(&mut self, wishes: &mut Wishes<SttEvent>) {
        if let Some(rest) = self.pieces.rest() {
            self.send(&rest, wishes);
        }
        let silence = vec![0; (FILL.as_millis() as usize * self.rate_hz as usize) / 1000];
        self.filler.silence(silence.len(), self.rate_hz);
        wishes.send_bytes(pcm::to_bytes(&silence));
    }

    fn goodbye(&mut self, wishes: &mut Wishes<SttEvent>) -> Duration {
        wishes.send(r#"{"type":"CloseStream"}"#);
        GOODBYE_WAIT
    }
}
