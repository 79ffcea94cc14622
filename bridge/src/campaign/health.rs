//! Whether a number that callees are shown is answered less than the numbers beside it: phones call it spam by now, or networks do. Calls
//! are counted by the hour and by kind; what the other numbers of the tenant had in the same hours for calls of the same kind says what was
//! to be expected of this one, so a bad hour or a bad list is nobody's fault. Pure; decision 0088 says why it is this rule.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use vox_shared::ids::CampaignId;

use super::outcome::{AttemptResult, Tally};
use crate::store::Stamp;

#[cfg(test)]
mod simulated;

const HOUR_SECS: i64 = 3_600;
/// How far back calls say something.
const KEPT_HOURS: u32 = 7 * 24;
/// What is kept of a number, oldest first to go.
const MOST_HOURS: usize = 300;
/// Of the answers of a number that has fallen so much is left: 12 of 100 where 20 were.
const LEFT: f64 = 0.6;
/// How alike the answers of one hour are (the correlation of two of them): lists and times of day come in lumps.
const ALIKE: f64 = 0.02;
/// A share below or above says too little to be reckoned with.
const SHARES: (f64, f64) = (0.02, 0.8);
/// So much evidence, as the logarithm of how much likelier the fall is than none, and other numbers are shown first.
const SUSPECT: f64 = 2.5;
/// And so much, and it is shown to nobody.
const FALLEN: f64 = 6.0;
/// How long it is shown to nobody, the first time.
pub const COOLS_FOR: SignedDuration = SignedDuration::from_hours(24);
/// And the second time within a week, or when networks block it: whoever marks numbers forgets them in about two weeks.
pub const RESTS_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Short answers are looked at over so many hours, from so many answers on, and say something from this share on, if it is so many standard
/// deviations above that of the others.
const SHORT_HOURS: u32 = 48;
const SHORT_ANSWERS: u32 = 40;
const SHORT_SHARE: f64 = 0.35;
const SHORT_DEVIATIONS: f64 = 4.0;

/// Calls of a number in one hour to callees of one kind. Kept as an array of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u32; 5]", into = "[u32; 5]")]
pub struct Hour {
    /// Hours since 1970.
    pub at: u32,
    /// See [`kind`].
    pub kind: u32,
    pub calls: u32,
    /// By people.
    pub answers: u32,
    /// Of the answers: those that people ended within six seconds.
    pub short: u32,
}

/// What is known of a number that is shown. Kept with the number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Of the last seven days, by hour and kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hour>,
    /// Other numbers are shown first until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spared_until: Option<Stamp>,
    /// When it was last taken out for its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooled_at: Option<Stamp>,
    /// Why it rests, or rested last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_why: Option<RestsWhy>,
}

/// Why a number rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestsWhy {
    /// Networks blocked two of its calls within 48 hours.
    Blocked,
    /// Fewer people answer it than answer the numbers beside it.
    FewerAnswers,
    /// More of those who answer hang up at once.
    ShortAnswers,
    /// One of the two, for the second time in a week of being shown.
    CooledTwice,
}

impl RestsWhy {
    /// The word of events and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::FewerAnswers => "fewer_answers",
            Self::ShortAnswers => "short_answers",
            Self::CooledTwice => "cooled_twice",
        }
    }
}

/// What follows from a number's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Well,
    /// Others are to be shown first.
    Spare,
    /// It is to be shown to nobody.
    Cool(RestsWhy),
}

impl Hour {
    /// The call of an attempt that came to this, `at` then; none where it says nothing of how callees take the number: nothing rang, it
    /// was taken back, or nobody can be reached there.
    pub fn of(result: AttemptResult, kind: u32, at: Stamp) -> Option<Self> {
        use AttemptResult as R;
        let tally = result.tally();
        let says_nothing =
            matches!(result, R::InvalidNumber | R::Forbidden | R::BlockedDest | R::Cancelled | R::Lost);
        if says_nothing || tally == Tally::Uncounted {
            return None;
        }
        let answered = matches!(tally, Tally::Human | Tally::Abandoned);
        let is_short = result == R::HangupEarly;
        Some(Self { at: hour_of(at), kind, calls: 1, answers: answered.into(), short: is_short.into() })
    }

    fn key(&self) -> (u32, u32) {
        (self.at, self.kind)
    }

    fn plus(&mut self, more: &Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.answers = self.answers.saturating_add(more.answers);
        self.short = self.short.saturating_add(more.short);
    }

    fn minus(&self, less: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(less.calls),
            answers: self.answers.saturating_sub(less.answers),
            short: self.short.saturating_sub(less.short),
            ..*self
        }
    }
}

impl From<[u32; 5]> for Hour {
    fn from([at, kind, calls, answers, short]: [u32; 5]) -> Self {
        Self { at, kind, calls, answers, short }
    }
}

impl From<Hour> for [u32; 5] {
    fn from(hour: Hour) -> Self {
        [hour.at, hour.kind, hour.calls, hour.answers, hour.short]
    }
}

impl Health {
    /// Nothing happened yet that it would tell of.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Count more calls, and forget those that are too old.
    pub fn count(&mut self, more: &[Hour], now: Stamp) {
        let oldest = (hour_of(now) + 1).saturating_sub(KEPT_HOURS);
        add(&mut self.hours, more);
        self.hours.retain(|hour| hour.at >= oldest);
        let over = self.hours.len().saturating_sub(MOST_HOURS);
        self.hours.drain(..over);
    }

    /// Have it rest for its answers from now on; answers until when. The second time within a week of being shown is a long one.
    pub fn cool(&mut self, why: RestsWhy, now: Stamp) -> Stamp {
        let again = self.cooled_at.is_some_and(|at| now < at + COOLS_FOR + WEEK);
        (self.cooled_at, self.spared_until) = (Some(now), None);
        self.rests_why = Some(if again { RestsWhy::CooledTwice } else { why });
        now + if again { RESTS_FOR } else { COOLS_FOR }
    }
}

/// The hour of a moment, since 1970.
pub fn hour_of(at: Stamp) -> u32 {
    u32::try_from(at.0.as_second().div_euclid(HOUR_SECS)).unwrap_or(0)
}

/// A kind of calls, which are answered alike: those of a campaign. Where the number that was shown begins like the callee's (`near`: how both
/// begin), whoever is shown it is chosen for it, and other numbers were shown to others: those calls are kinds of their own.
pub fn kind(campaign: &CampaignId, near: Option<&str>) -> u32 {
    let hash = Sha256::digest(format!("{campaign} {}", near.unwrap_or_default()));
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// Add calls to others that are in the order of hours and kinds.
pub fn add(hours: &mut Vec<Hour>, more: &[Hour]) {
    for hour in more {
        match hours.binary_search_by_key(&hour.key(), Hour::key) {
            Ok(at) => hours[at].plus(hour),
            Err(at) => hours.insert(at, *hour),
        }
    }
}

/// How a number stands by its `own` calls since an hour, among `all` numbers, this one too. Both are in the order of hours and kinds.
pub fn judge(own: &[Hour], all: &[Hour], (since, now): (u32, Stamp)) -> Verdict {
    let pairs = pairs(own, all, since);
    let evidence = evidence(&pairs);
    if evidence >= FALLEN {
        return Verdict::Cool(RestsWhy::FewerAnswers);
    }
    if ends_at_once(&pairs, hour_of(now)) {
        return Verdict::Cool(RestsWhy::ShortAnswers);
    }
    if evidence >= SUSPECT { Verdict::Spare } else { Verdict::Well }
}

/// Its own calls, each hour and kind with what the others had of it, where they had any.
fn pairs(own: &[Hour], all: &[Hour], since: u32) -> Vec<(Hour, Hour)> {
    let mut pairs = Vec::with_capacity(own.len());
    let mut at = 0;
    for hour in own {
        if hour.at < since || hour.calls == 0 {
            continue;
        }
        while at < all.len() && all[at].key() < hour.key() {
            at += 1;
        }
        if at < all.len() && all[at].key() == hour.key() {
            let others = all[at].minus(hour);
            if others.calls > 0 {
                pairs.push((*hour, others));
            }
        }
    }
    pairs
}

/// How much more likely it is by its calls that its answers fell at some hour to [`LEFT`] of the others' than that they did not: the
/// logarithm, 0 at least. Page's cumulative sum, each hour weighted by how well it is known what was to be expected.
fn evidence(pairs: &[(Hour, Hour)]) -> f64 {
    let mut kinds: Vec<(u32, f64, f64)> = Vec::new();
    for (_, others) in pairs {
        let at = match kinds.iter().position(|kind| kind.0 == others.kind) {
            Some(at) => at,
            None => {
                kinds.push((others.kind, 0.0, 0.0));
                kinds.len() - 1
            }
        };
        kinds[at].1 += f64::from(others.calls);
        kinds[at].2 += f64::from(others.answers);
    }
    for kind in &mut kinds {
        (kind.1, kind.2) = steps((kind.2 + 1.0) / (kind.1 + 2.0));
    }
    let mut evidence = 0.0_f64;
    for (own, others) in pairs {
        let (calls, beside) = (f64::from(own.calls), f64::from(others.calls));
        let expected = calls * f64::from(others.answers) / beside;
        let known = 1.0 + (calls - 1.0) * ALIKE + calls / beside;
        let Some((_, missing, answered)) = kinds.iter().find(|kind| kind.0 == own.kind) else { continue };
        evidence += (missing * expected - answered * f64::from(own.answers)) / known;
        evidence = evidence.max(0.0);
    }
    evidence
}

/// What an answer that was to be expected adds, and what an answer takes away, where the others have this share of answers.
fn steps(share: f64) -> (f64, f64) {
    let share = share.clamp(SHARES.0, SHARES.1);
    let fallen = LEFT * share;
    let missing = ((1.0 - fallen) / (1.0 - share)).ln() / share;
    let answered = (share * (1.0 - fallen) / (fallen * (1.0 - share))).ln();
    (missing, answered)
}

/// Whether more of those who answer it hang up at once than do with the others.
fn ends_at_once(pairs: &[(Hour, Hour)], now: u32) -> bool {
    let (mut own, mut others) = ((0, 0), (0, 0));
    for (hour, beside) in pairs.iter().filter(|(hour, _)| hour.at + SHORT_HOURS > now) {
        own = (own.0 + hour.answers, own.1 + hour.short);
        others = (others.0 + beside.answers, others.1 + beside.short);
    }
    if own.0 < SHORT_ANSWERS || others.0 < SHORT_ANSWERS {
        return false;
    }
    let share = |(answers, short): (u32, u32)| f64::from(short) / f64::from(answers);
    let usual = share(others).max(SHARES.0);
    let spread = usual * (1.0 - usual) * (1.0 / f64::from(own.0) + 1.0 / f64::from(others.0));
    share(own) > SHORT_SHARE && share(own) - usual > SHORT_DEVIATIONS * spread.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: u32 = 500_000;

    fn at(hour: u32) -> Stamp {
        Stamp(jiff::Timestamp::from_second(i64::from(hour) * HOUR_SECS + 60).unwrap())
    }

    fn hour(at: u32, kind: u32, [calls, answers, short]: [u32; 3]) -> Hour {
        Hour { at, kind, calls, answers, short }
    }

    /// A number with `own` calls in one hour, beside others with `others`.
    fn check(own: [u32; 3], others: [u32; 3], expected: Verdict) {
        let own = [hour(THEN, 1, own)];
        let mut all = own.to_vec();
        add(&mut all, &[hour(THEN, 1, others)]);
        assert_eq!(judge(&own, &all, (0, at(THEN))), expected, "{own:?} {others:?}");
        let later = judge(&own, &all, (THEN + 1, at(THEN)));
        assert_eq!(later, Verdict::Well, "what was before a rest does not count");
    }

    #[test]
    fn a_number_is_judged_by_what_others_had() {
        check([25, 5, 0], [250, 50, 0], Verdict::Well);
        check([25, 0, 0], [250, 0, 0], Verdict::Well);
        check([25, 0, 0], [250, 100, 0], Verdict::Spare);
        check([25, 0, 0], [250, 175, 0], Verdict::Cool(RestsWhy::FewerAnswers));
        check([25, 25, 0], [250, 0, 0], Verdict::Well);
        check([100, 50, 30], [1_000, 500, 100], Verdict::Cool(RestsWhy::ShortAnswers));
        check([100, 50, 30], [1_000, 500, 300], Verdict::Well);
        check([60, 30, 30], [1_000, 500, 100], Verdict::Well);
    }

    #[test]
    fn calls_without_others_of_their_kind_say_nothing() {
        let own = [hour(THEN, 1, [500, 0, 0])];
        assert_eq!(judge(&own, &own, (0, at(THEN))), Verdict::Well);
        let mut all = own.to_vec();
        add(&mut all, &[hour(THEN, 2, [500, 250, 0]), hour(THEN - 1, 1, [500, 250, 0])]);
        assert_eq!(judge(&own, &all, (0, at(THEN))), Verdict::Well);
    }

    #[test]
    fn calls_are_kept_by_hour_and_kind_for_a_week() {
        let mut health = Health::default();
        health.count(&[hour(THEN, 2, [1, 0, 0])], at(THEN));
        health.count(&[hour(THEN, 1, [1, 1, 1]), hour(THEN, 2, [3, 2, 1])], at(THEN));
        assert_eq!(health.hours, [hour(THEN, 1, [1, 1, 1]), hour(THEN, 2, [4, 2, 1])]);
        let kept = serde_json::to_string(&health).unwrap();
        assert_eq!(kept, r#"{"hours":[[500000,1,1,1,1],[500000,2,4,2,1]]}"#);
        assert_eq!(serde_json::from_str::<Health>(&kept).unwrap(), health);
        health.count(&[], at(THEN + KEPT_HOURS - 1));
        assert_eq!(health.hours.len(), 2);
        health.count(&[], at(THEN + KEPT_HOURS));
        assert_eq!(health, Health::default());
        let many: Vec<Hour> = (0..400).map(|kind| hour(THEN, kind, [1, 0, 0])).collect();
        health.count(&many, at(THEN));
        assert_eq!((health.hours.len(), health.hours[0].kind), (MOST_HOURS, 100));
    }

    #[test]
    fn the_second_rest_in_a_week_is_a_long_one() {
        let mut health = Health::default();
        let begun = at(THEN);
        assert_eq!(health.cool(RestsWhy::FewerAnswers, begun), begun + COOLS_FOR);
        assert_eq!(health.rests_why, Some(RestsWhy::FewerAnswers));
        let again = begun + COOLS_FOR + WEEK + SignedDuration::from_secs(-1);
        assert_eq!(health.clone().cool(RestsWhy::ShortAnswers, again), again + RESTS_FOR);
        let later = begun + COOLS_FOR + WEEK;
        assert_eq!(health.cool(RestsWhy::ShortAnswers, later), later + COOLS_FOR);
        assert_eq!(health.rests_why, Some(RestsWhy::ShortAnswers));
    }

    #[test]
    fn what_says_nothing_of_a_number_is_not_counted() {
        let of = |result| Hour::of(result, 1, at(THEN)).map(|one| [one.calls, one.answers, one.short]);
        assert_eq!(of(AttemptResult::Done), Some([1, 1, 0]));
        assert_eq!(of(AttemptResult::HangupEarly), Some([1, 1, 1]));
        assert_eq!(of(AttemptResult::Voicemail), Some([1, 0, 0]));
        assert_eq!(of(AttemptResult::Declined), Some([1, 0, 0]));
        for nothing in ["invalid_number", "forbidden", "cancelled", "lost", "network", "aborted"] {
            let result = AttemptResult::ALL.iter().find(|one| one.as_str() == nothing).unwrap();
            assert_eq!(of(*result), None, "{nothing}");
        }
    }
}
