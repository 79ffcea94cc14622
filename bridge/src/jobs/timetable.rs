//! Makes the jobs that come by the calendar, for each tenant: the report of each day, the statement of each month, the daily retention.
//! Their ids are fixed by tenant and day, so that any number of bridges may make them, again and again: each is there once. Those of the
//! days before are made too, for a deployment that was down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Map;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::runner::Runner;
use super::uncounted::{Uncounted, settled};
use crate::analytics::report;
use crate::billing::period::{Period, day_of};
use crate::billing::statement;
use crate::custody::retention;
use crate::error::with_source;
use crate::store::jobs::{Job, Queue};
use crate::store::tenants::{Tenant, TenantStatus};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Pause between two looks at the calendar.
const PAUSE: Duration = Duration::from_secs(60);
/// Days whose reports are made afterwards. Jobs that were done are remembered for as long (`jobs/runner.rs`).
const CAUGHT_UP_DAYS: i64 = 5;

/// What a tenant's calendar says now: the last whole day, the last whole month, and today.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    day: Date,
    period: Period,
    /// Set when the tenant has things deleted for their age.
    retention: Option<Date>,
    /// A deleted tenant gets no reports and statements; what is too old is deleted all the same until it is removed.
    is_deleted: bool,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Timetable {
    stores: Stores,
    clock: Clock,
    runner: Runner,
    /// What was made last, and whether the reports were: they wait until the calls of their day are counted.
    made: Arc<Mutex<HashMap<TenantId, (Due, bool)>>>,
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
        let (mut uncounted, mut after) = (None, None);
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.into_iter().filter(|tenant| !tenant.value.is_going) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                if let Err(error) = self.of_tenant(&id, &tenant, &mut uncounted).await {
                    tracing::error!(tenant.id = %id, error = with_source(&error), "a tenant's jobs could not be made");
                }
            }
            after = page.last;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// `uncounted` is looked at once in a round, and only if somebody needs it.
    async fn of_tenant(
        &self,
        id: &TenantId,
        tenant: &Stored<Tenant>,
        uncounted: &mut Option<Uncounted>,
    ) -> Result<(), StoreError> {
        let due = self.due(id, &tenant.value).await?;
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let (is_made, has_reports) =
            made.filter(|made| made.0 == due).map_or((false, false), |(_, reports)| (true, reports));
        if has_reports {
            return Ok(());
        }
        let known = match uncounted {
            Some(known) => known,
            None => uncounted.insert(Uncounted::look(&self.stores, self.clock.now()).await?),
        };
        let is_counted = due.is_deleted || known.holds_nothing_of(id, due.day);
        let mut jobs = jobs(id, tenant, &due, Stamp(self.clock.now()));
        jobs.retain(|(_, job)| if job.kind == report::KIND { is_counted } else { !is_made });
        if !jobs.is_empty() {
            self.stores.all_jobs().insert_jobs(jobs).await?;
            self.runner.ring();
        }
        // While they are not counted the next look makes the reports.
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), (due, is_counted));
        Ok(())
    }

    async fn due(&self, id: &TenantId, tenant: &Tenant) -> Result<Due, StoreError> {
        let now = self.clock.now();
        let settled = settled(now);
        let zone = self.stores.settings().time_zone(id).await?;
        let retention = self.stores.settings().retention(id).await?;
        let today = zone.to_datetime(settled).date();
        Ok(Due {
            day: today.yesterday().unwrap_or(today),
            period: Period::of(settled).before(),
            retention: retention.is_some().then(|| day_of(now)),
            is_deleted: tenant.status == TenantStatus::Deleted,
        })
    }
}

/// The jobs that are due; of days and months before the tenant there are none.
fn jobs(id: &TenantId, tenant: &Stored<Tenant>, due: &Due, now: Stamp) -> Vec<(String, Job)> {
    let job = |kind: &str, name: &str, value: String| {
        let arguments = Map::from_iter([(name.to_owned(), value.clone().into())]);
        let unique = Job::id_of(&format!("{id}:{kind}.{value}")).to_string();
        (unique, Job::new(id.clone(), (Queue::Reports, kind), arguments, now))
    };
    let retention = due.retention.map(|day| job(retention::KIND, "day", day.to_string()));
    if due.is_deleted {
        return retention.into_iter().collect();
    }
    let began = tenant.value.created_at.0;
    let days = (0..CAUGHT_UP_DAYS).filter_map(|back| due.day.checked_sub(back.days()).ok());
    let days = days.filter(|day| *day >= day_of(began));
    let mut jobs: Vec<_> = days.map(|day| job(report::KIND, "day", day.to_string())).collect();
    if due.period >= Period::of(began) {
        jobs.push(job(statement::KIND, "period", due.period.to_string()));
    }
    jobs.extend(retention);
    jobs
}
