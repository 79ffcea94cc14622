//! The protocol of a session: audio and ends of turns up, turns down. Pure; [`crate::provider::link`] moves the messages.

use std::time::Duration;

use tokio::time::Instant;

use super::super::GOODBYE_WAIT;
use super::super::turns::{Stage, Told, Turns};
use super::event::{Event, Turn, parse_event};
use super::pace::Pace;
use super::{NAME, SttEvent, SttInput};
use crate::provider::link::{Codec, Flaw, Wishes, close_failure};
use crate::provider::{Failure, FailureClass};

/// Nothing closes an idle session unless it asks for that; the sign of life is for what stands between.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// The formatted words of an ended turn follow the plain ones; without them the plain ones count.
pub(super) const FORMAT_WAIT: Duration = Duration::from_millis(400);

/// One session.
#[derive(Debug)]
pub struct TurnsCodec {
    /// Ended turns come twice, and count when they are formatted.
    formats: bool,
    ready: bool,
    turns: Turns,
    pace: Pace,
    /// An ended turn that is not formatted yet, and until when that is waited for.
    plain: Option<(Told, Instant)>,
}

impl TurnsCodec {
    /// A session at this rate.
    pub fn new(rate_hz: u32, formats: bool) -> Self {
        Self { formats, ready: false, turns: Turns::default(), pace: Pace::new(rate_hz), plain: None }
    }

    fn turn(&mut self, turn: Turn, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        let is_plain = turn.ended && self.formats && !turn.formatted;
        let stage = match turn.ended {
            true if !is_plain => Stage::Over,
            false if turn.likely_ended => Stage::Eager,
            _ => Stage::Going,
        };
        if is_plain {
            self.plain = Some((turn.told.clone(), now + FORMAT_WAIT));
        } else if self.plain.as_ref().is_some_and(|(plain, _)| plain.index <= turn.told.index) {
            self.plain = None;
        }
        let events = self.turns.take(turn.told, stage);
        let events = events.map_err(|_| Flaw::Malformed("a turn from nowhere".into()))?;
        events.into_iter().for_each(|event| wishes.tell(event));
        Ok(())
    }
}

impl Codec for TurnsCodec {
    type Order = SttInput;
    type Event = SttEvent;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn failed(failure: Failure) -> SttEvent {
        SttEvent::Failed(failure)
    }

    fn open(&mut self, now: Instant, _wishes: &mut Wishes<SttEvent>) {
        self.pace.start(now);
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn takes_orders(&self) -> bool {
        self.pace.has_room()
    }

    fn order(&mut self, order: SttInput, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        match order {
            SttInput::Audio(samples) => self.pace.audio(&samples),
            SttInput::Finalize => {
                self.pace.say(r#"{"type":"ForceEndpoint"}"#);
                self.turns.ask(now);
            }
        }
        self.pace.go(now, wishes);
        Ok(())
    }

    fn text(&mut self, text: &str, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Flaw> {
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Begin => {
                if !std::mem::replace(&mut self.ready, true) {
                    wishes.tell(SttEvent::Ready);
                }
            }
            Event::Turn(turn) => self.turn(turn, now, wishes)?,
            Event::SpeechStarted { at_ms } => {
                if let Some(event) = self.turns.speech_started(at_ms) {
                    wishes.tell(event);
                }
            }
            Event::Termination { seconds } => wishes.tell(SttEvent::Usage { seconds }),
            Event::Error { code, text } => return Err(self.closed(Some(code), &text).into()),
            Event::Warning { code } => tracing::warn!(provider = NAME, code, "the vendor warns"),
            Event::Other => {}
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        let plain = self.plain.as_ref().map(|(_, until)| *until);
        [self.turns.due(), self.pace.due(), plain].into_iter().flatten().min()
    }

    fn tick(&mut self, now: Instant, wishes: &mut Wishes<SttEvent>) -> Result<(), Failure> {
        if let Some((told, _)) = self.plain.take_if(|(_, until)| *until <= now) {
            let events = self.turns.take(told, Stage::Over).unwrap_or_default();
            events.into_iter().for_each(|event| wishes.tell(event));
        }
        if let Some(event) = self.turns.tick(now) {
            wishes.tell(event);
        }
        self.pace.go(now, wishes);
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self, wishes: &mut Wishes<SttEvent>) {
        wishes.send(r#"{"type":"KeepAlive"}"#);
    }

    /// The codes of the third version, which its error messages use too.
    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        let failure = close_failure(NAME, code, reason);
        let class = match code {
            // A key or an account that may not; the reason tells an empty one apart.
            Some(1008) if failure.class == FailureClass::Refused => FailureClass::Unauthorised,
            Some(3006) => FailureClass::Refused,
            Some(3009) => FailureClass::OverLimit,
            // 3005 is the vendor's own fault, 3007 audio that came too fast, 3008 the end of the longest session: the next one works.
            Some(3005 | 3007 | 3008) => FailureClass::Unavailable,
            _ => failure.class,
        };
        Failure { class, ..failure }
    }

    fn goodbye(&mut self, wishes: &mut Wishes<SttEvent>) -> Duration {
        self.pace.give_up();
        wishes.send(r#"{"type":"Terminate"}"#);
        GOODBYE_WAIT
    }
}
