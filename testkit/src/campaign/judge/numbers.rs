//! What a number has to bear, whichever campaigns ring it: one call at once, so many a day, with time between them, and none where it said
//! no.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use super::law::place_of;
use super::{CLAIMED, Finding};
use crate::campaign::journal::{Campaign, Dial, Journal};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So long a number is left alone after these results.
const LEFT_ALONE: [(&str, SignedDuration); 2] =
    [("declined", DAY), ("abandoned", SignedDuration::from_hours(72))];
/// And after these for good.
const OF_NO_USE: [&str; 4] = ["invalid_number", "unwanted", "blocked_dest", "fax"];

pub(super) fn judge(journal: &Journal) -> [Finding; 4] {
    let mut at_once = Finding::of("no number rings twice at once");
    let mut a_day =
        Finding::of("no number rings more often in 24 hours than its campaign and its place allow");
    let mut apart = Finding::of("two rings of a number are apart, but for busy ones and promised calls");
    let mut alone = Finding::of("no number rings that declined, was left in silence, or is of no use");
    let promised = promised(journal);
    for dials in by_number(&journal.dials).values() {
        for (place, dial) in dials.iter().enumerate() {
            let (before, campaign) = (&dials[..place], campaign_of(journal, dial));
            at_once.see(before.iter().all(|one| one.until() <= dial.at), || dial.told());
            let rings = || before.iter().filter(|one| one.rang());
            let most = place_of(&dial.number).and_then(|place| place.number_day);
            let most = most.map_or(campaign.number_day, |most| most.min(campaign.number_day));
            let lately = rings().filter(|one| one.at + DAY - CLAIMED > dial.at).count();
            a_day.see(lately < most, || format!("{}: {lately} before", dial.told()));
            let gap = SignedDuration::from_mins(campaign.number_gap_min) - CLAIMED;
            let is_near = rings().filter(|one| one.result() != "busy").any(|one| one.at + gap > dial.at);
            apart.see(!is_near || promised.contains(&(dial.person, dial.att)), || dial.told());
            let bars = |one: &&Dial| {
                let bars = |(result, time): &(&str, SignedDuration)| {
                    one.result() == *result && one.until() + *time > dial.at
                };
                LEFT_ALONE.iter().any(bars) || OF_NO_USE.contains(&one.result())
            };
            alone.see(!before.iter().any(bars), || dial.told());
        }
    }
    [at_once, a_day, apart, alone]
}

pub(super) fn campaign_of<'a>(journal: &'a Journal, dial: &Dial) -> &'a Campaign {
    &journal.terms.campaigns[journal.terms.people[dial.person].campaign]
}

/// All dials of each number, in order.
pub(super) fn by_number(dials: &[Dial]) -> HashMap<&str, Vec<&Dial>> {
    let mut numbers: HashMap<&str, Vec<&Dial>> = HashMap::new();
    for dial in dials {
        numbers.entry(dial.number.as_str()).or_default().push(dial);
    }
    numbers.values_mut().for_each(|dials| dials.sort_by_key(|dial| dial.at));
    numbers
}

/// Attempts that follow a wish to be called back, as far as nothing else has rung since.
fn promised(journal: &Journal) -> HashSet<(usize, u32)> {
    let (mut wished, mut promised) = (HashSet::new(), HashSet::new());
    for dial in super::sorted_by(&journal.dials, |dial| dial.person) {
        if wished.contains(&dial.person) {
            promised.insert((dial.person, dial.att));
        }
        if dial.result() == "callback" {
            wished.insert(dial.person);
        } else if dial.rang() {
            wished.remove(&dial.person);
        }
    }
    promised
}
