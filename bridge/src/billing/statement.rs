//! Closing a month: what the ledger adds up to is written down, and stays so. Results that come later are in the ledger and not in the
//! statement, until somebody makes it again.

use std::collections::BTreeMap;

use serde_json::Value;
use vox_shared::ids::TenantId;

use super::period::Period;
use crate::jobs::runner::Failure;
use crate::jobs::upkeep::Upkeep;
use crate::store::jobs::Job;
use crate::store::ledger::{Amounts, GroupBy, Sums};
use crate::store::statements::Statement;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// The kind of job.
pub const KIND: &str = "sync_billing";
/// Tries against others that make the same statement.
const MAX_TRIES: usize = 4;

/// Close the month that a job names, unless it is closed.
pub async fn carry_out(with: Upkeep, job: Stored<Job>) -> Result<(), Failure> {
    let named = job.value.arguments.get("period").and_then(Value::as_str);
    let period = named.and_then(|period| period.parse::<Period>().ok());
    let period = period.ok_or_else(|| Failure::ForGood("the job names no month".into()))?;
    let tenant = job.value.tenant_id;
    if with.stores.statements(&tenant).find_last(&period.to_string()).await?.is_none() {
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
    let (first, next) = period.bounds();
    let ledger = stores.ledger(tenant);
    for _ in 0..MAX_TRIES {
        let last = stores.statements(tenant).find_last(&period.to_string()).await?.map(|last| last.value);
        let days = ledger.sums((&first, &next), GroupBy::Day).await?;
        let statement = Statement {
            tenant_id: tenant.clone(),
            period: period.to_string(),
            revision: last.as_ref().map_or(1, |last| last.revision + 1),
            made_at: now,
            entries: days.0.values().map(|sum| sum.entries).sum(),
            total: days.total(),
            days: amounts(days),
            bots: amounts(ledger.sums((&first, &next), GroupBy::Bot).await?),
            vendors: amounts(ledger.sums((&first, &next), GroupBy::Vendor).await?),
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

fn amounts(sums: Sums) -> BTreeMap<String, Amounts> {
    sums.0.into_iter().map(|(key, sum)| (key, sum.amounts)).collect()
}

fn says_the_same(last: &Statement, new: &Statement) -> bool {
    let same = Statement { revision: last.revision, made_at: last.made_at, ..new.clone() };
    *last == same
}
