//! What a tenant used day by day, without reading all of a large ledger: days whose sums are known are taken as they are, and only those
//! that have entries since are added up.

use super::period::Period;
use super::rollup::SETTLING;
use crate::store::ledger::{Sum, Sums};
use crate::store::usage_days::UsageDay;
use crate::store::{Stamp, StoreError, Stores};
use vox_shared::ids::TenantId;

/// The days of a month; straight from the ledger where its sums are not known yet. As new as the ledger in both cases.
pub async fn days_of(
    stores: &Stores,
    tenant: &TenantId,
    (period, present): (Period, Period),
) -> Result<Option<Sums>, StoreError> {
    let mut added_up: Option<Stamp> = None;
    for noted_in in [present, present.before()] {
        let quota = stores.quotas(tenant).find_quota(noted_in).await?;
        added_up = added_up.or(quota.and_then(|quota| quota.added_up));
    }
    // Nothing was added up yet: there is little, or the first sums are being made.
    let Some(added_up) = added_up else { return Ok(None) };
    let (first, next) = period.bounds();
    let known = stores.usage_days(tenant).list_days((&first, &next)).await?;
    let mut sums = Sums(known.into_iter().map(sum_of).collect());
    let ledger = stores.ledger(tenant);
    for day in ledger.days_since(added_up + -SETTLING).await? {
        if (first.as_str()..next.as_str()).contains(&day.as_str()) {
            let sum = ledger.sum_of_day(&day).await?;
            sums.0.insert(day, sum);
        }
    }
    Ok(Some(sums))
}

fn sum_of(day: UsageDay) -> (String, Sum) {
    (day.day, Sum { amounts: day.amounts, entries: day.counted })
}
