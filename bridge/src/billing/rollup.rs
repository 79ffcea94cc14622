//! Brings what the ledger adds up to into the quota of each tenant: day by day, and the days into the month. Sums are made anew each
//! time and only ever replaced by those of more entries, so that any bridge may do it at any moment, and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::limits::{Limits, Resource, Used};
use super::period::{Period, day_of};
use crate::store::events::Event;
use crate::store::ledger::{Amounts, Days, GroupBy, Sum};
use crate::store::tenants::Tenant;
use crate::store::usage_days::UsageDay;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// All days of this month and the one before are added up anew after this long: for calls whose results came very late.
const WHOLE_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// For so long after an entry came others may come that are older by their time: those of another bridge, or of a slow store.
const SETTLING: SignedDuration = SignedDuration::from_secs(60);
/// The name of the event.
const WARNING: &str = "quota.warning";
/// Hundredths of a limit at which it is told.
const LEVELS: [i64; 2] = [80, 100];

/// Adds up. Cheap to clone.
#[derive(Clone)]
pub struct RollUp {
    stores: Stores,
    clock: Clock,
    seen: Arc<Mutex<HashMap<TenantId, Seen>>>,
}

/// How far a tenant was looked at by this process.
#[derive(Clone, Copy)]
struct Seen {
    /// When the last entry came that was seen.
    last: Option<Stamp>,
    /// The same when all days were added up, and when that was.
    whole: Option<Stamp>,
    whole_at: Timestamp,
}

impl RollUp {
    pub fn new(stores: Stores, clock: Clock) -> Self {
        Self { stores, clock, seen: Arc::default() }
    }

    /// Look at all tenants. One whose sums cannot be made keeps no other from its turn.
    pub async fn round(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                if let Err(error) = self.of_tenant(&id, &tenant).await {
                    tracing::error!(tenant.id = %id, %error, "what a tenant used could not be added up");
                }
            }
            after = page.last;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn of_tenant(&self, id: &TenantId, tenant: &Stored<Tenant>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied();
        // Before the sums: what comes in between is looked at again.
        let last = self.stores.ledger(id).last_recorded().await?;
        let (present, before) = (Period::of(now), Period::of(now).before());
        let is_whole =
            known.is_none_or(|seen| seen.whole != last && now.duration_since(seen.whole_at) >= WHOLE_EVERY);
        let seen = if is_whole {
            self.keep_days(id, (&before.bounds().0, &present.bounds().1)).await?;
            self.keep_period(id, tenant, before).await?;
            Seen { last, whole: last, whole_at: now }
        } else if let Some(seen) = known.filter(|seen| seen.last != last || is_settling(last, now)) {
            let day = SignedDuration::from_hours(24);
            let (yesterday, tomorrow) =
                (now.saturating_sub(day).unwrap_or(now), now.saturating_add(day).unwrap_or(now));
            let days = (day_of(yesterday).to_string(), day_of(tomorrow).to_string());
            self.keep_days(id, (&days.0, &days.1)).await?;
            if Period::of(yesterday) != present {
                self.keep_period(id, tenant, before).await?;
            }
            Seen { last, ..seen }
        } else {
            return Ok(());
        };
        self.keep_period(id, tenant, present).await?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), seen);
        Ok(())
    }

    /// Add up some days.
    async fn keep_days(&self, id: &TenantId, days: Days<'_>) -> Result<(), StoreError> {
        let kept = self.stores.usage_days(id);
        for (day, sum) in self.stores.ledger(id).sums(days, GroupBy::Day).await?.0 {
            let Sum { amounts, entries: counted } = sum;
            kept.keep(UsageDay { tenant_id: id.clone(), day, counted, amounts }).await?;
        }
        Ok(())
    }

    /// From all days of a period the period.
    async fn keep_period(
        &self,
        id: &TenantId,
        tenant: &Stored<Tenant>,
        period: Period,
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
        let Some(allowance) = &tenant.value.allowance else { return Ok(()) };
        let used = quotas.find_quota(period).await?.map_or_else(Used::default, |quota| quota.used());
        self.warn(id, period, &used, &allowance.limits).await
    }

    /// Tell once in a period that a limit is nearly or wholly used. Entries have fixed ids, so a repeat changes nothing.
    async fn warn(
        &self,
        tenant: &TenantId,
        period: Period,
        used: &Used,
        limits: &Limits,
    ) -> Result<(), StoreError> {
        let now = Stamp(self.clock.now());
        let mut events = Vec::new();
        for resource in Resource::ALL {
            let Some(limit) = limits.of(resource).filter(|limit| *limit > 0) else { continue };
            for level in LEVELS {
                if i128::from(used.of(resource)) * 100 < i128::from(limit) * i128::from(level) {
                    continue;
                }
                let data = json!({
                    "tenant_id": tenant, "resource": resource, "level": level, "used": used.of(resource),
                    "limit": limit, "period": period.to_string(), "resets_at": period.ends().to_string(),
                });
                let data = if let Value::Object(data) = data { data } else { Map::new() };
                let id = Event::id_of(&format!("{tenant}:{WARNING}.{period}.{}.{level}", resource.as_str()));
                let (tenant_id, event) = (tenant.clone(), WARNING.to_owned());
                events.push((
                    id.to_string(),
                    Event {
                        tenant_id,
                        event,
                        at: now,
                        recorded_at: now,
                        session_id: None,
                        bot_id: None,
                        data,
                        seq: None,
                        follows: None,
                        fresh_since: Some(now),
                        traceparent: None,
                    },
                ));
            }
        }
        self.stores.all_events().insert_events(events).await
    }
}

fn is_settling(last: Option<Stamp>, now: Timestamp) -> bool {
    last.is_some_and(|last| now.duration_since(last.0) < SETTLING)
}
