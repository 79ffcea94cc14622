//! What trunks and callers have to bear: calls at once, calls a second, calls of one caller in an hour and a day; and what people heard: calls
//! that were left in silence.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};

use super::numbers::campaign_of;
use super::{CLAIMED, Finding};
use crate::campaign::journal::{Caller, Campaign, Dial, Journal};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A caller is shown less often on so many first days.
const WARM_UP_DAYS: usize = 5;
/// Of fewer answers a share says nothing.
const LEAST_ANSWERS: usize = 100;
/// Results of calls that people answered.
const BY_PEOPLE: [&str; 6] = ["done", "hangup_early", "callback", "opt_out", "answered", "abandoned"];

pub(super) fn judge(journal: &Journal) -> Vec<Finding> {
    let mut dials: Vec<&Dial> = journal.dials.iter().collect();
    dials.sort_by_key(|dial| dial.at);
    let [an_hour, a_day] = callers(journal, &dials);
    vec![at_once(journal, &dials), pace(journal, &dials), an_hour, a_day, abandoned(journal, &dials)]
}

fn at_once(journal: &Journal, dials: &[&Dial]) -> Finding {
    let terms = &journal.terms;
    let mut finding =
        Finding::of("no more calls at once than the trunk, the campaign and the tenant have lines");
    let mut running: BinaryHeap<Reverse<(Timestamp, usize, usize)>> = BinaryHeap::new();
    let (mut trunks, mut campaigns) = (vec![0; terms.trunks.len()], vec![0; terms.campaigns.len()]);
    for dial in dials {
        while let Some(Reverse((until, trunk, campaign))) = running.peek().copied()
            && until <= dial.at
        {
            running.pop();
            trunks[trunk] -= 1;
            campaigns[campaign] -= 1;
        }
        let (trunk, campaign) = (terms.callers[dial.caller].trunk, terms.people[dial.person].campaign);
        running.push(Reverse((dial.until(), trunk, campaign)));
        trunks[trunk] += 1;
        campaigns[campaign] += 1;
        let holds = trunks[trunk] <= terms.trunks[trunk].lines
            && campaigns[campaign] <= terms.campaigns[campaign].max_lines
            && running.len() <= terms.tenant_lines;
        finding.see(holds, || format!("{}: {} calls at once", dial.told(), running.len()));
    }
    finding
}

fn pace(journal: &Journal, dials: &[&Dial]) -> Finding {
    let terms = &journal.terms;
    let mut finding = Finding::of("no second has more calls of a trunk than it takes");
    for (at, trunk) in terms.trunks.iter().enumerate() {
        let its: Vec<&&Dial> = dials.iter().filter(|dial| terms.callers[dial.caller].trunk == at).collect();
        for (place, dial) in its.iter().enumerate() {
            let too_many = place.checked_sub(trunk.per_second).map(|first| its[first]);
            finding.see(too_many.is_none_or(|first| first.at + SECOND <= dial.at), || dial.told());
        }
    }
    finding
}

fn callers(journal: &Journal, dials: &[&Dial]) -> [Finding; 2] {
    let mut an_hour = Finding::of("no caller is shown more often in an hour than the campaign says");
    let mut a_day =
        Finding::of("no caller is shown more often in a day than the campaign says, less when it is new");
    let shown = Shown::of(journal, dials);
    for dial in dials.iter().filter(|dial| dial.rang()) {
        let (campaign, caller) = (campaign_of(journal, dial), &journal.terms.callers[dial.caller]);
        let [hour, day] =
            [HOUR, DAY].map(|time| shown.within(dial.caller, (dial.at - time + CLAIMED, dial.at)));
        an_hour.see(hour <= campaign.per_hour, || format!("{}: {hour}", dial.told()));
        let most = most_of_a_day(campaign, caller, dial.at);
        a_day.see(day <= most, || format!("{}: {day} of {most}", dial.told()));
    }
    [an_hour, a_day]
}

/// How often a caller may be shown in a day.
pub(super) fn most_of_a_day(campaign: &Campaign, caller: &Caller, at: Timestamp) -> usize {
    let days = usize::try_from(at.duration_since(caller.since).as_hours() / 24 + 1).unwrap_or(1);
    (campaign.per_day * days.min(WARM_UP_DAYS) / WARM_UP_DAYS).max(1)
}

/// When each caller was shown.
pub(super) struct Shown(Vec<Vec<Timestamp>>);

impl Shown {
    /// Of dials in their order.
    pub fn of(journal: &Journal, dials: &[&Dial]) -> Self {
        let mut shown = vec![Vec::new(); journal.terms.callers.len()];
        for dial in dials.iter().filter(|dial| dial.rang()) {
            shown[dial.caller].push(dial.at);
        }
        Self(shown)
    }

    /// How often after the one instant and until the other.
    pub fn within(&self, caller: usize, (after, until): (Timestamp, Timestamp)) -> usize {
        let shown = &self.0[caller];
        let by = |at: Timestamp| shown.partition_point(|one| *one <= at);
        by(until).saturating_sub(by(after))
    }
}

fn abandoned(journal: &Journal, dials: &[&Dial]) -> Finding {
    let terms = &journal.terms;
    let mut finding =
        Finding::of("no more abandoned calls than the campaign may have, at the end of each day");
    let mut counts = vec![(0, 0); terms.campaigns.len()];
    let mut answered: Vec<(Timestamp, usize, bool)> = dials
        .iter()
        .filter(|dial| BY_PEOPLE.contains(&dial.result()))
        .map(|dial| (dial.until(), terms.people[dial.person].campaign, dial.result() == "abandoned"))
        .collect();
    answered.sort_by_key(|(at, _, _)| *at);
    for (place, (at, campaign, is_abandoned)) in answered.iter().enumerate() {
        let (all, lost) = &mut counts[*campaign];
        *all += 1;
        *lost += usize::from(*is_abandoned);
        let day = |at: Timestamp| at.as_second().div_euclid(86_400);
        let ends_day = answered.get(place + 1).is_none_or(|(next, _, _)| day(*next) != day(*at));
        if !ends_day {
            continue;
        }
        for (campaign, (all, lost)) in terms.campaigns.iter().zip(&counts) {
            let share = 100.0 * *lost as f64 / (*all).max(1) as f64;
            let holds = if campaign.abandon_percent > 0.0 {
                *all < LEAST_ANSWERS || share <= campaign.abandon_percent
            } else {
                *lost == 0
            };
            finding.see(holds, || format!("{}: {lost} of {all} until {at}", campaign.name));
        }
    }
    finding
}
