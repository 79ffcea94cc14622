//! What is known of a campaign's calls: how many are answered and by what, after how long, and for how long they talk.

use std::time::Duration;

/// After so many outcomes an old one counts half.
const HALF_LIFE: f64 = 300.0;
/// Weight of the newest call in the mean length of calls.
const NEW_TALK: f64 = 0.02;
/// Width of a bin of ring times.
const BIN: f64 = 0.5;
/// Bins: a minute.
const BINS: usize = 120;
/// The start values of ring times count as so many calls.
const PRIOR: f64 = 40.0;
/// A call that fails at once is over within this, seconds.
const AT_ONCE: f64 = 2.5;
/// Length of a call before any is known, seconds.
const TALK: f64 = 90.0;
/// A line that has outlived nearly all is not divided by nothing.
const LEAST: f64 = 1e-3;

/// Shares of outcomes. The rest rings out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    pub human: f64,
    pub machine: f64,
    pub failed: f64,
}

/// Outcomes that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub outcomes: u64,
    pub humans: u64,
    pub machines: u64,
    pub failed: u64,
}

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Human,
    Machine,
}

/// Ring times until an answer: how many of a hundred have answered after so long.
#[derive(Clone, Debug)]
struct RingTimes {
    counts: [f64; BINS],
    /// Share that has answered by the end of each bin.
    by: [f64; BINS],
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Laws {
    shares: Shares,
    human: RingTimes,
    machine: RingTimes,
    talk_secs: f64,
}

impl RingTimes {
    /// A log-normal law: seconds of the median, and σ.
    fn new(median: f64, sigma: f64) -> Self {
        let mut counts = [0.0; BINS];
        let below = |secs: f64| if secs <= 0.0 { 0.0 } else { normal_below((secs / median).ln() / sigma) };
        for (bin, count) in counts.iter_mut().enumerate() {
            let from = bin as f64 * BIN;
            *count = PRIOR * (below(from + BIN) - below(from));
        }
        let mut times = Self { counts, by: [0.0; BINS] };
        times.add_up();
        times
    }

    fn add(&mut self, ring: Duration) {
        let bin = (ring.as_secs_f64() / BIN) as usize;
        // As fast as the shares forget.
        let kept = 0.5_f64.powf(1.0 / HALF_LIFE);
        self.counts.iter_mut().for_each(|count| *count *= kept);
        self.counts[bin.min(BINS - 1)] += 1.0;
        self.add_up();
    }

    fn add_up(&mut self) {
        // A little of everything everywhere (Laplace), so that nothing is impossible.
        let all: f64 = self.counts.iter().sum::<f64>() + 0.01 * BINS as f64;
        let mut sum = 0.0;
        for (by, count) in self.by.iter_mut().zip(self.counts) {
            sum += count + 0.01;
            *by = sum / all;
        }
    }

    /// Share that has answered after so many seconds.
    fn after(&self, secs: f64) -> f64 {
        let at = secs / BIN;
        let bin = at as usize;
        if bin >= BINS {
            return 1.0;
        }
        let before = if bin == 0 { 0.0 } else { self.by[bin - 1] };
        before + (self.by[bin] - before) * (at - bin as f64)
    }
}

impl Default for Laws {
    fn default() -> Self {
        Self {
            shares: Shares { human: 0.25, machine: 0.30, failed: 0.10 },
            human: RingTimes::new(9.0, 0.55),
            machine: RingTimes::new(21.0, 0.18),
            talk_secs: TALK,
        }
    }
}

impl Laws {
    /// New outcomes.
    pub fn count(&mut self, new: Counted) {
        if new.outcomes == 0 {
            return;
        }
        let (all, kept) = (new.outcomes as f64, 0.5_f64.powf(new.outcomes as f64 / HALF_LIFE));
        let mix = |old: f64, count: u64| old * kept + (count as f64 / all).min(1.0) * (1.0 - kept);
        self.shares = Shares {
            human: mix(self.shares.human, new.humans),
            machine: mix(self.shares.machine, new.machines),
            failed: mix(self.shares.failed, new.failed),
        };
    }

    /// It was answered after ringing so long.
    pub fn answered(&mut self, by: By, ring: Duration) {
        match by {
            By::Human => self.human.add(ring),
            By::Machine => self.machine.add(ring),
        }
    }

    /// A call was so long.
    pub fn talked(&mut self, length: Duration) {
        self.talk_secs += NEW_TALK * (length.as_secs_f64() - self.talk_secs);
    }

    /// The mean of many calls, which others have counted.
    pub fn set_talk(&mut self, secs: f64) {
        if secs.is_finite() && secs > 0.0 {
            self.talk_secs = secs;
        }
    }

    pub fn talk_secs(&self) -> f64 {
        self.talk_secs.max(1.0)
    }

    pub fn shares(&self) -> Shares {
        self.shares
    }

    /// Slot-seconds that a dial is expected to take.
    pub fn cost(&self) -> f64 {
        self.shares.human * self.talk_secs() + RING_COST
    }

    /// Whether a line that has rung so long still rings.
    fn rings_on(&self, age: f64) -> f64 {
        let Shares { human, machine, failed } = self.shares;
        let rest = (1.0 - human - machine - failed).max(0.0);
        let at_once = if age < AT_ONCE { failed } else { 0.0 };
        let on = human * (1.0 - self.human.after(age)) + machine * (1.0 - self.machine.after(age));
        (on + at_once + rest).max(LEAST)
    }

    /// The chance that a person answers a line that has rung for `age`, within `horizon` from now.
    pub fn answers_within(&self, age: Duration, horizon: Duration) -> f64 {
        let (age, horizon) = (age.as_secs_f64(), horizon.as_secs_f64());
        let soon = self.human.after(age + horizon) - self.human.after(age);
        (self.shares.human * soon / self.rings_on(age)).clamp(0.0, 1.0)
    }

    /// The chance that a person ever answers it.
    pub fn answers_ever(&self, age: Duration) -> f64 {
        let age = age.as_secs_f64();
        let later = 1.0 - self.human.after(age);
        (self.shares.human * later / self.rings_on(age)).clamp(0.0, 1.0)
    }
}

/// What ringing costs beside the talk, slot-seconds: a worker that waits.
const RING_COST: f64 = 2.0;

/// Share of a standard normal law below `z`: Abramowitz and Stegun 7.1.26, wrong by 1.5e-7 at most.
pub fn normal_below(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let erf = 1.0 - poly * (-x * x).exp();
    if z >= 0.0 { (1.0 + erf) / 2.0 } else { (1.0 - erf) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_line_that_has_rung_past_what_people_need_is_hardly_answered_by_one() {
        let laws = Laws::default();
        let fresh = laws.answers_ever(Duration::ZERO);
        assert!((fresh - 0.25).abs() < 0.01, "{fresh}");
        let middle = laws.answers_ever(secs(8));
        assert!(middle > 0.1 && middle < fresh, "{middle}");
        assert!(laws.answers_ever(secs(25)) < 0.04);
        assert!(laws.answers_within(secs(5), secs(8)) < laws.answers_ever(secs(5)));
        assert!(laws.answers_ever(secs(600)) < 0.01);
    }

    #[test]
    fn shares_follow_what_is_counted() {
        let mut laws = Laws::default();
        for _ in 0..300 {
            laws.count(Counted { outcomes: 1, humans: 1, ..Counted::default() });
        }
        assert!((laws.shares().human - 0.625).abs() < 0.001, "{:?}", laws.shares());
        let mut at_once = Laws::default();
        at_once.count(Counted { outcomes: 300, humans: 300, ..Counted::default() });
        assert!((at_once.shares().human - laws.shares().human).abs() < 1e-9);
        at_once.count(Counted::default());
        assert!((at_once.shares().human - laws.shares().human).abs() < 1e-9);
    }

    #[test]
    fn ring_times_are_learnt() {
        let mut laws = Laws::default();
        for _ in 0..500 {
            laws.answered(By::Human, secs(3));
        }
        let soon = laws.answers_within(Duration::ZERO, secs(4));
        assert!(soon > 0.8 * laws.answers_ever(Duration::ZERO), "{soon}");
    }

    #[test]
    fn the_normal_law_is_that_of_the_tables() {
        for (z, below) in [(0.0, 0.5), (1.0, 0.841_345), (-1.96, 0.024_998), (3.0, 0.998_650)] {
            assert!((normal_below(z) - below).abs() < 1e-5, "{z}");
        }
    }
}
