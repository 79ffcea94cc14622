//! How long a stream must be held back so that nearly all of it is there in time.
//!
//! The delay of a packet is how much later it came than the fastest of late, by its own clock (RFC 3550, 6.4.1 speaks of the same
//! difference). Of these a histogram is kept that forgets; the target is what 97 in 100 packets stay below, and a frame on top.

use std::time::{Duration, Instant};

/// Width of a bucket, milliseconds.
const BUCKET_MS: i64 = 5;
const BUCKETS: usize = 100;
/// What a packet's weight is after one more: a memory of about 200 packets, 4 s.
const KEEP: f32 = 0.995;
/// The part of packets that must be there in time.
const QUANTILE: f32 = 0.97;
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
            target_ms: 40.0,
        }
    }

    /// A packet of this time on the RTP clock came.
    pub(super) fn came(&mut self, now: Instant, time: u64) {
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
        self.histogram.iter_mut().for_each(|weight| *weight *= KEEP);
        self.histogram[bucket] += 1.0 - KEEP;
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

    fn adjust(&mut self) {
        let all: f32 = self.histogram.iter().sum();
        let mut sum = 0.0;
        let within = self.histogram.iter().position(|weight| {
            sum += weight;
            sum >= QUANTILE * all
        });
        let bucket = within.unwrap_or(BUCKETS - 1) as i64;
        let wanted = ((bucket + 1) * BUCKET_MS + 20).clamp(LEAST_MS, MOST_MS) as f32;
        self.target_ms = wanted.max(self.target_ms * FALL);
    }
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
            delay.came(start + Duration::from_millis(n * 20 + late_ms(n)), n * 960);
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

    /// A sender whose clock is slow by 200 ppm: its packets come later and later, and yet none is late.
    #[test]
    fn clocks_may_drift() {
        let target = run(15_000, |n| n * 20 / 5000);
        assert!(target <= 50, "{target}");
    }
}
