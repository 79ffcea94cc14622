//! One bad message is left out and the call goes on. It ends only when nothing else has come for a second.

use std::time::Duration;

use tokio::time::Instant;

use super::reason::Reason;
use super::untidy::Untidy;

/// Nothing but bad messages for this long ends a call.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long bad messages have been coming.
#[derive(Debug, Default)]
pub struct Patience {
    /// The first and the newest of those that came one upon the other.
    bad: Option<(Instant, Instant)>,
}

impl Patience {
    /// Something usable came.
    pub fn restore(&mut self) {
        self.bad = None;
    }

    /// A bad message came; the reason to end the call when that goes on for too long.
    pub fn strain(&mut self, untidy: Untidy, now: Instant) -> Result<(), Reason> {
        if !untidy.is_lost_media() {
            return Ok(());
        }
        // A lone one now and then on a line that is otherwise silent is no stream of them.
        let began = match self.bad {
            Some((began, newest)) if now.duration_since(newest) < PATIENCE => began,
            _ => now,
        };
        self.bad = Some((began, now));
        match now.duration_since(began) >= PATIENCE {
            true => Err(Reason::NothingUsable(untidy)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bad messages every so many milliseconds; the one, counted from 1, that ends the call.
    fn ends_with(untidy: Untidy, every_ms: u64, mut usable: impl FnMut(u64) -> bool) -> Option<u64> {
        let (mut patience, start) = (Patience::default(), Instant::now());
        (1..=100).find(|n| {
            if usable(*n) {
                patience.restore();
            }
            patience.strain(untidy, start + Duration::from_millis(every_ms * n)).is_err()
        })
    }

    #[test]
    fn only_a_second_of_nothing_else_ends_a_call() {
        assert_eq!(ends_with(Untidy::NotBase64, 20, |_| false), Some(51));
        assert_eq!(ends_with(Untidy::NotJson, 100, |_| false), Some(11));
        assert_eq!(ends_with(Untidy::Binary, 20, |n| n % 40 == 0), None, "one good frame in 0.8 s");
        assert_eq!(ends_with(Untidy::HalfSample, 1_000, |_| false), None, "one a second is no stream");
        for harmless in [Untidy::Empty, Untidy::Repeated, Untidy::UnknownEvent, Untidy::OutOfOrder] {
            assert_eq!(ends_with(harmless, 20, |_| false), None, "{}", harmless.as_str());
        }
    }
}
