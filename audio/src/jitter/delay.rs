//! How long a stream must be held back so that nearly all of it is there in time.
//!
//! The delay of a packet is how much later it came than the fastest of late, by its own clock (RFC 3550, 6.4.1 speaks of the same
//! difference). Of these a histogram is kept that forgets; the target is what 97 in 100 packets stay below, and a frame on top.
//!
//! Packets that others overtook, sent again after a loss above all, are counted apart: to wait for them delays everything. That is done as
//! far as a hundredth of the packets is worth 20 ms, as the buffers of browsers weigh it.

use std::time::{Duration, Instant};

/// Width of a bucket, milliseconds.
const BUCKET_MS: i64 = 5;
const BUCKETS: usize = 100;
/// What a packet's weight is after one more: a memory of about 200 packets, 4 s.
const KEEP: f32 = 0.995;
/// The part of packets that must be there in time.
const QUANTILE: f32 = 0.97;
/// What it is worth to have all packets, milliseconds.
const WORTH_MS: f32 = 2000.0;
const LEAST_MS: i64 = 20;
const MOST_MS: i64 = 400;
/// How long the fastest packet counts: clocks drift (200 ppm is a frame in 100 s), and ways become longer.
const WINDOW: Duration = Duration::from_secs(8);
/// By how much a frame may lower the target: 10 % a second. It rises at once.
const FALL: f32 = 0.998;

/// Ticks of the RTP clock in a millisecond.
const TICKS_MS: i64 = 48;

#[derive(Debug)]
pub(super) struct Delay {
    /// Zero of our clock.
    start: Option<Instant>,
    /// Fastest transit of this window and of the one before, milliseconds.
    fastest: i64,
    fastest_before: i64,
    window_ends: Option<Instant>,
    histogram: [f32; BUCKETS],
    /// Of those that were overtaken, as parts of all packets.
    overtaken: [f32; BUCKETS],
    target_ms: f32,
}

impl Delay {
    pub(super) fn new() -> Self {
        let mut histogram = [0.0; BUCKETS];
        // As if most of it came within 20 ms: the first packets must not set it to nothing.
        histogram[3] = 1.0;
        Self {
            start: None,
            fastest: i64::MAX,
            fastest_before: i64::MAX,
            window_ends: None,
            histogram,
            overtaken: [0.0; BUCKETS],
            target_ms: 40.0,
        }
    }

    /// A packet of this time on the RTP clock came, in its turn or after one behind it.
    pub(super) fn came(&mut self, now: Instant, time: u64, turn: Turn) {
        let start = *self.start.get_or_insert(now);
        if self.window_ends.is_none_or(|end| now >= end) {
            self.fastest_before = self.fastest;
            self.fastest = i64::MAX;
            self.window_ends = Some(now + WINDOW);
        }
        let transit = millis(now - start) - time as i64 / TICKS_MS;
        self.fastest = self.fastest.min(transit);
        let late = (transit - self.base()).max(0);
        let bucket = ((late / BUCKET_MS) as usize).min(BUCKETS - 1);
        self.overtaken.iter_mut().for_each(|weight| *weight *= KEEP);
        match turn {
            Turn::Own => {
                self.histogram.iter_mut().for_each(|weight| *weight *= KEEP);
                self.histogram[bucket] += 1.0 - KEEP;
            }
            Turn::Overtaken => self.overtaken[bucket] += 1.0 - KEEP,
        }
        self.adjust();
    }

    /// The stream is another one: its clock has nothing to do with the one before.
    pub(super) fn forget_clock(&mut self) {
        self.fastest = i64::MAX;
        self.fastest_before = i64::MAX;
        self.window_ends = None;
    }

    /// How long what has this time has been due by the fastest packet, milliseconds: its delay if it were played now.
    pub(super) fn of(&self, now: Instant, time: u64) -> i64 {
        let Some(start) = self.start else { return 0 };
        if self.base() == i64::MAX {
            return 0;
        }
        millis(now.saturating_duration_since(start)) - time as i64 / TICKS_MS - self.base()
    }

    /// What the delay should be, milliseconds.
    pub(super) fn target_ms(&self) -> i64 {
        self.target_ms as i64
    }

    fn base(&self) -> i64 {
        self.fastest.min(self.fastest_before)
    }

    /// The bucket up to which waiting for overtaken packets costs less than to miss them.
    fn worth_waiting(&self) -> usize {
        let mut missed: f32 = self.overtaken.iter().sum();
        let mut best = (missed * WORTH_MS, 0);
        for (bucket, weight) in self.overtaken.iter().enumerate() {
            missed -= weight;
            let cost = (bucket as i64 * BUCKET_MS) as f32 + missed * WORTH_MS;
            if *weight > 0.0 && cost < best.0 {
                best = (cost, bucket);
            }
        }
        best.1
    }

    fn adjust(&mut self) {
        let all: f32 = self.histogram.iter().sum();
        let mut sum = 0.0;
        let within = self.histogram.iter().position(|weight| {
            sum += weight;
            sum >= QUANTILE * all
        });
        let bucket = within.unwrap_or(BUCKETS - 1);
        let bucket = bucket.max(self.worth_waiting()) as i64;
        let wanted = ((bucket + 1) * BUCKET_MS + 20).clamp(LEAST_MS, MOST_MS) as f32;
        self.target_ms = wanted.max(self.target_ms * FALL);
    }
}

/// Whether a packet came in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Own,
    /// One behind it came first.
    Overtaken,
}

fn millis(time: Duration) -> i64 {
    time.as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(packets: u64, late_ms: impl Fn(u64) -> u64) -> i64 {
        let start = Instant::now();
        let mut delay = Delay::new();
        for n in 0..packets {
            delay.came(start + Duration::from_millis(n * 20 + late_ms(n)), n * 960, Turn::Own);
        }
        delay.target_ms()
    }

    #[test]
    fn a_steady_stream_is_held_back_by_little() {
        assert!((20..=45).contains(&run(1500, |_| 0)), "{}", run(1500, |_| 0));
    }

    #[test]
    fn an_unsteady_one_by_what_it_wavers() {
        let target = run(1500, |n| [0, 120, 40, 90, 10][n as usize % 5]);
        assert!((125..=170).contains(&target), "{target}");
        let target = run(1500, |n| if n % 100 == 0 { 300 } else { 0 });
        assert!(target < 60, "one in a hundred does not delay all the others: {target}");
    }

    #[test]
    fn the_target_rises_at_once_and_falls_slowly() {
        let at_once = run(260, |n| if n > 200 { (n % 4) * 60 } else { 0 });
        assert!(at_once > 150, "{at_once}");
        let after = run(3000, |n| if n < 200 { (n % 4) * 60 } else { 0 });
        assert!(after < 60, "{after}");
    }

    /// So many packets in a hundred are lost and come again after 150 ms; the target.
    fn run_with_losses(percent: u64) -> i64 {
        let start = Instant::now();
        let mut delay = Delay::new();
        for n in 0..2000 {
            let (late, turn) = if n * 37 % 100 < percent { (150, Turn::Overtaken) } else { (0, Turn::Own) };
            delay.came(start + Duration::from_millis(n * 20 + late), n * 960, turn);
        }
        delay.target_ms()
    }

    #[test]
    fn what_is_sent_again_is_waited_for_if_it_is_much() {
        assert!(run_with_losses(2) < 60, "{}", run_with_losses(2));
        assert!((155..=190).contains(&run_with_losses(15)), "{}", run_with_losses(15));
    }

    /// A sender whose clock is slow by 200 ppm: its packets come later and later, and yet none is late.
    #[test]
    fn clocks_may_drift() {
        let target = run(15_000, |n| n * 20 / 5000);
        assert!(target <= 50, "{target}");
    }
}
