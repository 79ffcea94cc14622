//! Makes the jobs that come by the calendar, for each tenant: the report of each day, the statement of each month, the daily retention.
//! Their ids are fixed by tenant and day, so that any number of bridges may make them, again and again: each is there once. Those of the
//! days before are made too, for a deployment that was down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Map;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::runner::Runner;
use crate::analytics::report;
use crate::billing::period::{Period, day_of};
use crate::billing::statement;
use crate::custody::retention;
use crate::error::with_source;
use crate::store::digests::CallDigest;
use crate::store::engine::MAX_PAGE;
use crate::store::jobs::{Job, Queue};
use crate::store::tenants::Tenant;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Pause between two looks at the calendar.
const PAUSE: Duration = Duration::from_secs(60);
/// So long after a day or month is over its last calls may still be counted.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Days whose reports are made afterwards. Jobs that were done are remembered for as long (`jobs/runner.rs`).
const CAUGHT_UP_DAYS: i64 = 5;

/// What a tenant's calendar says now: the last whole day, the last whole month, and today.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    day: Date,
    period: Period,
    /// Set when the tenant has things deleted for their age.
    retention: Option<Date>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Timetable {
    stores: Stores,
    clock: Clock,
    runner: Runner,
    made: Arc<Mutex<HashMap<TenantId, Due>>>,
}

impl Timetable {
    pub fn new(stores: Stores, clock: Clock, runner: Runner) -> Self {
        Self { stores, clock, runner, made: Arc::default() }
    }

    /// Look at the calendar until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(error = with_source(&error), "jobs of the calendar could not be made");
            }
            if stop.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }

    /// Look once at all tenants.
    pub async fn round(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                if let Err(error) = self.of_tenant(&id, &tenant).await {
                    tracing::error!(tenant.id = %id, error = with_source(&error), "a tenant's jobs could not be made");
                }
            }
            after = page.last;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn of_tenant(&self, id: &TenantId, tenant: &Stored<Tenant>) -> Result<(), StoreError> {
        let due = self.due(id).await?;
        if self.made.lock().unwrap_or_else(PoisonError::into_inner).get(id) == Some(&due) {
            return Ok(());
        }
        let mut jobs = jobs(id, tenant, &due, Stamp(self.clock.now()));
        let is_counted = is_counted(&self.stores, id, (due.day, self.clock.now())).await?;
        if !is_counted {
            jobs.retain(|(_, job)| job.kind != report::KIND);
        }
        self.stores.all_jobs().insert_jobs(jobs).await?;
        self.runner.ring();
        if !is_counted {
            // The next look makes the reports.
            return Ok(());
        }
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), due);
        Ok(())
    }

    async fn due(&self, tenant: &TenantId) -> Result<Due, StoreError> {
        let now = self.clock.now();
        let settled = settled(now);
        let zone = self.stores.settings().time_zone(tenant).await?;
        let retention = self.stores.settings().retention(tenant).await?;
        let today = zone.to_datetime(settled).date();
        Ok(Due {
            day: today.yesterday().unwrap_or(today),
            period: Period::of(settled).before(),
            retention: retention.is_some().then(|| day_of(now)),
        })
    }
}

/// Days that ended before are over, and their last calls counted.
fn settled(now: Timestamp) -> Timestamp {
    now.saturating_sub(MARGIN).unwrap_or(now)
}

/// Whether the calls of a tenant's day, which is over, are in its sums: a report stays as it is made. After an upgrade, and after a time
/// in which no bridge ran, they come in late. Those of a tenant that cannot be counted at all are not waited for.
async fn is_counted(
    stores: &Stores,
    tenant: &TenantId,
    (day, now): (Date, Timestamp),
) -> Result<bool, StoreError> {
    if stores.all_calls().is_digesting(Stamp(settled(now))).await? {
        return Ok(false);
    }
    let due = stores.all_digests().list_due(Stamp(now), MAX_PAGE).await?;
    let day = day.to_string();
    let of_day = |digest: &CallDigest| {
        let facts = [&digest.fact, &digest.counted];
        digest.tenant_id == *tenant && facts.into_iter().flatten().any(|fact| fact.day <= day)
    };
    Ok(due.len() < MAX_PAGE && !due.iter().any(|digest| of_day(&digest.value)))
}

/// The jobs that are due; of days and months before the tenant there are none.
fn jobs(id: &TenantId, tenant: &Stored<Tenant>, due: &Due, now: Stamp) -> Vec<(String, Job)> {
    let job = |kind: &str, name: &str, value: String| {
        let arguments = Map::from_iter([(name.to_owned(), value.clone().into())]);
        let unique = Job::id_of(&format!("{id}:{kind}.{value}")).to_string();
        (unique, Job::new(id.clone(), (Queue::Reports, kind), arguments, now))
    };
    let began = tenant.value.created_at.0;
    let days = (0..CAUGHT_UP_DAYS).filter_map(|back| due.day.checked_sub(back.days()).ok());
    let days = days.filter(|day| *day >= day_of(began));
    let mut jobs: Vec<_> = days.map(|day| job(report::KIND, "day", day.to_string())).collect();
    if due.period >= Period::of(began) {
        jobs.push(job(statement::KIND, "period", due.period.to_string()));
    }
    jobs.extend(due.retention.map(|day| job(retention::KIND, "day", day.to_string())));
    jobs
}
