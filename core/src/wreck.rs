//! What a worker that died leaves of its call: the journal read back, and whether another worker can go on from there.

pub mod offers;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::SessionId;
use vox_shared::sealed::Sealed;
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::result::{Recovered, Speaker, TranscriptEntry};
use vox_shared::wire::seat::Seated;

use crate::session::kind::EventKind;
use crate::session::past::Past;

/// So often other workers go on with a call.
pub const MOST_TIMES: usize = 3;
/// A worker that went on and died within this died of the call: no other one tries.
const DIED_OF_IT: SignedDuration = SignedDuration::from_secs(3);
/// No call is as old: whoever sits in such a room is somebody else.
const OLDEST: SignedDuration = SignedDuration::from_hours(4);
/// Of events of a running call that were told and are in no journal, between two tallies: delays, lines that were told again.
const UNCOUNTED: u64 = 16;

/// What a sealed config is of.
const CONFIG: &[u8] = b"vox: the config of a call in a room";

/// What the seal of a call's config is about.
pub fn about_config(session_id: &SessionId) -> [&[u8]; 2] {
    [CONFIG, session_id.as_str().as_bytes()]
}

/// A journal read back.
#[derive(Clone, Debug, Default)]
pub struct Salvaged {
    pub past: Past,
    /// Events of the running call that were told, or a few more.
    pub told: u64,
    /// The newest media time in it, milliseconds.
    pub newest_ms: u64,
    pub seats: Vec<Seated>,
}

impl Salvaged {
    /// From the records of one call, in their order.
    pub fn of(journal: impl IntoIterator<Item = JournalRecord>) -> Self {
        let mut salvaged = Self::default();
        for record in journal {
            salvaged.add(record);
        }
        salvaged
    }

    fn add(&mut self, record: JournalRecord) {
        let past = &mut self.past;
        match record {
            JournalRecord::Turn { entry, .. } => {
                self.told += 1;
                self.newest_ms = self.newest_ms.max(entry.ended_ms);
                add_line(&mut past.transcript, entry);
            }
            JournalRecord::Event { event, .. } => {
                self.told += 1;
                self.newest_ms = self.newest_ms.max(event.at_ms);
                past.events.push(event);
            }
            JournalRecord::Seated(seated) => self.seats.push(*seated),
            JournalRecord::Tally(tally) => {
                self.told = tally.told;
                self.newest_ms = self.newest_ms.max(tally.at_ms);
                past.usage = tally.usage;
                past.tokens = tally.tokens;
                past.first_audio = tally.first_audio_ms.map(Duration::from_millis);
                past.latency.extend(tally.latency);
                past.barge_in.extend(tally.barge_in_ms.into_iter().map(Duration::from_millis));
                past.why.extend(tally.why);
                past.steered.extend(tally.steered);
            }
            _ => {}
        }
    }

    /// The workers that went on with the call, as far as it got.
    pub fn recovered(&self) -> Vec<Recovered> {
        let since = self.seats.first().map(|first| first.answered_at.as_str());
        let later = self.seats.iter().skip(1);
        later.map(|seated| recovered(seated, since.unwrap_or(&seated.answered_at))).collect()
    }
}

/// A worker that goes on, for the call's record.
fn recovered(seated: &Seated, answered_at: &str) -> Recovered {
    let at_ms = since(answered_at, &seated.at).map_or(0, |since| since.as_millis() as u64);
    Recovered { at: seated.at.clone(), at_ms, worker_id: seated.worker_id.clone() }
}

fn since(from: &str, to: &str) -> Option<Duration> {
    let (from, to): (Timestamp, Timestamp) = (from.parse().ok()?, to.parse().ok()?);
    to.duration_since(from).try_into().ok()
}

/// A line of the caller, or of a human agent, that became longer takes the place of the one before it. One of the bot does so only
/// when it is the very one, of which more is hidden now.
fn add_line(transcript: &mut Vec<TranscriptEntry>, entry: TranscriptEntry) {
    let is_same = |l: &TranscriptEntry| {
        (l.turn, l.speaker, l.started_ms) == (entry.turn, entry.speaker, entry.started_ms)
            && (entry.speaker != Speaker::Bot || l.ended_ms == entry.ended_ms)
    };
    match transcript.iter().rposition(is_same) {
        Some(at) => transcript[at] = entry,
        None => transcript.push(entry),
    }
}

/// Why nobody goes on with a call: its record says that its worker was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    #[error("it was in no room, or not answered")]
    NoSeat,
    #[error("its journal does not have its config")]
    NoConfig,
    #[error("it had ended, and its record was not written yet")]
    Ended,
    #[error("{MOST_TIMES} workers have gone on with it already")]
    TooOften,
    #[error("the worker that went on with it died at once")]
    DiedOfIt,
    #[error("it is too long ago")]
    TooOld,
}

/// A call in a room whose worker died, with all that another one needs.
#[derive(Debug)]
pub struct Wreck {
    pub accepted: Accepted,
    /// The newest.
    pub seated: Seated,
    pub config: Sealed,
    pub salvaged: Salvaged,
    /// As it was read.
    pub journal: Vec<JournalRecord>,
    /// When the last of it was written.
    pub last_at: Timestamp,
}

impl Wreck {
    /// Whether one can go on.
    ///
    /// # Errors
    /// Why nobody can.
    pub fn of(
        accepted: &Accepted,
        journal: &[JournalRecord],
        (last_at, now): (Timestamp, Timestamp),
    ) -> Result<Self, Beyond> {
        if !journal.iter().any(|record| matches!(record, JournalRecord::Seated(_))) {
            return Err(Beyond::NoSeat);
        }
        let journal = journal.to_vec();
        let mut salvaged = Salvaged::of(journal.iter().cloned());
        let (Some(first), Some(seated)) = (salvaged.seats.first(), salvaged.seats.last().cloned()) else {
            return Err(Beyond::NoSeat);
        };
        let config = first.config.clone().ok_or(Beyond::NoConfig)?;
        if salvaged.past.events.iter().any(|event| event.event == EventKind::Ended.as_str()) {
            return Err(Beyond::Ended);
        }
        let times = salvaged.seats.len();
        let age = |at: &str| at.parse().map_or(SignedDuration::MAX, |at: Timestamp| now.duration_since(at));
        if times > MOST_TIMES {
            return Err(Beyond::TooOften);
        }
        if times > 1 && age(&seated.at) < DIED_OF_IT {
            return Err(Beyond::DiedOfIt);
        }
        if age(&seated.answered_at) > OLDEST {
            return Err(Beyond::TooOld);
        }
        salvaged.past.times = u32::try_from(times).unwrap_or(u32::MAX);
        Ok(Self { accepted: accepted.clone(), seated, config, salvaged, journal, last_at })
    }

    /// The media time now: it goes on while nobody has the line.
    pub fn media_time(&self, now: Timestamp) -> Duration {
        let newest = Duration::from_millis(self.salvaged.newest_ms);
        let answered = self.seated.answered_at.parse::<Timestamp>().ok();
        let passed = answered.and_then(|at| now.duration_since(at).try_into().ok());
        newest.max(passed.unwrap_or_default())
    }

    /// Events that are told from now on are numbered behind this. Some numbers are left out, as some events may be lost.
    pub fn told(&self, media_time: Duration) -> u64 {
        self.salvaged.told + media_time.as_secs() / 60 + UNCOUNTED
    }
}

#[cfg(test)]
mod tests;
