//! No campaign sleeps while somebody could be called: no stretch in which it calls nobody, though a person of its is due, it is the hour there,
//! their number was left alone for days, and lines and callers are free.

use jiff::{SignedDuration, Timestamp};

use super::lines::{Shown, most_of_a_day};
use super::numbers::by_number;
use super::{CLAIMED, Finding, law};
use crate::campaign::journal::{Dial, Journal};

/// The longest such stretch.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// A trunk that failed is tried again ten minutes after it works at the latest, and ten minutes later when that call happens to fail.
const TRIED_AGAIN: SignedDuration = SignedDuration::from_mins(25);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A number that rang within this time may have a reason not to ring again.
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A person waits, from and until.
#[derive(Clone, Copy)]
struct Wait {
    person: usize,
    from: Timestamp,
    until: Timestamp,
}

pub(super) fn judge(journal: &Journal) -> Finding {
    let terms = &journal.terms;
    let mut finding = Finding::of("no stretch of ten minutes without a call while somebody could be called");
    let mut dials: Vec<&Dial> = journal.dials.iter().collect();
    dials.sort_by_key(|dial| dial.at);
    let (shown, waits, numbers) = (Shown::of(journal, &dials), waits(journal), by_number(&journal.dials));
    for (campaign, waits) in waits.iter().enumerate() {
        let its = dials.iter().filter(|dial| terms.people[dial.person].campaign == campaign);
        let its: Vec<&Dial> = its.copied().collect();
        let instants = its.iter().map(|dial| dial.at);
        let ends = instants.clone().chain([terms.until]);
        for (from, until) in [terms.from].into_iter().chain(instants).zip(ends) {
            let in_vain = |wait: &&Wait| {
                let from = from.max(wait.from);
                let is_long = until.min(wait.until).duration_since(from) > LONGEST;
                is_long
                    && [from, from + LONGEST].into_iter().all(|at| {
                        let rang = |number: &String| {
                            let mut rings = numbers.get(number.as_str()).into_iter().flatten();
                            rings.any(|dial| dial.at <= at && at < dial.until().max(dial.at + LEFT_ALONE))
                        };
                        has_room(journal, (&shown, &its), (campaign, at))
                            && may_be_called(journal, wait.person, at)
                            && !terms.people[wait.person].numbers.iter().any(rang)
                    })
            };
            let is_long = until.duration_since(from) > LONGEST;
            let slept = if is_long { waits.iter().find(in_vain) } else { None };
            let name = &terms.campaigns[campaign].name;
            let told = |wait: &Wait| format!("{name} from {from} until {until}: person {}", wait.person);
            finding.see(slept.is_none(), || slept.map(told).unwrap_or_default());
        }
    }
    finding
}

/// When the people of each campaign waited: from when they were due until a call, the next word about them, or the end.
fn waits(journal: &Journal) -> Vec<Vec<Wait>> {
    // In this order where both are known at one instant: whoever has no consent is due and is closed.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Now {
        Due(Timestamp),
        Leaves,
    }
    let mut all: Vec<(usize, Timestamp, Now)> = Vec::new();
    all.extend(journal.dues.iter().map(|due| (due.person, due.known_at, Now::Due(due.from))));
    all.extend(journal.dials.iter().map(|dial| (dial.person, dial.at, Now::Leaves)));
    all.extend(journal.closed.iter().map(|closed| (closed.person, closed.at, Now::Leaves)));
    all.sort_unstable();
    let mut waits = vec![Vec::new(); journal.terms.campaigns.len()];
    for (place, (person, _, now)) in all.iter().enumerate() {
        let Now::Due(from) = *now else { continue };
        let next = all.get(place + 1).filter(|(of, _, _)| of == person);
        let until = next.map_or(journal.terms.until, |(_, at, _)| *at);
        waits[journal.terms.people[*person].campaign].push(Wait { person: *person, from, until });
    }
    waits
}

/// Whether half of the callers of a campaign have room, over trunks that work, and so have its own lines.
fn has_room(journal: &Journal, (shown, its): (&Shown, &[&Dial]), (campaign, at): (usize, Timestamp)) -> bool {
    let terms = &journal.terms;
    let set = &terms.campaigns[campaign];
    let is_free = |caller: &&usize| {
        let known = &terms.callers[**caller];
        let is_away = |(from, until): &(Timestamp, Timestamp)| *from <= at && at < *until + TRIED_AGAIN;
        let within = |time| shown.within(**caller, (at - time - CLAIMED, at));
        !terms.trunks[known.trunk].outages.iter().any(is_away)
            && within(HOUR) < set.per_hour
            && within(DAY) < most_of_a_day(set, known, at)
    };
    let free = set.pool.iter().filter(is_free).count();
    // Nobody talks for longer than two hours.
    let begun = its.partition_point(|dial| dial.at + SignedDuration::from_hours(2) < at);
    let running = its[begun..].iter().take_while(|dial| dial.at <= at).filter(|dial| at < dial.until());
    2 * free > set.pool.len() && running.count() < set.max_lines
}

/// Whether it is the hour, they agreed as far as they have to, are to be called still, and are not on the list.
fn may_be_called(journal: &Journal, person: usize, at: Timestamp) -> bool {
    let known = &journal.terms.people[person];
    let is_open = |number: &String| {
        let is_listed = journal.listed.iter().any(|(listed, since)| listed == number && *since <= at);
        law::is_open(journal, person, (number, at)) && !is_listed
    };
    let consents = known.consent.is_some_and(|consent| consent.until.is_none_or(|until| at < until));
    known.expires_at.is_none_or(|expires| at < expires)
        && (consents || !journal.terms.campaigns[known.campaign].needs_consent)
        && known.numbers.iter().all(is_open)
}
