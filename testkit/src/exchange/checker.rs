//! The checker: says from the journal and the public API alone whether calls were placed as they may be. It knows nothing of how a dialler
//! works.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal::{Line, What};

/// Most examples that a finding names.
const EXAMPLES: usize = 5;
const SECOND_US: i64 = 1_000_000;

/// What may not be, besides what never may.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// New calls in any sliding second, over all trunks that are named.
    pub cps: BTreeMap<String, u32>,
    /// No INVITE in these spans, microseconds since 1970: the campaign was paused, or its windows were shut.
    pub shut: Vec<(i64, i64)>,
    /// Numbers that may not be rung from then on: they are on a do-not-call list, or it is night there.
    pub barred: BTreeMap<String, i64>,
}

/// An attempt, as the public API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Attempt {
    pub id: String,
    /// None while there is none; any word that is not of a running attempt is terminal.
    #[serde(default)]
    pub result: Option<String>,
    /// When it was granted that it is dialled; none of one that was not.
    #[serde(default)]
    pub dial_at: Option<Timestamp>,
}

/// What was found. Everything that must be nothing is a list of examples with its count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub invites: usize,
    pub numbers: usize,
    pub answered: usize,
    /// The most calls that there were at once, and in any second.
    pub most_at_once: usize,
    pub most_in_a_second: usize,
    /// Two calls to one number at the same time.
    pub overlaps: Finding,
    /// Attempts with more than one INVITE.
    pub doubles: Finding,
    /// INVITEs beyond what a trunk allows in a second.
    pub too_fast: Finding,
    /// INVITEs in a span in which there may be none.
    pub shut: Finding,
    /// INVITEs to numbers that may not be rung.
    pub barred: Finding,
    /// INVITEs from rooms that were deleted between the server's look and the join, and made again by it. No fault of a dialler: that is
    /// what its second delete is for.
    pub roomless: Finding,
    /// Calls that never ended.
    pub endless: Finding,
    /// Attempts of the API without a result, or told more than once.
    pub without_result: Finding,
    /// INVITEs of attempts of which the API knows nothing, or says that they were not dialled.
    pub unknown: Finding,
}

/// How often something was found, and the first of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub count: usize,
    pub examples: Vec<String>,
}

impl Finding {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl Report {
    /// What may not be and is, in words.
    pub fn faults(&self) -> Vec<String> {
        let all = [
            ("overlapping calls to one number", &self.overlaps),
            ("attempts with more than one INVITE", &self.doubles),
            ("INVITEs beyond the trunk's rate", &self.too_fast),
            ("INVITEs while there may be none", &self.shut),
            ("INVITEs to numbers that may not be rung", &self.barred),
            ("calls that never ended", &self.endless),
            ("attempts without exactly one result", &self.without_result),
            ("INVITEs that the API does not know", &self.unknown),
        ];
        let found = all.into_iter().filter(|(_, finding)| finding.count > 0);
        found
            .map(|(what, finding)| format!("{} {what}: {}", finding.count, finding.examples.join("; ")))
            .collect()
    }
}

/// A call between its INVITE and its end.
#[derive(Clone, Debug)]
struct Span {
    call: String,
    attempt: String,
    to: String,
    trunk: String,
    began: i64,
    ended: Option<i64>,
}

/// Check the calls of a journal; `attempts` are all those of the public API, once the campaigns are over.
pub fn check(lines: &[Line], rules: &Rules, attempts: Option<&[Attempt]>) -> Report {
    let spans = spans(lines);
    let mut report = Report { invites: spans.len(), ..Report::default() };
    report.answered = lines.iter().filter(|line| matches!(line.what, What::Answered { .. })).count();
    report.numbers = spans.iter().map(|span| &span.to).collect::<BTreeSet<_>>().len();
    for line in lines {
        if let What::Invite { call, room, room_existed: false, .. } = &line.what {
            report.roomless.add(|| format!("{call} from {room}"));
        }
    }
    overlaps(&spans, &mut report);
    doubles(&spans, &mut report);
    rates(&spans, rules, &mut report);
    for span in &spans {
        if rules.shut.iter().any(|(from, to)| (*from..*to).contains(&span.began)) {
            report.shut.add(|| format!("{} at {}", span.call, span.began));
        }
        if rules.barred.get(&span.to).is_some_and(|from| span.began >= *from) {
            report.barred.add(|| format!("{} ({}) at {}", span.call, span.attempt, span.began));
        }
        if span.ended.is_none() {
            report.endless.add(|| span.call.clone());
        }
    }
    if let Some(attempts) = attempts {
        told(&spans, attempts, &mut report);
    }
    report
}

/// The calls, in the order of their INVITEs.
fn spans(lines: &[Line]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        match &line.what {
            What::Invite { call, attempt, to, trunk, .. } => {
                at.insert(call, spans.len());
                spans.push(Span {
                    call: call.clone(),
                    attempt: attempt.clone(),
                    to: to.clone(),
                    trunk: trunk.clone(),
                    began: line.at_us,
                    ended: None,
                });
            }
            What::Ended { call, .. } => {
                if let Some(at) = at.get(call.as_str()) {
                    spans[*at].ended.get_or_insert(line.at_us);
                }
            }
            _ => {}
        }
    }
    spans.sort_by_key(|span| span.began);
    spans
}

fn overlaps(spans: &[Span], report: &mut Report) {
    let mut until: BTreeMap<&str, (i64, &Span)> = BTreeMap::new();
    let mut edges: Vec<(i64, i64)> = Vec::new();
    for span in spans {
        let ended = span.ended.unwrap_or(i64::MAX);
        if let Some((before, other)) = until.get(span.to.as_str())
            && span.began < *before
        {
            report.overlaps.add(|| {
                format!(
                    "{} and {} ring one number ({}, {})",
                    other.call, span.call, other.attempt, span.attempt
                )
            });
        }
        let last = until.entry(&span.to).or_insert((ended, span));
        if ended >= last.0 {
            *last = (ended, span);
        }
        edges.extend([(span.began, 1), (ended, -1)]);
    }
    // An end comes before a beginning of the same instant.
    edges.sort_unstable();
    let mut now = 0i64;
    for (_, step) in edges {
        now += step;
        report.most_at_once = report.most_at_once.max(usize::try_from(now).unwrap_or_default());
    }
}

fn doubles(spans: &[Span], report: &mut Report) {
    let mut first: BTreeMap<&str, &Span> = BTreeMap::new();
    for span in spans {
        if let Some(before) = first.get(span.attempt.as_str()) {
            report.doubles.add(|| format!("{}: {} and {}", span.attempt, before.call, span.call));
        } else {
            first.insert(&span.attempt, span);
        }
    }
}

fn rates(spans: &[Span], rules: &Rules, report: &mut Report) {
    let mut by_trunk: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for span in spans {
        by_trunk.entry(&span.trunk).or_default().push(span.began);
    }
    for (trunk, times) in by_trunk {
        let most = rules.cps.get(trunk).copied();
        let mut from = 0;
        for (at, time) in times.iter().enumerate() {
            while time - times[from] >= SECOND_US {
                from += 1;
            }
            let count = at + 1 - from;
            report.most_in_a_second = report.most_in_a_second.max(count);
            if most.is_some_and(|most| count > usize::try_from(most).unwrap_or(usize::MAX)) {
                report.too_fast.add(|| format!("{count} on {trunk} within the second before {time}"));
            }
        }
    }
}

fn told(spans: &[Span], attempts: &[Attempt], report: &mut Report) {
    let mut known: BTreeMap<&str, &Attempt> = BTreeMap::new();
    for attempt in attempts {
        if known.insert(&attempt.id, attempt).is_some() {
            report.without_result.add(|| format!("{} is told twice", attempt.id));
        }
        if attempt.result.is_none() {
            report.without_result.add(|| format!("{} has none", attempt.id));
        }
    }
    for span in spans {
        match known.get(span.attempt.as_str()) {
            Some(attempt) if attempt.dial_at.is_some() => {}
            Some(_) => {
                report.unknown.add(|| format!("{} was dialled, and the API says it was not", span.attempt))
            }
            None => report.unknown.add(|| format!("{} is not in the API", span.attempt)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::journal::How;

    struct Journal(Vec<Line>);

    impl Journal {
        fn call(&mut self, (call, attempt, to): (&str, &str, &str), began_ms: i64, ended_ms: Option<i64>) {
            let invite = What::Invite {
                call: call.into(),
                attempt: attempt.into(),
                to: to.into(),
                from: "+15550199".into(),
                trunk: "ST_1".into(),
                room: attempt.into(),
                room_existed: true,
            };
            self.0.push(Line { at_us: began_ms * 1_000, what: invite });
            if let Some(ms) = ended_ms {
                let what = What::Ended { call: call.into(), how: How::RangOut, code: None };
                self.0.push(Line { at_us: ms * 1_000, what });
            }
        }
    }

    fn attempt(id: &str, result: Option<&str>) -> Attempt {
        Attempt { id: id.into(), result: result.map(str::to_owned), dial_at: Some(Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn good_calls_have_no_faults() {
        let mut journal = Journal(Vec::new());
        journal.call(("SCL_1", "a:1", "+1"), 0, Some(5_000));
        journal.call(("SCL_2", "a:2", "+1"), 5_000, Some(6_000));
        journal.call(("SCL_3", "b:1", "+2"), 5_100, Some(7_000));
        let rules = Rules {
            cps: [("ST_1".into(), 2)].into(),
            shut: vec![(8_000_000, 9_000_000)],
            barred: [("+1".into(), 5_000_001), ("+3".into(), 0)].into(),
        };
        let attempts = ["a:1", "a:2", "b:1"].map(|id| attempt(id, Some("no_answer")));
        let report = check(&journal.0, &rules, Some(&attempts));
        assert_eq!(report.faults(), Vec::<String>::new());
        assert_eq!(
            (report.invites, report.numbers, report.most_at_once, report.most_in_a_second),
            (3, 2, 2, 2)
        );
    }

    #[test]
    fn every_fault_is_found() {
        let mut journal = Journal(Vec::new());
        journal.call(("SCL_1", "a:1", "+1"), 0, Some(5_000));
        // Of another attempt, within a long one that a short one hides.
        journal.call(("SCL_2", "b:1", "+1"), 100, Some(200));
        journal.call(("SCL_3", "c:1", "+1"), 4_900, Some(6_000));
        journal.call(("SCL_4", "a:1", "+2"), 8_500, None);
        let rules = Rules {
            cps: [("ST_1".into(), 1)].into(),
            shut: vec![(8_000_000, 9_000_000)],
            barred: [("+2".into(), 8_500_000)].into(),
        };
        let attempts = [attempt("a:1", Some("busy")), attempt("b:1", None), attempt("b:1", Some("busy"))];
        let report = check(&journal.0, &rules, Some(&attempts));
        assert_eq!(report.overlaps.count, 2);
        assert_eq!(report.doubles.count, 1);
        assert_eq!(report.too_fast.count, 1, "two within 100 ms");
        assert_eq!((report.shut.count, report.barred.count), (1, 1));
        assert_eq!(report.endless.examples, ["SCL_4"]);
        assert_eq!(report.without_result.count, 2);
        assert_eq!(report.unknown.examples, ["c:1 is not in the API"]);
        assert_eq!(report.faults().len(), 8);
    }
}
