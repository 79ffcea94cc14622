//! The reserve of standard deviations: lines are rung while the answers to be expected, and so many standard deviations above, find a free
//! slot. Slots that may fall free get no credit.

/// Expected answers of lines, and their variance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    pub mean: f64,
    pub variance: f64,
}

impl Expected {
    /// Of lines that are answered with these chances.
    pub fn of(chances: impl Iterator<Item = f64>) -> Self {
        chances.fold(Self::default(), Self::with)
    }

    #[must_use]
    pub fn with(self, chance: f64) -> Self {
        Self { mean: self.mean + chance, variance: self.variance + chance * (1.0 - chance) }
    }
}

/// How many more lines: `ringing` ring and are expected to be answered so, and a new one is with the chance `fresh`.
pub fn more(expected: Expected, fresh: f64, sigma: f64, (ringing, free): (u32, u32)) -> u32 {
    let (mut then, mut more) = (expected.with(fresh), 0);
    // With one slot for each line nobody can find none.
    while ringing + more < free || then.mean + sigma * then.variance.sqrt() <= f64::from(free) {
        more += 1;
        if more >= MOST {
            break;
        }
        then = then.with(fresh);
    }
    more
}

/// Most lines added at once: where nobody ever answers there is no other end.
const MOST: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_holds_back_four_deviations() {
        // 50 slots: mean 0.22 n + 4·sqrt(0.1716 n) = 50 at n = 133.
        let lines = more(Expected::default(), 0.22, 4.0, (0, 50));
        let all = Expected::of((0..lines).map(|_| 0.22));
        assert!(all.mean + 4.0 * all.variance.sqrt() <= 50.0);
        let one_more = all.with(0.22);
        assert!(one_more.mean + 4.0 * one_more.variance.sqrt() > 50.0);
        assert!(lines > 100, "{lines}");
        assert!(more(Expected::default(), 0.22, 6.0, (0, 50)) < lines);
    }

    #[test]
    fn there_is_always_a_line_for_each_free_slot_and_never_more_than_a_thousand() {
        assert_eq!(more(Expected::default(), 0.9, 6.0, (0, 3)), 3);
        assert_eq!(more(Expected::of([0.9; 3].into_iter()), 0.9, 6.0, (3, 3)), 0);
        assert_eq!(more(Expected::default(), 0.0, 4.0, (0, 1)), 1_000);
        assert_eq!(more(Expected::of([0.5; 8].into_iter()), 0.22, 4.0, (8, 0)), 0);
    }
}
