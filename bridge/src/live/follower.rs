//! Who follows one call.

use std::str::FromStr;

use jiff::Timestamp;

use super::envelope::{self, Told};
use super::news::Whose;
use crate::edge::sse::{Event, Feed, Lost};

/// The id of a call's last event.
const END: &str = "end";

/// Where a follower of a call resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallPlace {
    /// Behind the event of this number.
    Behind(u64),
    /// It has the last one.
    End,
}

/// The text is no id of an event of a call.
#[derive(Debug)]
pub struct NoPlace;

impl FromStr for CallPlace {
    type Err = NoPlace;

    fn from_str(id: &str) -> Result<Self, NoPlace> {
        match id {
            END => Ok(Self::End),
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                number.parse().map(Self::Behind).map_err(|_| NoPlace)
            }
            _ => Err(NoPlace),
        }
    }
}

/// An event of a call's stream.
pub fn event(told: &Told) -> Event {
    match told.seq {
        Some(seq) => Event::numbered(&seq.to_string(), &told.name, &told.json),
        None if told.name == envelope::ENDED => Event::numbered(END, &told.name, &told.json),
        None => Event::new(&told.name, &told.json),
    }
}

/// What numbers are missing between two events that follow each other.
pub fn gap(whose: &Whose, before: u64, next: u64, at: Timestamp) -> Option<Event> {
    (next > before + 1).then(|| event(&envelope::gap(whose, (before + 1, next - 1), at)))
}

/// One stream.
#[derive(Debug)]
pub struct Follower {
    feed: Feed,
    /// The number of the newest event that it was given.
    newest: u64,
}

impl Follower {
    /// `newest` it has.
    pub fn new(feed: Feed, newest: u64) -> Self {
        Self { feed, newest }
    }

    pub fn is_there(&self) -> bool {
        self.feed.is_open()
    }

    /// Give it an event of this number, after word of those that are missing.
    pub fn give(&mut self, whose: &Whose, (seq, event): (u64, &Event), at: Timestamp) -> Result<(), Lost> {
        if seq <= self.newest {
            return Ok(());
        }
        if let Some(gap) = gap(whose, self.newest, seq, at) {
            self.feed.offer(&gap)?;
        }
        self.newest = seq;
        self.feed.offer(event)
    }

    /// Give it what has no number.
    pub fn add(&self, event: &Event) -> Result<(), Lost> {
        self.feed.offer(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_number_or_the_end() {
        let read = |id: &str| id.parse::<CallPlace>().ok();
        assert_eq!((read("0"), read("17")), (Some(CallPlace::Behind(0)), Some(CallPlace::Behind(17))));
        assert_eq!(read("end"), Some(CallPlace::End));
        for bad in ["-1", "+1", "1x", "End", "99999999999999999999999", " 1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
