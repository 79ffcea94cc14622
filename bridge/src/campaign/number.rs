//! Whether a number may be rung, by what happened to it before, whichever of the tenant's campaigns rang it. Pure: the answer and the lock
//! are one change of one document (`store/numbers.rs`).

use jiff::SignedDuration;
use vox_shared::ids::AttemptId;

use super::outcome::AttemptResult;
use super::settings::Caps;
use crate::store::Stamp;
use crate::store::numbers::{CalledNumber, Ring};

/// How far back rings are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Nobody who declined is rung again before, over whichever trunk.
const DECLINED: SignedDuration = DAY;
/// Nor whom a call of ours left in silence.
const ABANDONED: SignedDuration = SignedDuration::from_hours(72);
/// When to look again at a number that somebody else rings.
const BUSY: SignedDuration = SignedDuration::from_mins(15);

/// How often a number may be rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In 24 hours.
    pub per_day: u32,
    /// Between two rings, but for busy ones.
    pub gap: SignedDuration,
    /// Between two messages.
    pub message_gap: SignedDuration,
}

impl Limits {
    /// Of a campaign, and of the place of the number.
    pub fn of(caps: &Caps, place: Option<u32>) -> Self {
        Self {
            per_day: place.map_or(caps.number_day, |place| place.min(caps.number_day)),
            gap: SignedDuration::from_mins(caps.number_gap_min.into()),
            message_gap: SignedDuration::from_hours(24 * i64::from(caps.voicemail_days)),
        }
    }
}

/// Why it may not be rung now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// This attempt rings it.
    Held(AttemptId),
    Cap {
        until: Stamp,
    },
    Declined {
        until: Stamp,
    },
    /// For good; why.
    Stopped(String),
}

impl Barred {
    /// When it may be asked again.
    pub fn until(&self, now: Stamp) -> Option<Stamp> {
        match self {
            Self::Held(_) => Some(now + BUSY),
            Self::Cap { until } | Self::Declined { until } => Some(*until),
            Self::Stopped(_) => None,
        }
    }
}

/// Whether it may be rung.
pub fn look(number: &CalledNumber, limits: Limits, now: Stamp) -> Result<(), Barred> {
    if let Some(why) = &number.stopped {
        return Err(Barred::Stopped(why.clone()));
    }
    if let Some(holder) = &number.lock {
        return Err(Barred::Held(holder.clone()));
    }
    let ends = |at: Option<Stamp>, after: SignedDuration| at.map(|at| at + after).filter(|ends| *ends > now);
    if let Some(until) = ends(number.declined_at, DECLINED) {
        return Err(Barred::Declined { until });
    }
    if let Some(until) = ends(number.abandoned_at, ABANDONED) {
        return Err(Barred::Cap { until });
    }
    let lately: Vec<&Ring> = number.rings.iter().filter(|ring| ring.at + DAY > now).collect();
    let most = usize::try_from(limits.per_day).unwrap_or(usize::MAX);
    if lately.len() >= most {
        // When as many have gone as there are too many.
        let until = lately.get(lately.len() - most).map_or(now + DAY, |ring| ring.at + DAY);
        return Err(Barred::Cap { until });
    }
    let keeps_gap = |ring: &&Ring| ring.result.is_none_or(AttemptResult::keeps_gap);
    let last = number.rings.iter().rev().find(keeps_gap).map(|ring| ring.at);
    match ends(last, limits.gap) {
        Some(until) => Err(Barred::Cap { until }),
        None => Ok(()),
    }
}

/// Whether a message may be left on its voicemail.
pub fn takes_message(number: &CalledNumber, limits: Limits, now: Stamp) -> bool {
    number.message_at.is_none_or(|at| at + limits.message_gap <= now)
}

/// It is this ring's from now on.
pub fn lock(number: &mut CalledNumber, ring: Ring, now: Stamp) {
    number.rings.retain(|ring| ring.at + KEPT > now);
    number.lock = Some(ring.attempt.clone());
    number.touched_at = now;
    number.rings.push(ring);
}

/// An attempt has its result, and nothing of it rings any more. Answers whether anything changed.
pub fn settle(number: &mut CalledNumber, (attempt, result): (&AttemptId, AttemptResult), now: Stamp) -> bool {
    let before = number.clone();
    if number.lock.as_ref() == Some(attempt) {
        number.lock = None;
    }
    if !result.rang() {
        number.rings.retain(|ring| ring.attempt != *attempt);
    }
    let mut is_new = false;
    if let Some(ring) = number.rings.iter_mut().find(|ring| ring.attempt == *attempt) {
        is_new = ring.result.is_none();
        ring.result = Some(result);
    }
    if is_new {
        match result {
            AttemptResult::Declined => number.declined_at = Some(now),
            AttemptResult::Abandoned => number.abandoned_at = Some(now),
            AttemptResult::VoicemailLeft => number.message_at = Some(now),
            AttemptResult::InvalidNumber
            | AttemptResult::Unwanted
            | AttemptResult::BlockedDest
            | AttemptResult::Fax => number.stopped = Some(result.as_str().to_owned()),
            _ => {}
        }
    }
    let is_changed = *number != before;
    if is_changed {
        number.touched_at = now;
    }
    is_changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttemptResult as R;

    const LIMITS: Limits = Limits {
        per_day: 3,
        gap: SignedDuration::from_hours(2),
        message_gap: SignedDuration::from_hours(168),
    };

    fn at(hour: i64) -> Stamp {
        Stamp("2026-11-30T00:00:00Z".parse().unwrap()) + SignedDuration::from_hours(hour)
    }

    fn ring(n: u32, hour: i64, result: Option<R>) -> Ring {
        Ring {
            attempt: format!("con_1.{n}").parse().unwrap(),
            campaign: "cmp_1".parse().unwrap(),
            at: at(hour),
            result,
        }
    }

    fn rung(rings: &[(i64, Option<R>)]) -> CalledNumber {
        let mut number = CalledNumber::new("ten_1".parse().unwrap(), at(0));
        number.rings = rings.iter().zip(1..).map(|((hour, result), n)| ring(n, *hour, *result)).collect();
        number
    }

    #[test]
    fn a_number_is_rung_so_often_in_any_24_hours() {
        let number = rung(&[(0, Some(R::Busy)), (3, Some(R::Busy)), (6, Some(R::Busy))]);
        assert_eq!(look(&number, LIMITS, at(9)), Err(Barred::Cap { until: at(24) }));
        assert_eq!(look(&number, LIMITS, at(24)), Ok(()));
        let more = rung(&[(0, None), (1, None), (2, None), (5, None)]);
        assert_eq!(look(&more, LIMITS, at(9)), Err(Barred::Cap { until: at(25) }), "two have to go");
    }

    #[test]
    fn two_rings_are_apart_but_for_busy_ones() {
        assert_eq!(look(&rung(&[(8, Some(R::NoAnswer))]), LIMITS, at(9)), Err(Barred::Cap { until: at(10) }));
        assert_eq!(look(&rung(&[(8, Some(R::Busy))]), LIMITS, at(9)), Ok(()));
        let between = rung(&[(8, Some(R::NoAnswer)), (9, Some(R::Busy))]);
        assert_eq!(look(&between, LIMITS, at(9)), Err(Barred::Cap { until: at(10) }));
        assert_eq!(look(&rung(&[(8, None)]), LIMITS, at(9)), Err(Barred::Cap { until: at(10) }), "under way");
    }

    #[test]
    fn whoever_declined_is_let_alone_whoever_asks() {
        let mut number = rung(&[(8, None)]);
        let id = number.rings[0].attempt.clone();
        number.lock = Some(id.clone());
        assert!(settle(&mut number, (&id, R::Declined), at(9)));
        assert_eq!(look(&number, LIMITS, at(20)), Err(Barred::Declined { until: at(33) }));
        assert!(!settle(&mut number, (&id, R::Declined), at(30)), "told again, nothing changes");
        assert_eq!(look(&number, LIMITS, at(33)), Ok(()));
    }

    #[test]
    fn a_ring_that_never_was_is_forgotten_and_a_useless_number_is_not() {
        let mut number = rung(&[]);
        lock(&mut number, ring(1, 8, None), at(8));
        let id = number.lock.clone().unwrap();
        assert_eq!(look(&number, LIMITS, at(12)), Err(Barred::Held(id.clone())));
        settle(&mut number, (&id, R::Aborted), at(8));
        assert_eq!((look(&number, LIMITS, at(8)), number.rings.len()), (Ok(()), 0));
        lock(&mut number, ring(2, 8, None), at(8));
        let id = number.lock.clone().unwrap();
        settle(&mut number, (&id, R::InvalidNumber), at(9));
        assert_eq!(number.lock, None);
        assert_eq!(look(&number, LIMITS, at(999)), Err(Barred::Stopped("invalid_number".into())));
    }

    #[test]
    fn one_message_in_a_week() {
        let mut number = rung(&[(8, None)]);
        let id = number.rings[0].attempt.clone();
        settle(&mut number, (&id, R::VoicemailLeft), at(9));
        assert!(!takes_message(&number, LIMITS, at(9 + 167)) && takes_message(&number, LIMITS, at(9 + 168)));
    }
}
