//! What is expected of vendors, beside what was measured of them lately by the calls of all workers: how much of what they were asked
//! they answered, and within what time. A vendor that misses its target for a while is told of, and so is one that meets it again.
//! Decision 0081.

pub mod measured;
pub mod watch;

use serde::{Deserialize, Serialize};
use vox_shared::wire::answers::Service;

use crate::store::Stamp;
use crate::store::latencies::TargetState;
use crate::store::settings::VendorTarget;
use measured::Measured;

/// With fewer answers and failures in half an hour, or fewer that were timed, nothing is said of a vendor.
pub const MIN_SAMPLES: u64 = 20;
/// A vendor misses its target when it has missed it for this long, and meets it again when it has met it for this long.
pub const HOLDS: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);
/// Of a vendor that missed it more is expected before it counts as well: this much of the time.
const EASED: f64 = 0.9;
/// What is expected where nobody set anything: answers to so many of a hundred requests …
pub const AVAILABILITY_PERCENT: f64 = 99.0;

/// … and nineteen of twenty within so long, milliseconds: what a caller takes for an answer at once, with all three together.
pub fn p95_ms(service: Service) -> u32 {
    match service {
        Service::Stt | Service::Tts => 1_000,
        Service::Llm => 2_000,
    }
}

/// What is expected of a vendor; what is absent is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    pub availability_percent: Option<f64>,
    pub p95_ms: Option<u32>,
}

/// How a vendor stands to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    Missed,
    /// Too little was asked of it lately, or nothing is expected.
    Unknown,
}

impl Target {
    /// That of a vendor: what was set for it, for all vendors of the service, or for nobody. Rows of a tenant stand before those of the
    /// deployment.
    pub fn of(service: Service, provider: &str, set: &[VendorTarget]) -> Self {
        let own = set.iter().find(|row| row.service == service && row.provider.as_deref() == Some(provider));
        let row = own.or_else(|| set.iter().find(|row| row.service == service && row.provider.is_none()));
        match row {
            Some(row) => Self { availability_percent: row.availability_percent, p95_ms: row.p95_ms },
            None => Self { availability_percent: Some(AVAILABILITY_PERCENT), p95_ms: Some(p95_ms(service)) },
        }
    }

    /// How a vendor stands; one that `missed` it has to do better than the target to count as well.
    pub fn judge(self, of: &Measured, missed: bool) -> Verdict {
        let ease = if missed { EASED } else { 1.0 };
        let available =
            of.availability_percent().zip(self.availability_percent).map(|(is, least)| is >= least);
        let fast = of.p95_ms().zip(self.p95_ms).map(|(is, most)| is <= f64::from(most) * ease);
        match (available, fast) {
            (Some(false), _) | (_, Some(false)) => Verdict::Missed,
            (None, None) => Verdict::Unknown,
            _ => Verdict::Met,
        }
    }
}

/// What has changed of a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Missed,
    MetAgain,
}

/// The next state of a vendor, and whether that is told. `None` is a vendor that meets its target.
pub fn advance(
    (service, provider): (Service, &str),
    state: Option<TargetState>,
    verdict: Verdict,
    now: Stamp,
) -> (Option<TargetState>, Option<Change>) {
    let Some(state) = state else {
        let begun = TargetState {
            service,
            provider: provider.to_owned(),
            missed: false,
            since: now,
            contrary_since: Some(now),
        };
        return ((verdict == Verdict::Missed).then_some(begun), None);
    };
    let is_contrary = match verdict {
        // Nothing new is known.
        Verdict::Unknown => return (Some(state), None),
        Verdict::Missed => !state.missed,
        Verdict::Met => state.missed,
    };
    let since = state.contrary_since.unwrap_or(now);
    let has_held = now.0.duration_since(since.0) >= HOLDS;
    match (is_contrary, has_held) {
        (true, false) => (Some(TargetState { contrary_since: Some(since), ..state }), None),
        (true, true) if state.missed => (None, Some(Change::MetAgain)),
        (true, true) => {
            let missed = TargetState { missed: true, since: now, contrary_since: None, ..state };
            (Some(missed), Some(Change::Missed))
        }
        (false, _) if state.missed => (Some(TargetState { contrary_since: None, ..state }), None),
        // It was a moment.
        (false, _) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Stamp {
        Stamp(jiff::Timestamp::from_second(1_700_000_000 + 60 * minute).unwrap())
    }

    /// One word a minute: `x` missed, `.` met, `?` unknown.
    fn check(story: &str, expected: &[(usize, Change)]) {
        let (mut state, mut told) = (None, Vec::new());
        for (minute, word) in story.chars().enumerate() {
            let verdict = match word {
                'x' => Verdict::Missed,
                '.' => Verdict::Met,
                _ => Verdict::Unknown,
            };
            let change;
            (state, change) = advance((Service::Llm, "openai"), state, verdict, at(minute as i64));
            told.extend(change.map(|change| (minute, change)));
        }
        assert_eq!(told, expected, "{story}");
    }

    #[test]
    fn what_holds_for_two_minutes_is_told_once() {
        check("..x..x..", &[]);
        check("xx.xx.xx.", &[]);
        check(".xxxxx", &[(3, Change::Missed)]);
        check("xxx.x.x.xx", &[(2, Change::Missed)]);
        check("xxx...", &[(2, Change::Missed), (5, Change::MetAgain)]);
        check("xxx.....xxx", &[(2, Change::Missed), (5, Change::MetAgain), (10, Change::Missed)]);
        check("xxx????????", &[(2, Change::Missed)]);
        check("x?x", &[(2, Change::Missed)]);
    }

    #[test]
    fn a_target_is_of_the_vendor_before_it_is_of_all() {
        let row = |provider: Option<&str>, p95_ms: Option<u32>| VendorTarget {
            service: Service::Tts,
            provider: provider.map(str::to_owned),
            availability_percent: None,
            p95_ms,
        };
        let set = [row(None, Some(700)), row(Some("cartesia"), None)];
        assert_eq!(Target::of(Service::Tts, "aura", &set).p95_ms, Some(700));
        assert_eq!(Target::of(Service::Tts, "cartesia", &set).p95_ms, None);
        let own = Target::of(Service::Llm, "groq", &set);
        assert_eq!((own.availability_percent, own.p95_ms), (Some(99.0), Some(2_000)));
    }

    #[test]
    fn a_vendor_is_judged_by_what_it_was_asked_often_enough() {
        let target = Target { availability_percent: Some(99.0), p95_ms: Some(1_000) };
        let judge = |answered, failed, spread: &[(u32, u64)], missed| {
            target.judge(&Measured::of_spread(answered, failed, spread), missed)
        };
        assert_eq!(judge(10, 9, &[], false), Verdict::Unknown);
        assert_eq!(judge(99, 1, &[], false), Verdict::Met);
        assert_eq!(judge(98, 2, &[], false), Verdict::Missed);
        assert_eq!(judge(100, 0, &[(500, 100)], false), Verdict::Met);
        assert_eq!(judge(100, 0, &[(500, 90), (3_000, 10)], false), Verdict::Missed);
        // Up to 1,000 ms: the 95th of a hundred between 700 and 1,000 is at 985.
        assert_eq!(judge(100, 0, &[(1_000, 100)], false), Verdict::Met);
        assert_eq!(judge(100, 0, &[(1_000, 100)], true), Verdict::Missed, "not comfortably");
    }
}
