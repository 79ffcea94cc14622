//! Attempts against the carrier's journal: who was rung with which number, and what can have come of it.

use std::collections::BTreeMap;

use vox_testkit::exchange::callees::Class;
use vox_testkit::exchange::journal::{How, Line, What};

use super::told::Attempt;
use super::{Found, Run, meaning};

/// What an attempt may come to of which nobody heard how it went: its dialler died, its worker did, or it was taken back.
const UNHEARD: [&str; 2] = ["lost", "cancelled"];
/// And one that was answered: nobody told by whom.
const NOBODY_TOLD: [&str; 2] = ["answered", "abandoned"];

/// What the carrier saw of one attempt.
#[derive(Debug, Default)]
struct Seen<'a> {
    to: &'a str,
    from: &'a str,
    answered: Option<Class>,
    ended: Option<(How, Option<u16>)>,
}

/// Each attempt against what the carrier saw of it.
pub(super) fn differences(attempts: &[Attempt], lines: &[Line], run: Run, found: &mut Found) {
    let seen = seen(lines);
    for attempt in attempts {
        let seen = seen.get(attempt.id.as_str());
        if let Some(seen) = seen {
            found.same(format!("number of {}", attempt.id), &attempt.number.as_str(), &seen.to);
            found.same(format!("from_number of {}", attempt.id), &attempt.from_number.as_str(), &seen.from);
        }
        let Some(result) = attempt.result.as_deref() else { continue };
        let can_be = match seen {
            None => !is_answer(result),
            Some(Seen { answered: Some(class), .. }) => can_be_of(*class, result, run),
            Some(seen) => !is_answer(result) && (run == Run::Troubled || ended_so(seen.ended, result)),
        };
        if !can_be {
            let seen = seen.map(|seen| (seen.answered, seen.ended));
            found.note(format!("attempt {} came to {result}, and the carrier saw {seen:?}", attempt.id));
        }
    }
}

/// By attempt. Of one with several calls, which is a fault that the checker tells, the one that was answered says most.
fn seen(lines: &[Line]) -> BTreeMap<&str, Seen<'_>> {
    let mut seen: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    let mut of_call: BTreeMap<&str, &str> = BTreeMap::new();
    for line in lines {
        match &line.what {
            What::Invite { call, attempt, to, from, .. } => {
                of_call.insert(call, attempt);
                seen.entry(attempt).or_insert(Seen { to, from, ..Seen::default() });
            }
            What::Answered { call, class } => {
                let its = of_call.get(call.as_str()).and_then(|attempt| seen.get_mut(attempt));
                if let Some(its) = its {
                    its.answered.get_or_insert(*class);
                }
            }
            What::Ended { call, how, code } => {
                let its = of_call.get(call.as_str()).and_then(|attempt| seen.get_mut(attempt));
                if let Some(its) = its {
                    its.ended = Some((*how, *code));
                }
            }
            What::Opened | What::Restarted | What::NotSent { .. } => {}
        }
    }
    seen
}

/// Whether it says that somebody, or something, answered.
fn is_answer(result: &str) -> bool {
    meaning(result).is_some_and(|(tally, _)| ["human", "abandoned", "machine"].contains(&tally))
}

/// Whether a call that this one answered can come to it.
fn can_be_of(class: Class, result: &str, run: Run) -> bool {
    if UNHEARD.contains(&result) || NOBODY_TOLD.contains(&result) {
        return true;
    }
    let tally = meaning(result).map(|(tally, _)| tally);
    let wanted = match class {
        Class::Human if run == Run::Calm => return tally == Some("human"),
        Class::Human => return tally != Some("machine"),
        Class::Voicemail => "voicemail",
        Class::Screening => "screened",
        Class::Ivr => "ivr",
        Class::Announcement => "unavailable",
        Class::Fax => "fax",
    };
    result == wanted || run == Run::Troubled && !is_answer(result)
}

/// Whether a call that nobody answered and that ended so can come to it, where every program knows of its end.
fn ended_so(ended: Option<(How, Option<u16>)>, result: &str) -> bool {
    let wanted: &[&str] = match ended {
        Some((How::Refused, Some(486))) => &["busy"],
        Some((How::Refused, Some(603))) => &["declined"],
        Some((How::Refused, Some(404))) => &["invalid_number"],
        Some((How::Refused, Some(403))) => &["forbidden"],
        Some((How::Refused, Some(503))) => &["congestion"],
        Some((How::Throttled, _)) => &["throttled"],
        Some((How::RangOut, _)) => &["no_answer"],
        // It is given up when the ringing would be over, or a little later.
        Some((How::Dead, _)) => &["network", "no_answer"],
        // By us, or not at all: the journal does not know why.
        _ => return true,
    };
    wanted.contains(&result) || UNHEARD.contains(&result)
}
