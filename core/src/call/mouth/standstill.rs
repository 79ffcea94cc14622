//! Stretches in which a line takes no sound, as a room does whose connection is being had back. The mouth's time leaves them out.

use crate::provider::tts::UtteranceId;
use crate::session::event::Event;

/// The session is told again where it is so often, seconds: it gives up a line on which nothing moves.
const TELL_EVERY: u64 = 1;
/// And for so long, seconds: a line that stands for longer is lost, should nobody else notice. Rooms are given up after 15.
const LONGEST: u64 = 20;

#[derive(Debug, Default)]
pub(super) struct Standstill {
    /// Media time, samples.
    since: Option<u64>,
    /// Samples of the media time that were left out before.
    left_out: u64,
    /// What was heard last of what is being said.
    heard: Option<(UtteranceId, u32, bool)>,
    told_at: u64,
}

impl Standstill {
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    pub(super) fn begin(&mut self, now: u64) {
        if self.since.is_none() {
            (self.since, self.told_at) = (Some(now), now);
        }
    }

    pub(super) fn end(&mut self, now: u64) {
        if let Some(since) = self.since.take() {
            self.left_out += now.saturating_sub(since);
        }
    }

    /// The mouth's time at this media time.
    pub(super) fn time(&self, now: u64) -> u64 {
        self.since.map_or(now, |since| since.min(now)).saturating_sub(self.left_out)
    }

    /// The media time of a time of the mouth's to come.
    pub(super) fn media_time(&self, time: u64) -> u64 {
        time + self.left_out
    }

    pub(super) fn note(&mut self, utterance: UtteranceId, played_ms: u32, audible: bool) {
        self.heard = Some((utterance, played_ms, audible));
    }

    /// A step of the media clock: what the session is to be told again.
    pub(super) fn step(&mut self, now: u64, rate: u64) -> Option<Event> {
        let is_due = now.saturating_sub(self.told_at) >= TELL_EVERY * rate;
        let is_lost = now.saturating_sub(self.since?) > LONGEST * rate;
        let (utterance, played_ms, audible) = self.heard.filter(|_| is_due && !is_lost)?;
        self.told_at = now;
        Some(Event::Played { utterance, played_ms, audible })
    }
}
