//! The jitter buffer: packets in, as they come, and what to play next out, when it is due. It does not decode, and knows no codec: times
//! count 48 kHz, as those of Opus do whatever it codes (RFC 7587, 4.1); a stream with another clock is counted up by its owner.
//!
//! Packets are kept by their time. What is missing when its turn comes is lost if packets behind it were numbered without it, and a
//! pause of the speaker (discontinuous transmission) if they were not. When nothing at all is there, the line has stalled: something is
//! played meanwhile without the stream's time going on, and the delay has grown by it.

use std::collections::BTreeMap;
use std::time::Instant;

use delay::{Delay, Turn};

mod delay;

/// Ticks of the 48 kHz clock in a frame of 20 ms.
pub const FRAME_TICKS: u64 = 960;

/// Most packets that wait: 3 s of usual ones.
const CAPACITY: usize = 150;
/// A stall so long is a pause: what comes behind it is held back anew.
const PAUSE_TICKS: u64 = 5 * FRAME_TICKS;
/// A jump of the clock, either way, that is no pause: the sender began anew. 30 s.
const JUMP_TICKS: u64 = 30 * 48_000;
/// Most frames that are invented in a row: then it is silence.
const INVENTED: u32 = 6;
/// Above the target by so much, and frames are left out. Milliseconds.
const FAR_MS: i64 = 400;

/// What comes next, 20 ms if it is not a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Decode it.
    Packet(Vec<u8>),
    /// It was lost; the packet behind it may have what repairs it.
    Repair(Vec<u8>),
    /// It was lost, or has not come yet: invent it.
    Invent,
    /// Nobody speaks.
    Silence,
}

/// How fast to play, so that the delay becomes what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It is further behind than it must be.
    Faster,
    /// As it is.
    Usual,
    /// It is closer to the line than is safe.
    Slower,
}

/// A packet: its number (extended over wraps), its time (48 kHz, extended likewise) and its payload.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Extended over wraps of the 16 bits.
    pub number: u64,
    /// Extended over wraps of the 32 bits, 48 kHz.
    pub time: u64,
    /// How long it sounds, 48 kHz.
    pub ticks: u64,
    /// What the decoder gets.
    pub payload: &'a [u8],
    /// Whether it may hold what repairs the packet before it.
    pub repairs: bool,
    /// Itself or a copy.
    pub origin: Origin,
}

/// Where a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is the packet itself.
    Primary,
    /// A copy within a later packet (RFC 2198).
    Redundant,
}

/// Sums over a stream. A frame is 20 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that came, without copies.
    pub received: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Packets that were not there when their turn came, whatever was done about it.
    pub lost: u64,
    /// Frames that came from the forward error correction within the next packet.
    pub repaired: u64,
    /// Packets that only came as a redundant copy.
    pub redundant: u64,
    /// Frames that were invented because nothing was there, lost or not.
    pub invented: u64,
    /// Frames that were left out or packets thrown away to catch up.
    pub skipped: u64,
}

struct Held {
    number: u64,
    payload: Vec<u8>,
    ticks: u64,
    repairs: bool,
    origin: Origin,
}

/// One stream's buffer.
pub struct Jitter {
    held: BTreeMap<u64, Held>,
    delay: Delay,
    /// Time of what is played next; `None` before the first packet and in a pause.
    cursor: Option<u64>,
    /// Number of the packet that was played last.
    last: Option<u64>,
    /// Highest number that came.
    highest: Option<u64>,
    /// Where the last packet that was played ended: packets before that are late.
    end: u64,
    /// Played since nothing was there, without the time going on.
    stalled: u64,
    /// Invented frames in a row.
    invented: u32,
    /// What was counted so far.
    pub counts: Counts,
}

impl Default for Jitter {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Jitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jitter")
            .field("held", &self.held.len())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Jitter {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            held: BTreeMap::new(),
            delay: Delay::new(),
            cursor: None,
            last: None,
            highest: None,
            end: 0,
            stalled: 0,
            invented: 0,
            counts: Counts::default(),
        }
    }

    /// A packet came.
    pub fn push(&mut self, now: Instant, arrival: Arrival<'_>) {
        let Arrival { number, time, ticks, payload, repairs, origin } = arrival;
        if ticks == 0 {
            return;
        }
        if origin == Origin::Primary {
            self.counts.received += 1;
            let newest = self.held.last_key_value().map_or(self.end, |(time, _)| *time);
            if self.last.is_some() && newest.abs_diff(time) > JUMP_TICKS {
                self.begin_anew();
            }
            let turn = if self.highest > Some(number) { Turn::Overtaken } else { Turn::Own };
            self.highest = self.highest.max(Some(number));
            self.delay.came(now, time, turn);
        }
        let passed = self.cursor.unwrap_or(self.end);
        if self.last.is_some() && time < passed {
            self.counts.late += u64::from(origin == Origin::Primary);
            return;
        }
        match self.held.entry(time) {
            std::collections::btree_map::Entry::Occupied(mut there) => {
                // The copy came first; the packet itself is no second one.
                there.get_mut().origin = Origin::Primary.min_of(there.get().origin, origin);
            }
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Held { number, payload: payload.to_vec(), ticks, repairs, origin });
            }
        }
        if self.held.len() > CAPACITY {
            self.counts.skipped += 1;
            self.held.pop_first();
            self.cursor = self.held.first_key_value().map(|(time, _)| *time);
        }
    }

    /// What to play now.
    pub fn next(&mut self, now: Instant) -> Next {
        let Some((&time, _)) = self.held.first_key_value() else { return self.stall() };
        let Some(cursor) = self.cursor else { return self.begin(now, time) };
        self.skip_far(now);
        let Some((&time, first)) = self.held.first_key_value() else { return self.stall() };
        let gap = time.saturating_sub(cursor);
        if gap <= self.stalled + FRAME_TICKS / 8 {
            return self.play();
        }
        let missing = first.number.saturating_sub(self.last.map_or(first.number, |last| last + 1));
        self.cursor = Some(cursor + FRAME_TICKS.min(gap));
        if missing == 0 {
            self.invented = 0;
            return Next::Silence;
        }
        if gap - self.stalled <= FRAME_TICKS && first.repairs {
            self.counts.repaired += 1;
            self.invented = 0;
            return Next::Repair(first.payload.clone());
        }
        self.invent()
    }

    /// How fast to play what [`next`](Self::next) gave.
    pub fn pace(&self, now: Instant) -> Pace {
        let Some(cursor) = self.cursor else { return Pace::Usual };
        let (is, target) = (self.delay.of(now, cursor), self.delay.target_ms());
        if is > target + 30 {
            Pace::Faster
        } else if is + 15 < target && !self.held.is_empty() {
            Pace::Slower
        } else {
            Pace::Usual
        }
    }

    /// Delay of what is played next behind the fastest packet, and what it should be, milliseconds.
    pub fn delay_ms(&self, now: Instant) -> (i64, i64) {
        (self.cursor.map_or(0, |cursor| self.delay.of(now, cursor)), self.delay.target_ms())
    }

    /// The first packet, or the first one after a pause: it waits until it has the delay that it should have.
    fn begin(&mut self, now: Instant, time: u64) -> Next {
        if self.delay.of(now, time) < self.delay.target_ms() - 10 {
            return Next::Silence;
        }
        self.cursor = Some(time);
        self.stalled = 0;
        self.play()
    }

    fn play(&mut self) -> Next {
        let (time, packet) = self.held.pop_first().expect("the caller looked");
        self.counts.redundant += u64::from(packet.origin == Origin::Redundant);
        self.counts.lost += self.last.map_or(0, |last| packet.number.saturating_sub(last + 1));
        self.end = time + packet.ticks;
        self.cursor = Some(self.end);
        self.last = Some(packet.number);
        self.stalled = 0;
        self.invented = 0;
        Next::Packet(packet.payload)
    }

    fn stall(&mut self) -> Next {
        if self.cursor.is_none() {
            return Next::Silence;
        }
        self.stalled += FRAME_TICKS;
        if self.stalled > PAUSE_TICKS {
            self.cursor = None;
        }
        self.invent()
    }

    fn invent(&mut self) -> Next {
        self.invented += 1;
        if self.invented > INVENTED {
            return Next::Silence;
        }
        self.counts.invented += 1;
        Next::Invent
    }

    /// Far behind, stretching would take seconds: leave packets out.
    fn skip_far(&mut self, now: Instant) {
        let target = self.delay.target_ms();
        let far = |time: u64| self.delay.of(now, time) > target + FAR_MS;
        if !self.cursor.is_some_and(far) {
            return;
        }
        while let Some((&time, _)) = self.held.first_key_value()
            && self.delay.of(now, time) > target
            && self.held.len() > 1
        {
            self.held.pop_first();
            self.counts.skipped += 1;
            self.cursor = self.held.first_key_value().map(|(time, _)| *time);
        }
        if let Some((&time, first)) = self.held.first_key_value() {
            self.cursor = Some(time);
            self.last = first.number.checked_sub(1);
            self.stalled = 0;
        }
    }

    fn begin_anew(&mut self) {
        self.held.clear();
        self.delay.forget_clock();
        self.cursor = None;
        self.last = None;
        self.highest = None;
        self.end = 0;
        self.stalled = 0;
    }
}

impl Origin {
    fn min_of(self, a: Self, b: Self) -> Self {
        if a == self || b == self { self } else { a }
    }
}

#[cfg(test)]
mod tests;
