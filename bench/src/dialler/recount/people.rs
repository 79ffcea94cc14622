//! What contacts say of their attempts.

use std::collections::BTreeMap;

use super::told::{Attempt, Contact, Told};
use super::{ABORTED, Found, Run, meaning};

/// So many results a contact remembers.
const REMEMBERED: usize = 60;

/// Each contact against its own attempts.
pub(super) fn differences(told: &Told, run: Run, found: &mut Found) {
    let mut by_contact: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in &told.attempts {
        by_contact.entry(&attempt.contact_id).or_default().push(attempt);
    }
    for contact in &told.contacts {
        let mut attempts = by_contact.remove(contact.id.as_str()).unwrap_or_default();
        attempts.sort_by_key(|attempt| attempt.att);
        let last = attempts.last().map_or(0, |attempt| attempt.att);
        // A bridge that dies between a contact and its attempt leaves a number that no attempt has.
        if run == Run::Calm || contact.attempts < last {
            found.same(format!("attempts of {}", contact.id), &contact.attempts, &last);
        }
        attempts.retain(|attempt| attempt.run == told.campaign.run_number);
        of_run(contact, &attempts, found);
    }
    for (contact, attempts) in by_contact {
        found.note(format!("{} attempts are of {contact}, which is no contact", attempts.len()));
    }
}

/// Against those of the campaign's run, in their order.
fn of_run(contact: &Contact, attempts: &[&Attempt], found: &mut Found) {
    let results = || attempts.iter().filter_map(|attempt| attempt.result.as_deref());
    let counts = |result: &str| meaning(result).is_some_and(|(_, counts)| counts);
    let counted = results().filter(|result| counts(result)).count();
    found.same(format!("counted of {}", contact.id), &usize::try_from(contact.counted).ok(), &Some(counted));
    let is_dialled = |result: &&str| *result != ABORTED;
    let dialled: Vec<&str> = results().filter(is_dialled).collect();
    let known: Vec<&str> = contact.results.iter().map(String::as_str).filter(is_dialled).collect();
    // Of more than it remembers it has the last ones.
    let is_cut = contact.results.len() >= REMEMBERED;
    let from = if is_cut { dialled.len().saturating_sub(known.len()) } else { 0 };
    found.same(format!("results of {}", contact.id), &known.as_slice(), &&dialled[from..]);
    // One that was taken back before its number was its own is no result of the contact's.
    let taken_back = results().count() - dialled.len();
    if contact.results.len() - known.len() > taken_back {
        found.note(format!("contact {} has more aborted results than aborted attempts", contact.id));
    }
    standing(contact, dialled.last().copied(), found);
}

/// Where it stands, by its last result that was dialled.
fn standing(contact: &Contact, last: Option<&str>, found: &mut Found) {
    let why = format!("reason of {}, which is {}", contact.id, contact.status);
    let reason = contact.reason.as_deref();
    let is_of_result = match (contact.status.as_str(), reason) {
        ("done", Some(reason)) => meaning(reason).is_some(),
        ("blocked", Some("opt_out")) | ("review", Some("lost")) => true,
        _ => false,
    };
    if is_of_result || last == Some("opt_out") {
        found.same(why, &reason, &last);
    }
}
