//! Looks again and again how vendors stand to their targets, and tells tenants when that changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;
use vox_shared::wire::answers::Service;
use vox_shared::wire::fleet::VendorStanding;

use super::measured::{All, Measured, Shown, of_accounts};
use super::{Change, Target, advance};
use crate::error::with_source;
use crate::jobs::turns::{Missed, Turns};
use crate::metrics::Metrics;
use crate::store::events::Event;
use crate::store::latencies::{Latencies, TargetState};
use crate::store::tenants::TenantStatus;
use crate::store::{Stamp, StoreError, Stores};
use crate::vendors::checks::Checks;

/// The names of the events.
pub const TARGET_MISSED: &str = "vendor.target_missed";
pub const TARGET_MET: &str = "vendor.target_met";

/// Vendors by service and name, and whether they miss a target.
type Missing = BTreeMap<(Service, String), bool>;

/// Looks. Cheap to clone.
#[derive(Clone)]
pub struct Targets {
    pub stores: Stores,
    pub clock: Clock,
    pub checks: Checks,
    pub metrics: Arc<Metrics>,
}

impl Targets {
    /// What the live workers say of vendors.
    pub async fn standings(&self) -> Result<Vec<VendorStanding>, StoreError> {
        let live = self.stores.workers().list_live(Stamp(self.clock.now())).await?;
        Ok(live.into_iter().flat_map(|worker| worker.report.vendors).collect())
    }

    /// What was measured of a tenant's vendors; nothing while this bridge has not looked which those are.
    pub fn measured(&self, tenant: &TenantId, standings: &[VendorStanding]) -> All {
        let accounts = self.checks.accounts_of(tenant);
        accounts.map(|accounts| of_accounts(&accounts, standings.iter())).unwrap_or_default()
    }

    /// All tenants. One that fails keeps no other from its turn. Several bridges may: they find the same, and one of them writes it.
    pub async fn round(&self) -> Result<(), Missed> {
        let standings = self.standings().await?;
        let (mut turns, mut after, mut shown) = (Turns::default(), None, Missing::new());
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.iter().filter(|tenant| tenant.value.status == TenantStatus::Active) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                match self.look(&id, &standings).await {
                    Ok(missing) => {
                        for (of, missed) in missing {
                            *shown.entry(of).or_insert(false) |= missed;
                        }
                    }
                    Err(error) => {
                        let text = with_source(&error);
                        tracing::warn!(tenant.id = %id, error = text, "a tenant's vendors could not be held to their targets");
                        turns.failed(error);
                    }
                }
            }
            after = page.last;
            if after.is_none() {
                break;
            }
        }
        self.metrics.vendors().show_targets(&shown);
        turns.end()
    }

    /// One tenant; answers which of its vendors miss their targets.
    async fn look(&self, tenant: &TenantId, standings: &[VendorStanding]) -> Result<Missing, StoreError> {
        let store = self.stores.latencies(tenant);
        let Some(known) = store.find().await? else { return Ok(Missing::new()) };
        let Some(accounts) = self.checks.accounts_of(tenant) else {
            // Nobody knows yet which vendors are its own: all stands as it did.
            let states = known.value.targets.into_iter();
            return Ok(states.map(|state| ((state.service, state.provider), state.missed)).collect());
        };
        let measured = of_accounts(&accounts, standings.iter());
        if measured.is_empty() && known.value.targets.is_empty() {
            return Ok(Missing::new());
        }
        let set = self.stores.settings().vendor_targets(tenant).await?;
        let now = Stamp(self.clock.now());
        let (mut states, mut events) = (Vec::new(), Vec::new());
        let mut missing: Missing = measured.keys().map(|of| (of.clone(), false)).collect();
        for ((service, provider), of) in &measured {
            let before = state_of(&known.value, (*service, provider));
            let target = Target::of(*service, provider, &set);
            let verdict = target.judge(of, before.as_ref().is_some_and(|state| state.missed));
            let since = before.as_ref().and_then(|state| state.contrary_since).unwrap_or(now);
            let (after, change) = advance((*service, provider), before, verdict, now);
            if let Some(change) = change {
                let event = event_of(change);
                // Whoever sees the same change tells of it under the same id.
                let what = format!("{tenant}:{event}.{}.{provider}.{since}", service.as_str());
                let data = told((*service, provider), (of, target));
                events.push((Event::id_of(&what).to_string(), Event::of_tenant(tenant, event, data, now)));
                self.metrics.vendors().target_changed(*service, provider, change == Change::Missed);
            }
            if let Some(state) = after {
                missing.insert((*service, provider.clone()), state.missed);
                states.push(state);
            }
        }
        // Of which nothing is heard now, since workers have begun anew: it stands as it did while bots name it.
        for state in &known.value.targets {
            let of = (state.service, state.provider.clone());
            let is_used = accounts.keys().any(|account| account.provider == state.provider);
            if is_used && !measured.contains_key(&of) {
                missing.insert(of, state.missed);
                states.push(state.clone());
            }
        }
        if !events.is_empty() {
            self.stores.all_events().insert_events(events).await?;
        }
        if states == known.value.targets {
            return Ok(missing);
        }
        let made = Latencies { targets: states, ..known.value.clone() };
        match store.put(Some(known), made).await {
            // Another bridge was faster.
            Err(StoreError::Conflict | StoreError::Duplicate) => Ok(missing),
            put => put.map(|()| missing),
        }
    }
}

fn event_of(change: Change) -> &'static str {
    match change {
        Change::Missed => TARGET_MISSED,
        Change::MetAgain => TARGET_MET,
    }
}

/// What an event says of a vendor.
fn told((service, provider): (Service, &str), (of, target): (&Measured, Target)) -> Value {
    let Shown { availability_percent, p95_ms, counts } = of.shown();
    json!({
        "service": service, "provider": provider,
        "availability_percent": availability_percent, "target_availability_percent": target.availability_percent,
        "p95_ms": p95_ms, "target_p95_ms": target.p95_ms,
        "requests": counts.map(|counts| counts.answered + counts.failed), "failures": counts.map(|counts| counts.failed),
    })
}

/// What is known of a vendor from before.
pub fn state_of(known: &Latencies, (service, provider): (Service, &str)) -> Option<TargetState> {
    known.targets.iter().find(|state| state.service == service && state.provider == provider).cloned()
}
