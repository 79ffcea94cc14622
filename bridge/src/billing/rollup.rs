//! Brings what the ledger adds up to into the quota of each tenant: day by day, and the days into the month. A day's sums are made
//! anew when it has new entries, in a pass by bot and one by vendor, and only ever replaced by those of more entries, so that any bridge
//! may do it at any moment, and again. Until when all entries are in the sums is noted in the quota, so that a start begins where the
//! last one ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::period::Period;
use super::warning::warn;
use crate::error::with_source;
use crate::jobs::turns::{Missed, Turns};
use crate::store::ledger::{Amounts, GroupBy};
use crate::store::tenants::Tenant;
use crate::store::usage_days::{MAX_PARTS, Parts, UsageDay};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// All days of this month and the one before are added up anew after this long, if anything came: for entries of a bridge whose clock
/// is behind by more than [`SETTLING`].
const WHOLE_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// For so long after an entry came others may come that are older by their time: those of another bridge, or of a slow store.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(60);
/// A round goes on to the next tenant after this long; the days that are left come next time.
const SHARE: Duration = Duration::from_secs(2);
/// A day that takes this long is added up less often, so that it takes a tenth of the time at most.
const LONG: Duration = Duration::from_secs(1);
const REST: u32 = 10;
/// A day that failed is tried again after this long.
const AGAIN: Duration = Duration::from_secs(60);

/// Adds up. Cheap to clone.
#[derive(Clone)]
pub struct RollUp {
    stores: Stores,
    clock: Clock,
    known: Arc<Mutex<HashMap<TenantId, Progress>>>,
}

/// How far a tenant is, as this process knows.
#[derive(Debug)]
struct Progress {
    /// Entries that came until then are in the sums of their days, or these are left.
    seen: Option<Stamp>,
    /// As it stands in the quota.
    noted: Option<Stamp>,
    /// Days that have entries which are not in their sums.
    left: BTreeSet<Date>,
    /// Days that are let alone until then.
    resting: HashMap<Date, Instant>,
    /// When all days were looked at, and what was seen then.
    whole: (Timestamp, Option<Stamp>),
}

impl RollUp {
    pub fn new(stores: Stores, clock: Clock) -> Self {
        Self { stores, clock, known: Arc::default() }
    }

    /// Look at all tenants. One whose sums cannot be made keeps no other from its turn; it is told when all had theirs.
    pub async fn round(&self) -> Result<(), Missed> {
        let (mut turns, mut after) = (Turns::default(), None);
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            // Nobody would remove what is written of one that is being removed.
            for tenant in page.tenants.into_iter().filter(|tenant| !tenant.value.is_going) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                if let Err(error) = self.of_tenant(&id, &tenant).await {
                    tracing::error!(tenant.id = %id, error = with_source(&error), "what a tenant used could not be added up");
                    turns.failed(error);
                }
            }
            after = page.last;
            if after.is_none() {
                return turns.end();
            }
        }
    }

    /// Another bridge does it now, and knows better how far it is.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn of_tenant(&self, id: &TenantId, tenant: &Stored<Tenant>) -> Result<(), StoreError> {
        let now = self.clock.now();
        // Before the sums: what comes in between is looked at again.
        let Some(last) = self.stores.ledger(id).last_recorded().await? else { return Ok(()) };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let mut progress = match known {
            Some(progress) => progress,
            None => self.begin(id, now, last).await?,
        };
        let outcome = self.carry_on((id, tenant), &mut progress, (now, last)).await;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), progress);
        outcome
    }

    /// From the note on; without one from the first day of the month before.
    async fn begin(&self, id: &TenantId, now: Timestamp, last: Stamp) -> Result<Progress, StoreError> {
        let (quotas, period) = (self.stores.quotas(id), Period::of(now));
        let mut noted = None;
        for period in [period, period.before()] {
            noted = noted.or(quotas.find_quota(period).await?.and_then(|quota| quota.added_up));
        }
        let (resting, left) = (HashMap::new(), BTreeSet::new());
        let progress = Progress { seen: noted, noted, left, resting, whole: (now, noted) };
        match noted {
            Some(_) => Ok(progress),
            None => {
                let left = self.days_of_two_months(id, now).await;
                Ok(Progress { seen: Some(last), left, whole: (now, Some(last)), ..progress })
            }
        }
    }

    /// The days of this month and the one before that have entries. If the store cannot tell in time, all of them.
    async fn days_of_two_months(&self, id: &TenantId, now: Timestamp) -> BTreeSet<Date> {
        let present = Period::of(now);
        let (first, next) = (present.before().bounds().0, present.bounds().1);
        match self.stores.ledger(id).days_within((&first, &next)).await {
            Ok(days) => dates(days),
            Err(error) => {
                tracing::warn!(tenant.id = %id, %error, "all days of two months are added up");
                let (first, next) = (first.parse::<Date>(), next.parse::<Date>());
                let first = first.ok().map(|first| first.series(1.day()));
                let all = first.into_iter().flatten();
                all.take_while(|day| next.as_ref().is_ok_and(|next| day < next)).collect()
            }
        }
    }

    async fn carry_on(
        &self,
        (id, tenant): (&TenantId, &Stored<Tenant>),
        progress: &mut Progress,
        (now, last): (Timestamp, Stamp),
    ) -> Result<(), StoreError> {
        if progress.seen != Some(last) || now.duration_since(last.0) < SETTLING {
            let since = progress.seen.map_or(Stamp(Timestamp::MIN), |seen| seen + -SETTLING);
            progress.left.extend(match self.stores.ledger(id).days_since(since).await {
                Ok(days) => dates(days),
                // More came since than can be looked through at once.
                Err(_) => self.days_of_two_months(id, now).await,
            });
            progress.seen = Some(last);
        }
        let (whole_at, whole) = progress.whole;
        if now.duration_since(whole_at) >= WHOLE_EVERY && whole != Some(last) {
            progress.left.extend(self.days_of_two_months(id, now).await);
            progress.whole = (now, Some(last));
        }
        if progress.left.is_empty() {
            return Ok(());
        }
        let (done, mut failed) = self.add_up(id, progress).await;
        let periods: BTreeSet<Period> = done.iter().copied().map(Period::of_day).collect();
        for period in periods {
            if let Err(error) = self.keep_period(id, tenant, (period, Period::of(now))).await {
                progress.left.extend(done.iter().filter(|day| Period::of_day(**day) == period));
                failed = Some(error);
            }
        }
        if progress.left.is_empty() && progress.noted != progress.seen {
            let quotas = self.stores.quotas(id);
            quotas.begin(Period::of(now)).await?;
            quotas.note_added_up(Period::of(now), last).await?;
            progress.noted = progress.seen;
        }
        failed.map_or(Ok(()), Err)
    }

    /// Add up the days that are left, the newest first, for as long as a tenant may take; answers those that are done. One that
    /// fails keeps no other from its turn.
    async fn add_up(&self, id: &TenantId, progress: &mut Progress) -> (Vec<Date>, Option<StoreError>) {
        let (begun, mut done, mut failed) = (Instant::now(), Vec::new(), None);
        progress.resting.retain(|_, until| *until > begun);
        for day in progress.left.clone().into_iter().rev() {
            if begun.elapsed() >= SHARE {
                break;
            }
            if progress.resting.contains_key(&day) {
                continue;
            }
            let began = Instant::now();
            match self.keep_day(id, day).await {
                Ok(()) => {
                    progress.left.remove(&day);
                    done.push(day);
                    let took = began.elapsed();
                    if took >= LONG {
                        progress.resting.insert(day, Instant::now() + took * REST);
                    }
                }
                Err(error) => {
                    progress.resting.insert(day, Instant::now() + AGAIN);
                    failed = Some(error);
                }
            }
        }
        (done, failed)
    }

    async fn keep_day(&self, id: &TenantId, day: Date) -> Result<(), StoreError> {
        let (ledger, next) = (self.stores.ledger(id), day.tomorrow().unwrap_or(day).to_string());
        let day = day.to_string();
        let bots = ledger.sums((&day, &next), GroupBy::Bot).await?;
        let (amounts, counted) = (bots.total(), bots.entries());
        if counted == 0 {
            return Ok(());
        }
        let vendors = ledger.sums((&day, &next), GroupBy::Vendor).await?;
        let is_few = bots.0.len() <= MAX_PARTS && vendors.0.len() <= MAX_PARTS;
        // Calls may end between the two; a later round finds them both the same.
        let are_parts = is_few && vendors.entries() == counted;
        let parts = are_parts.then(|| Parts { counted, bots: bots.amounts(), vendors: vendors.amounts() });
        let made = UsageDay { tenant_id: id.clone(), day, counted, amounts, parts };
        self.stores.usage_days(id).keep(made).await
    }

    /// From all days of a period the period. Of a month that is over nobody is warned.
    async fn keep_period(
        &self,
        id: &TenantId,
        tenant: &Stored<Tenant>,
        (period, present): (Period, Period),
    ) -> Result<(), StoreError> {
        let (first, next) = period.bounds();
        let days = self.stores.usage_days(id).list_days((&first, &next)).await?;
        if days.is_empty() {
            return Ok(());
        }
        let amounts = days.iter().fold(Amounts::default(), |sum, day| sum.plus(day.amounts));
        let counted = days.iter().fold(0_i64, |sum, day| sum.saturating_add(day.counted));
        let quotas = self.stores.quotas(id);
        quotas.begin(period).await?;
        quotas.bring_over(period, &amounts.used(), counted).await?;
        let Some(allowance) = tenant.value.allowance.as_ref().filter(|_| period == present) else {
            return Ok(());
        };
        let Some(quota) = quotas.find_quota(period).await? else { return Ok(()) };
        warn(&self.stores, (id, period), &quota, &allowance.limits, Stamp(self.clock.now())).await
    }
}

/// What is no day is of no month either.
fn dates(days: Vec<String>) -> BTreeSet<Date> {
    days.into_iter().filter_map(|day| day.parse().ok()).collect()
}
