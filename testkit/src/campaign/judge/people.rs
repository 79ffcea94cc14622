//! Everybody comes to one end, has no more attempts than they may, and none after what forbids it.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{CLAIMED, Finding, sorted_by};
use crate::campaign::journal::{Closed, Journal};

pub(super) fn judge(journal: &Journal) -> Vec<Finding> {
    vec![ends(journal), one_invite(journal), attempts(journal), allowed(journal), unwilling(journal)]
}

fn ends(journal: &Journal) -> Finding {
    let mut finding = Finding::of("everybody has one end, with one reason, and no call after it");
    let mut ends: Vec<Vec<&Closed>> = vec![Vec::new(); journal.terms.people.len()];
    for closed in &journal.closed {
        if let Some(ends) = ends.get_mut(closed.person) {
            ends.push(closed);
        }
    }
    let mut last: HashMap<usize, Timestamp> = HashMap::new();
    for dial in &journal.dials {
        let last = last.entry(dial.person).or_insert(dial.at);
        *last = dial.at.max(*last);
    }
    for (person, ends) in ends.iter().enumerate() {
        let holds = match ends[..] {
            [end] => !end.reason.is_empty() && last.get(&person).is_none_or(|last| *last <= end.at),
            _ => false,
        };
        finding.see(holds, || format!("person {person}: {ends:?}, last called {:?}", last.get(&person)));
    }
    finding
}

fn one_invite(journal: &Journal) -> Finding {
    let mut finding = Finding::of("one INVITE an attempt at most, and every call has an end");
    let sorted = sorted_by(&journal.dials, |dial| dial.person);
    for (at, dial) in sorted.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| sorted[at]).filter(|before| before.person == dial.person);
        let is_next = before.is_none_or(|before| before.att < dial.att && before.until() <= dial.at);
        let has_end = dial.ended.as_ref().is_some_and(|(at, result)| dial.at <= *at && !result.is_empty());
        finding.see(is_next && has_end, || dial.told());
    }
    finding
}

fn attempts(journal: &Journal) -> Finding {
    let mut finding = Finding::of("no more attempts of a person than the campaign allows");
    let mut counted: HashMap<usize, usize> = HashMap::new();
    for dial in sorted_by(&journal.dials, |dial| dial.person) {
        let before = counted.entry(dial.person).or_default();
        let most = journal.terms.campaigns[journal.terms.people[dial.person].campaign].attempts;
        finding.see(*before < most, || format!("{}: {before} before", dial.told()));
        *before += usize::from(dial.counts());
    }
    finding
}

fn allowed(journal: &Journal) -> Finding {
    let mut finding = Finding::of("nobody without the consent that is needed, or after their time");
    for dial in &journal.dials {
        let person = &journal.terms.people[dial.person];
        let claimed_at = dial.at - CLAIMED;
        let is_in_time = person.expires_at.is_none_or(|at| claimed_at < at);
        let needs_consent = journal.terms.campaigns[person.campaign].needs_consent;
        let consents = person.consent.is_some_and(|consent| consent.until.is_none_or(|at| claimed_at < at));
        finding.see(is_in_time && (consents || !needs_consent), || dial.told());
    }
    finding
}

/// By the list, and by what was heard: both forbid it.
fn unwilling(journal: &Journal) -> Finding {
    let mut finding = Finding::of("nobody after they opted out, or their number was listed");
    let mut since: HashMap<&str, Timestamp> = HashMap::new();
    let listed = journal.listed.iter().map(|(number, at)| (number.as_str(), *at));
    let heard = journal.dials.iter().filter(|dial| dial.result() == "opt_out");
    for (number, at) in listed.chain(heard.map(|dial| (dial.number.as_str(), dial.until()))) {
        let first = since.entry(number).or_insert(at);
        *first = at.min(*first);
    }
    for dial in &journal.dials {
        let is_before = since.get(dial.number.as_str()).is_none_or(|since| dial.at < *since);
        finding.see(is_before, || dial.told());
    }
    finding
}
