//! All calls of a tenant as one stream.

use std::collections::VecDeque;
use std::str::FromStr;

use jiff::Timestamp;
use vox_shared::ids::BotId;

use super::envelope::{self, Told};
use crate::edge::sse::{Event, Feed, Source, feed};
use crate::store::Reach;

/// Events of a tenant that are kept for who comes again.
pub const KEPT_EVENTS: usize = 500;
/// Of all of them together, bytes.
pub const KEPT_BYTES: usize = 256 * 1024;

/// Where a follower of a tenant resumes. Numbers are those of one process: of another's nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantPlace {
    of: String,
    number: u64,
}

/// The text is no id of an event of a tenant.
#[derive(Debug)]
pub struct NoPlace;

impl FromStr for TenantPlace {
    type Err = NoPlace;

    fn from_str(id: &str) -> Result<Self, NoPlace> {
        let (of, number) = id.split_once('-').ok_or(NoPlace)?;
        let is_ours = !of.is_empty() && of.bytes().all(|b| b.is_ascii_hexdigit());
        let is_number = number.bytes().all(|b| b.is_ascii_digit());
        match (is_ours && is_number, number.parse()) {
            (true, Ok(number)) => Ok(Self { of: of.to_owned(), number }),
            _ => Err(NoPlace),
        }
    }
}

#[derive(Debug)]
struct Kept {
    number: u64,
    bot_id: BotId,
    event: Event,
}

/// A tenant's newest events and who follows it.
#[derive(Debug)]
pub struct Channel {
    /// The process, in ids.
    of: String,
    newest: u64,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    followers: Vec<(Reach, Feed)>,
    pub touched: Timestamp,
}

impl Channel {
    pub fn new(of: &str, now: Timestamp) -> Self {
        Self {
            of: of.to_owned(),
            newest: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            followers: Vec::new(),
            touched: now,
        }
    }

    pub fn is_followed(&self) -> bool {
        self.followers.iter().any(|(_, feed)| feed.is_open())
    }

    /// Something was told of a call of this bot.
    pub fn add(&mut self, bot_id: &BotId, told: &Told, now: Timestamp) {
        (self.touched, self.newest) = (now, self.newest + 1);
        let event = Event::numbered(&format!("{}-{}", self.of, self.newest), &told.name, &told.json);
        self.followers.retain(|(reach, feed)| !reach.includes(bot_id.as_str()) || feed.offer(&event).is_ok());
        self.kept_bytes += event.size();
        self.kept.push_back(Kept { number: self.newest, bot_id: bot_id.clone(), event });
        while self.kept.len() > KEPT_EVENTS || self.kept_bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.kept_bytes -= oldest.event.size();
        }
    }

    /// End all streams.
    pub fn let_go(&mut self) {
        self.followers.clear();
    }

    /// The events within reach that come, and those behind `after`.
    pub fn follow(&mut self, reach: &Reach, after: Option<&TenantPlace>, now: Timestamp) -> Source {
        self.touched = now;
        let (feed, source) = feed(self.behind(reach, after, now));
        self.followers.retain(|(_, feed)| feed.is_open());
        self.followers.push((reach.clone(), feed));
        source
    }

    fn behind(&self, reach: &Reach, after: Option<&TenantPlace>, now: Timestamp) -> Vec<Event> {
        let Some(after) = after else { return Vec::new() };
        let oldest = self.kept.front().map_or(self.newest + 1, |kept| kept.number);
        let (number, is_whole) = match after.of == self.of {
            true => (after.number, after.number + 1 >= oldest),
            // Of another process: all that is here may be new to it.
            false => (0, false),
        };
        let lost = envelope::lost(now);
        let first = (!is_whole).then(|| Event::new(&lost.name, &lost.json));
        let kept =
            self.kept.iter().filter(|kept| kept.number > number && reach.includes(kept.bot_id.as_str()));
        first.into_iter().chain(kept.map(|kept| kept.event.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_its_process_and_a_number() {
        assert_eq!(
            "0af3-12".parse::<TenantPlace>().ok(),
            Some(TenantPlace { of: "0af3".into(), number: 12 })
        );
        for bad in ["12", "-12", "0af3-", "0af3-x", "xyz-1", "0af3--1", "0af3-99999999999999999999999"] {
            assert!(bad.parse::<TenantPlace>().is_err(), "{bad}");
        }
    }
}
