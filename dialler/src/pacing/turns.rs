//! Calls at a fixed rate: each has its turn, evenly spaced. Turns that nobody used are gone after a second, so that a pause is not made up
//! for by a burst.

use std::time::Duration;

/// Turns that are behind are kept for so long: nobody looks all the time.
const KEPT: Duration = Duration::from_secs(1);
/// Nobody looks farther than this for a turn.
const LONGEST: Duration = Duration::from_secs(3_600);

/// See the module. Times are those since the process began.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// The next call's.
    next: Duration,
}

impl Turns {
    /// How many calls may begin now, at so many a minute.
    pub fn due(&self, per_minute: f64, now: Duration) -> u32 {
        let Some(every) = every(per_minute) else { return 0 };
        let Some(behind) = now.checked_sub(self.kept(now)) else { return 0 };
        u32::try_from(behind.as_nanos() / every.as_nanos().max(1)).map_or(u32::MAX, |turns| turns + 1)
    }

    /// One begins.
    pub fn take(&mut self, per_minute: f64, now: Duration) {
        if let Some(every) = every(per_minute) {
            self.next = self.kept(now) + every;
        }
    }

    /// One that began came to nothing: its turn is another's.
    pub fn give_back(&mut self, per_minute: f64) {
        if let Some(every) = every(per_minute) {
            self.next = self.next.saturating_sub(every);
        }
    }

    /// The next turn, without those that are long gone.
    fn kept(&self, now: Duration) -> Duration {
        self.next.max(now.saturating_sub(KEPT))
    }
}

fn every(per_minute: f64) -> Option<Duration> {
    (per_minute > 0.0)
        .then(|| Duration::try_from_secs_f64(60.0 / per_minute).map_or(LONGEST, |of| of.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls of each second, where it is looked every half a second.
    fn begun(per_minute: f64, seconds: u64, asleep: impl Fn(u64) -> bool) -> Vec<u32> {
        let mut turns = Turns::default();
        let mut second = |second: u64| {
            let ticks = (0..2).map(|half| Duration::from_millis(second * 1_000 + half * 500));
            ticks
                .map(|now| {
                    let due = if asleep(second) { 0 } else { turns.due(per_minute, now) };
                    (0..due).for_each(|_| turns.take(per_minute, now));
                    due
                })
                .sum::<u32>()
        };
        (0..seconds).map(&mut second).collect()
    }

    #[test]
    fn so_many_begin_in_a_minute_and_evenly() {
        for per_minute in [1.0, 7.0, 30.0, 60.0, 85.0, 600.0] {
            let calls = begun(per_minute, 600, |_| false);
            let all: u32 = calls.iter().sum();
            // The turns of the last half a second are still to come.
            let missing = 1.0 + per_minute / 120.0;
            assert!((f64::from(all) - 10.0 * per_minute).abs() <= missing, "{per_minute}: {all}");
            let most = (per_minute / 60.0).ceil() as u32 + 1;
            assert!(calls.iter().all(|call| *call <= most), "{per_minute}: {calls:?}");
        }
        assert_eq!(Turns::default().due(0.0, Duration::from_secs(9)), 0);
        assert_eq!(Turns::default().due(f64::NAN, Duration::from_secs(9)), 0);
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let calls = begun(120.0, 100, |second| (20..80).contains(&second));
        assert_eq!(calls[20..80].iter().sum::<u32>(), 0);
        assert!(calls[80] <= 4, "{calls:?}");
    }

    #[test]
    fn a_turn_that_came_to_nothing_is_anothers() {
        let (mut turns, now) = (Turns::default(), Duration::from_secs(100));
        assert_eq!(turns.due(6.0, now), 1);
        turns.take(6.0, now);
        assert_eq!(turns.due(6.0, now + Duration::from_secs(8)), 0);
        turns.give_back(6.0);
        assert_eq!(turns.due(6.0, now), 1);
    }
}
