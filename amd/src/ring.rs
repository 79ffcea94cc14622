//! How long it rang says something: machines answer when the carrier gives up on the person, people when they have found the telephone.

use serde::{Deserialize, Serialize};

/// Upper edges of all bins but the last, milliseconds.
const EDGES_MS: [u32; 7] = [2_000, 5_000, 10_000, 15_000, 18_000, 22_000, 26_000];
/// So much likelier one than the other (natural logarithm): a factor of three.
const CLEAR: f32 = 1.1;
/// Added to every bin, so that what was never seen is not impossible.
const SMOOTHING: f32 = 3.0;

/// How long calls rang until people and until machines answered, as counts in the bins 0-2, 2-5, 5-10, 10-15, 15-18, 18-22, 22-26 and over
/// 26 s. Best of one's own carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingTimes {
    /// Of people.
    pub human: [u32; 8],
    /// Of machines.
    pub machine: [u32; 8],
}

impl Default for RingTimes {
    /// Log-normal laws, medians 9 s (sigma 0.55) and 21 s (sigma 0.18), for a thousand calls each; and telephones that are off or screen
    /// answer in the first two seconds.
    fn default() -> Self {
        Self { human: [3, 140, 433, 248, 73, 52, 24, 27], machine: [80, 8, 8, 34, 152, 373, 257, 88] }
    }
}

/// Who a ring time speaks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RingClass {
    /// A person, at least three times as likely.
    Human,
    /// A machine, at least three times as likely.
    Machine,
    /// Nobody, or it is not known.
    #[default]
    Neither,
}

impl RingTimes {
    /// Who answers after so long.
    pub(crate) fn class(&self, ring_ms: Option<u32>) -> RingClass {
        let Some(ring_ms) = ring_ms else { return RingClass::Neither };
        let bin = EDGES_MS.iter().take_while(|edge| ring_ms >= **edge).count();
        let share = |counts: &[u32; 8]| {
            let all: f32 = counts.iter().map(|count| *count as f32 + SMOOTHING).sum();
            (counts[bin] as f32 + SMOOTHING) / all
        };
        let ratio = (share(&self.machine) / share(&self.human)).ln();
        match ratio {
            ratio if ratio >= CLEAR => RingClass::Machine,
            ratio if ratio <= -CLEAR => RingClass::Human,
            _ => RingClass::Neither,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rings_are_people_and_long_ones_machines() {
        let class = |ms| RingTimes::default().class(Some(ms));
        assert_eq!([6_000, 3_000, 12_000].map(class), [RingClass::Human; 3]);
        assert_eq!([21_000, 24_000, 900].map(class), [RingClass::Machine; 3]);
        assert_eq!(class(16_000), RingClass::Neither);
        assert_eq!(RingTimes::default().class(None), RingClass::Neither);
        let flat = RingTimes { human: [9; 8], machine: [9; 8] };
        assert_eq!(flat.class(Some(6_000)), RingClass::Neither);
    }
}
