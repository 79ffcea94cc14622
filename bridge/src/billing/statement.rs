//! Closing a month: what the ledger adds up to is written down, and stays so. Results that come later are in the ledger and not in the
//! statement, until somebody makes it again.

use jiff::civil::Date;
use serde_json::Value;
use vox_shared::ids::TenantId;

use super::period::Period;
use crate::jobs::runner::Failure;
use crate::jobs::upkeep::Upkeep;
use crate::store::jobs::Job;
use crate::store::ledger::{GroupBy, Ledger, Sum, Sums};
use crate::store::statements::Statement;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// The kind of job.
pub const KIND: &str = "sync_billing";
/// Tries against others that make the same statement.
const MAX_TRIES: usize = 4;
/// Tries to add a day up between two entries that come.
const MAX_ROUNDS: usize = 8;

/// Close the month that a job names, unless it is closed.
pub async fn carry_out(with: Upkeep, job: Stored<Job>) -> Result<(), Failure> {
    let named = job.value.arguments.get("period").and_then(Value::as_str);
    let period = named.and_then(|period| period.parse::<Period>().ok());
    let period = period.ok_or_else(|| Failure::ForGood("the job names no month".into()))?;
    let tenant = job.value.tenant_id;
    let is_there = with.has_tenant(&tenant).await?;
    if is_there && with.stores.statements(&tenant).find_last(&period.to_string()).await?.is_none() {
        make(&with.stores, &tenant, period, Stamp(with.clock.now())).await?;
    }
    Ok(())
}

/// Add the month up anew. What differs from the last revision becomes the next one; answers the last one then.
pub async fn make(
    stores: &Stores,
    tenant: &TenantId,
    period: Period,
    now: Stamp,
) -> Result<Statement, StoreError> {
    for _ in 0..MAX_TRIES {
        let last = stores.statements(tenant).find_last(&period.to_string()).await?.map(|last| last.value);
        let month = add_up(&stores.ledger(tenant), period).await?;
        let statement = Statement {
            tenant_id: tenant.clone(),
            period: period.to_string(),
            revision: last.as_ref().map_or(1, |last| last.revision + 1),
            made_at: now,
            entries: month.days.entries(),
            total: month.days.total(),
            days: month.days.amounts(),
            bots: month.bots.amounts(),
            vendors: month.vendors.amounts(),
        };
        if let Some(last) = last.filter(|last| says_the_same(last, &statement)) {
            return Ok(last);
        }
        match stores.statements(tenant).insert(&statement).await {
            Err(StoreError::Duplicate) => {}
            done => return done.map(|()| statement),
        }
    }
    Err(StoreError::Conflict)
}

/// A month by day, bot and vendor, all of the same entries.
#[derive(Default)]
struct Month {
    days: Sums,
    bots: Sums,
    vendors: Sums,
}

/// Day by day: no pass takes longer than one over a day's entries.
async fn add_up(ledger: &Ledger, period: Period) -> Result<Month, StoreError> {
    let mut month = Month::default();
    for day in period.days() {
        let (bots, vendors) = of_day(ledger, day).await?;
        let (amounts, entries) = (bots.total(), bots.entries());
        if entries > 0 {
            month.days.0.insert(day.to_string(), Sum { amounts, entries });
        }
        month.bots.add(bots);
        month.vendors.add(vendors);
    }
    Ok(month)
}

/// Both sums of the same entries: calls of that day may still end while it is added up.
async fn of_day(ledger: &Ledger, day: Date) -> Result<(Sums, Sums), StoreError> {
    let (first, next) = (day.to_string(), day.tomorrow().unwrap_or(day).to_string());
    for _ in 0..MAX_ROUNDS {
        let bots = ledger.sums((&first, &next), GroupBy::Bot).await?;
        let vendors = ledger.sums((&first, &next), GroupBy::Vendor).await?;
        if bots.entries() == vendors.entries() {
            return Ok((bots, vendors));
        }
    }
    Err(StoreError::Conflict)
}

fn says_the_same(last: &Statement, new: &Statement) -> bool {
    let same = Statement { revision: last.revision, made_at: last.made_at, ..new.clone() };
    *last == same
}
