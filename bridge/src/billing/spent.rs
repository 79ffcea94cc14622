//! What a tenant used, without reading all of a large ledger: days whose sums are known are taken as they are, and only those that have
//! entries since are added up. Which have is told by the time at which entries came, and for the latest days by their number: time is
//! that of the bridge that moved the entry, and its clock may be behind.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use vox_shared::ids::TenantId;

use super::period::Period;
use super::rollup::SETTLING;
use crate::store::ledger::{Amounts, Days, GroupBy};
use crate::store::usage_days::UsageDay;
use crate::store::{Reach, Stamp, StoreError, Stores};

/// With more days of a month than these that do not tell bots or vendors apart its ledger is read in one pass, as before there were parts:
/// that one has a deadline, and a pass for each day has as many.
const MAX_UNTOLD: usize = 3;
/// Days whose entries are counted: calls that end now began on one of the two latest, and others' late corrections alone go by the clocks.
const COUNTED_DAYS: usize = 2;

/// Amounts by day, bot or vendor.
type Spent = BTreeMap<String, Amounts>;

/// What was used of a month within reach, as new as the ledger. `None` where the sums of its days do not say it, and the ledger is to be
/// asked for all of it: before anything was added up, for a month from before days had parts, and for the vendors of some bots only.
pub async fn spent(
    stores: &Stores,
    reach: &Reach,
    (period, present): (Period, Period),
    by: GroupBy,
) -> Result<Option<Spent>, StoreError> {
    let tenant = reach.tenant();
    if by == GroupBy::Vendor && reach.bots().is_some() {
        return Ok(None);
    }
    let mut added_up: Option<Stamp> = None;
    for noted_in in [present, present.before()] {
        let quota = stores.quotas(tenant).find_quota(noted_in).await?;
        added_up = added_up.or(quota.and_then(|quota| quota.added_up));
    }
    // Nothing was added up yet: there is little, or the first sums are being made.
    let Some(added_up) = added_up else { return Ok(None) };
    let (first, next) = period.bounds();
    let days = stores.usage_days(tenant);
    let known = match (by, reach.bots()) {
        (GroupBy::Day, None) => days.list_days((&first, &next)).await?,
        _ => days.list_whole_days((&first, &next)).await?,
    };
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut of_days: BTreeMap<String, Spent> = BTreeMap::new();
    let mut counted: BTreeMap<String, i64> = BTreeMap::new();
    for day in known {
        counted.insert(day.day.clone(), day.counted);
        match of_day(&day, reach, by) {
            Some(spent) => drop(of_days.insert(day.day, spent)),
            None => drop(open.insert(day.day)),
        }
    }
    if open.len() > MAX_UNTOLD {
        return Ok(None);
    }
    let since = stores.ledger(tenant).days_since(added_up + -SETTLING).await?;
    open.extend(grown(stores, tenant, (&first, &next), &counted).await?);
    open.extend(since.into_iter().filter(|day| (first.as_str()..next.as_str()).contains(&day.as_str())));
    for day in open {
        let Some(after) = day.parse::<Date>().ok().and_then(|day| day.tomorrow().ok()) else { continue };
        let sums = stores.ledger(reach).sums((&day, &after.to_string()), by).await?;
        of_days.insert(day, sums.amounts());
    }
    Ok(Some(together(of_days)))
}

/// The latest of these days that have more entries than their sums were made of.
async fn grown(
    stores: &Stores,
    tenant: &TenantId,
    (first, next): Days<'_>,
    counted: &BTreeMap<String, i64>,
) -> Result<Vec<String>, StoreError> {
    let (ledger, mut grown, mut next) = (stores.ledger(tenant), Vec::new(), next.to_owned());
    for _ in 0..COUNTED_DAYS {
        let Some(day) = ledger.last_day_within((first, &next)).await? else { break };
        let known = counted.get(&day).and_then(|counted| u64::try_from(*counted).ok()).unwrap_or_default();
        if ledger.count_of_day(&day).await? > known {
            grown.push(day.clone());
        }
        next = day;
    }
    Ok(grown)
}

/// A day as it was added up; `None` when it does not tell bots or vendors apart.
fn of_day(day: &UsageDay, reach: &Reach, by: GroupBy) -> Option<Spent> {
    let of_bots = || {
        let bots = &day.parts()?.bots;
        let own = bots.iter().filter(|(bot, _)| reach.includes(bot));
        Some(own.map(|(bot, amounts)| (bot.clone(), *amounts)).collect::<Spent>())
    };
    match (by, reach.bots()) {
        (GroupBy::Day, None) => Some(Spent::from([(day.day.clone(), day.amounts)])),
        (GroupBy::Day, Some(_)) => {
            let total = of_bots()?.into_values().reduce(Amounts::plus);
            Some(total.into_iter().map(|total| (day.day.clone(), total)).collect())
        }
        (GroupBy::Bot, _) => of_bots(),
        (GroupBy::Vendor, _) => Some(day.parts()?.vendors.clone()),
    }
}

fn together(of_days: BTreeMap<String, Spent>) -> Spent {
    let mut all = Spent::new();
    for (key, amounts) in of_days.into_values().flatten() {
        let sum = all.entry(key).or_default();
        *sum = sum.plus(amounts);
    }
    all
}
