//! Permits: what a call needs before it is placed, all of it in one step or nothing. A permit is a place in some rooms, each with room for so
//! many and each place with an end of its own, and a turn at some paces; a number from before, a fence, keeps out whoever was replaced.
//! Unlike the rest of the seam these are not to be forgotten: an engine that lost them says so, gives none, and is told what runs before it
//! gives any.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::CoordinationError;
use super::expiring::Expiring;

/// How long the greatest fence of a key is remembered after it was shown last.
pub const FENCES_KEPT: Duration = Duration::from_hours(24);
const MAX_FENCES: usize = 100_000;
const MAX_PACES: usize = 50_000;
/// Rooms with somebody in them.
const MAX_ROOMS: usize = 100_000;

/// Turns at a distance of `interval`, of which `burst` may be taken at once after a pause (GCRA). So at most `burst` more than the pace
/// itself fall into any stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    pub key: String,
    /// A microsecond or more.
    pub interval: Duration,
    /// 1 or more.
    pub burst: u32,
}

/// Room for so many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub key: String,
    pub most: u32,
    /// How long a place is kept that nobody keeps on.
    pub ttl: Duration,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Who it is for. Whoever is in a room already stays there.
    pub member: String,
    /// What is fenced, and the asker's number.
    pub fence: Option<(String, u64)>,
    pub paces: Vec<Pace>,
    pub rooms: Vec<Room>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permitted {
    Granted,
    /// The engine does not know what runs: it is told that first ([`super::Coordination::open_permits`]).
    Closed,
    /// Somebody with a greater number was here.
    Fenced,
    /// The turn at the pace of this index comes after so long.
    TooSoon(usize, Duration),
    /// There is no room in the room of this index.
    Full(usize),
}

/// Places that are kept, whether there is room or not: of calls that run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub member: String,
    /// Rooms, and how long from now.
    pub rooms: Vec<(String, Duration)>,
}

/// A life of the engine: with the next it may have forgotten everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: String,
    /// It was told what runs.
    pub is_open: bool,
}

/// Permits in this process.
#[derive(Debug)]
pub struct Permits {
    fences: Expiring<u64>,
    /// When the next turn is due in theory.
    paces: Expiring<Timestamp>,
    rooms: HashMap<String, HashMap<String, Timestamp>>,
    pub is_open: bool,
}

impl Default for Permits {
    fn default() -> Self {
        Self {
            fences: Expiring::with_room(MAX_FENCES),
            paces: Expiring::with_room(MAX_PACES),
            rooms: HashMap::new(),
            is_open: false,
        }
    }
}

impl Permits {
    /// See [`super::Coordination::permit`].
    pub fn permit(&mut self, ask: &Ask, now: Timestamp) -> Result<Permitted, CoordinationError> {
        if !self.is_open {
            return Ok(Permitted::Closed);
        }
        if let Some((key, number)) = &ask.fence
            && self.fences.get(key, now).is_some_and(|(greatest, _)| number < greatest)
        {
            return Ok(Permitted::Fenced);
        }
        for (at, pace) in ask.paces.iter().enumerate() {
            let early = pace.interval.saturating_mul(pace.burst.saturating_sub(1));
            let wait = since(now, self.due(pace, now)).saturating_sub(early);
            if !wait.is_zero() {
                return Ok(Permitted::TooSoon(at, wait));
            }
        }
        for (at, room) in ask.rooms.iter().enumerate() {
            let inside = self.inside(&room.key, now);
            let is_there = inside.is_some_and(|inside| inside.contains_key(&ask.member));
            let count = inside.map_or(0, HashMap::len);
            if !is_there && count >= usize::try_from(room.most).unwrap_or(usize::MAX) {
                return Ok(Permitted::Full(at));
            }
        }
        self.make_room_for(ask, now)?;
        self.grant(ask, now)?;
        Ok(Permitted::Granted)
    }

    fn grant(&mut self, ask: &Ask, now: Timestamp) -> Result<(), CoordinationError> {
        if let Some((key, number)) = &ask.fence {
            let times = (now, after(now, FENCES_KEPT));
            self.fences.keep(key.clone(), *number, times).map_err(|_| CoordinationError::Full)?;
        }
        for pace in &ask.paces {
            let next = after(self.due(pace, now), pace.interval);
            self.paces.keep_newest(pace.key.clone(), next, (now, next));
        }
        for room in &ask.rooms {
            let ends = after(now, room.ttl);
            self.rooms.entry(room.key.clone()).or_default().insert(ask.member.clone(), ends);
        }
        Ok(())
    }

    /// Rooms that everybody has left are forgotten when there are too many.
    fn make_room_for(&mut self, ask: &Ask, now: Timestamp) -> Result<(), CoordinationError> {
        if self.rooms.len() + ask.rooms.len() <= MAX_ROOMS {
            return Ok(());
        }
        self.rooms.retain(|_, inside| {
            inside.retain(|_, ends| now < *ends);
            !inside.is_empty()
        });
        let is_full = self.rooms.len() + ask.rooms.len() > MAX_ROOMS;
        if is_full && ask.rooms.iter().any(|room| !self.rooms.contains_key(&room.key)) {
            return Err(CoordinationError::Full);
        }
        Ok(())
    }

    /// See [`super::Coordination::keep_permits`].
    pub fn keep(&mut self, kept: Vec<Kept>, now: Timestamp) {
        for Kept { member, rooms } in kept {
            for (key, ttl) in rooms {
                self.rooms.entry(key).or_default().insert(member.clone(), after(now, ttl));
            }
        }
    }

    /// See [`super::Coordination::give_up_permits`].
    pub fn give_up(&mut self, member: &str, rooms: &[String]) {
        for key in rooms {
            if let Some(inside) = self.rooms.get_mut(key) {
                inside.remove(member);
                if inside.is_empty() {
                    self.rooms.remove(key);
                }
            }
        }
    }

    /// See [`super::Coordination::count_permits`].
    pub fn count(&mut self, rooms: &[String], now: Timestamp) -> Vec<u64> {
        let count = |inside: &HashMap<String, Timestamp>| u64::try_from(inside.len()).unwrap_or(u64::MAX);
        rooms.iter().map(|key| self.inside(key, now).map_or(0, count)).collect()
    }

    fn due(&self, pace: &Pace, now: Timestamp) -> Timestamp {
        self.paces.get(&pace.key, now).map_or(now, |(due, _)| *due).max(now)
    }

    /// Those in a room whose place has not ended.
    fn inside(&mut self, key: &str, now: Timestamp) -> Option<&HashMap<String, Timestamp>> {
        let inside = self.rooms.get_mut(key)?;
        inside.retain(|_, ends| now < *ends);
        if inside.is_empty() {
            self.rooms.remove(key);
            return None;
        }
        self.rooms.get(key)
    }
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|time| now.checked_add(time).ok()).unwrap_or(Timestamp::MAX)
}

fn since(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or_default()
}
