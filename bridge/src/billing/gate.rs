//! The gate before new work. What a tenant may still use is in its allowance (of the plan), what it has used in one document for
//! each period; a claim is one step on that document, so two bridges never give the last conversation twice. An answer of the
//! store that is lost may cost the tenant a conversation that it did not have, and never gives one: what was claimed without an
//! answer stays claimed.

use jiff::Timestamp;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;

use super::limits::{Limits, Resource, Used};
use super::period::Period;
use crate::store::engine::EngineError;
use crate::store::tenants::{Allowance, TenantStatus};
use crate::store::{StoreError, Stores};

/// Looks at a period that others begin, fill and give back to all the time.
const MAX_TRIES: usize = 8;

/// Why new work is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error(transparent)]
    Spent(#[from] Spent),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A resource of which nothing is left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{used} of {limit} {} of the tenant's plan are used; they begin anew at {resets_at}", resource.as_str())]
pub struct Spent {
    pub resource: Resource,
    pub used: i64,
    pub limit: i64,
    pub resets_at: Timestamp,
}

/// A conversation that was let through.
#[derive(Debug)]
#[must_use = "give it back if it turns out to be no new one"]
pub enum Claim {
    /// The tenant has no plan, and nothing was counted.
    Unlimited,
    /// It is counted in this period.
    Of(Period),
}

/// How much of a resource a tenant may still use in the present period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    pub resource: Resource,
    pub period: Period,
    pub used: i64,
    /// `None`: not limited.
    pub limit: Option<i64>,
    /// 0 for a suspended tenant, whatever the limit; `None`: not limited.
    pub left: Option<i64>,
}

/// The gate. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    pub stores: Stores,
    pub clock: Clock,
}

impl Gate {
    /// How much is left. [`StoreError::NotFound`] when there is no such tenant.
    pub async fn quota_remaining(
        &self,
        tenant: &TenantId,
        resource: Resource,
    ) -> Result<Remaining, StoreError> {
        let known = self.stores.tenants().find(tenant).await?.ok_or(StoreError::NotFound)?.value;
        let period = Period::of(self.clock.now());
        let quota = self.stores.quotas(tenant).find_quota(period).await?;
        let used = quota.map_or_else(Used::default, |quota| quota.used());
        let limits = known.allowance.map(|allowance| allowance.limits).unwrap_or_default();
        let left = match known.status {
            TenantStatus::Active => used.left(&limits, resource),
            _ => Some(0),
        };
        let (limit, used) = (limits.of(resource), used.of(resource));
        Ok(Remaining { resource, period, used, limit, left })
    }

    /// Let one more conversation of an active tenant through. One step on one document, but for a period's first; none without
    /// a plan.
    pub async fn claim_conversation(
        &self,
        tenant: &TenantId,
        allowance: Option<&Allowance>,
    ) -> Result<Claim, GateError> {
        let Some(Allowance { limits, .. }) = allowance else { return Ok(Claim::Unlimited) };
        let (period, quotas) = (Period::of(self.clock.now()), self.stores.quotas(tenant));
        for _ in 0..MAX_TRIES {
            if quotas.claim_conversation(period, limits).await?.is_some() {
                return Ok(Claim::Of(period));
            }
            match quotas.find_quota(period).await? {
                None => quotas.begin(period).await?,
                // Without a spent one somebody gave one back in between.
                Some(quota) => {
                    if let Some(spent) = spent(&quota.used(), limits, period) {
                        return Err(GateError::Spent(spent));
                    }
                }
            }
        }
        let busy = EngineError::Unavailable("others change the tenant's quota all the time".into());
        Err(StoreError::Engine(busy).into())
    }

    /// Whether anything is spent, without a claim: for what is to become a conversation later.
    pub async fn check(&self, tenant: &TenantId, allowance: Option<&Allowance>) -> Result<(), GateError> {
        let Some(Allowance { limits, .. }) = allowance else { return Ok(()) };
        let period = Period::of(self.clock.now());
        let quota = self.stores.quotas(tenant).find_quota(period).await?;
        let used = quota.map_or_else(Used::default, |quota| quota.used());
        spent(&used, limits, period).map_or(Ok(()), |spent| Err(GateError::Spent(spent)))
    }

    /// Give back what no new conversation needs. If that fails the tenant has one less in this period.
    pub async fn release(&self, tenant: &TenantId, claim: Claim) {
        let Claim::Of(period) = claim else { return };
        if let Err(error) = self.stores.quotas(tenant).release_conversation(period).await {
            tracing::warn!(tenant.id = %tenant, %error, "a claimed conversation could not be given back");
        }
    }
}

fn spent(used: &Used, limits: &Limits, period: Period) -> Option<Spent> {
    let resource = used.spent(limits)?;
    let limit = limits.of(resource)?;
    Some(Spent { resource, used: used.of(resource), limit, resets_at: period.ends() })
}
