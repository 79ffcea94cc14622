//! Plans and the tenants that have them. A tenant's document keeps the limits of its plan; a changed plan is brought to its tenants
//! one after the other, and by the next change or an hourly look (`jobs/plans.rs`) to those that a broken change left out.

use std::collections::HashMap;

use vox_shared::clock::Clock;
use vox_shared::ids::{PlanId, TenantId};

use super::limits::Limits;
use super::requests::Requests;
use crate::store::engine::MAX_PAGE;
use crate::store::plans::Plan;
use crate::store::tenants::{Allowance, Tenant};
use crate::store::{Cursor, Stamp, StoreError, Stored, Stores};

/// Looks at a plan that others change all the time.
const MAX_TRIES: usize = 8;

/// Why a plan is not changed, deleted or given.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("tenants have this plan; give them another one first")]
    InUse,
    #[error("there is no such plan")]
    NoPlan,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A plan to be.
#[derive(Clone, Debug)]
pub struct NewPlan {
    pub name: String,
    pub limits: Limits,
    pub requests: Requests,
}

/// The plans of the deployment. Cheap to clone.
#[derive(Clone)]
pub struct PlanBook {
    pub stores: Stores,
    pub clock: Clock,
}

impl PlanBook {
    /// Make a plan under this id, or change the one that is there, and bring its limits to its tenants.
    pub async fn put(
        &self,
        id: &PlanId,
        expected: Option<u64>,
        new: NewPlan,
    ) -> Result<Stored<Plan>, PlanError> {
        let (plans, now) = (self.stores.plans(), Stamp(self.clock.now()));
        let NewPlan { name, limits, requests } = new;
        let known = plans.find_plan(id).await?;
        if expected.is_some() && expected != known.as_ref().map(|plan| plan.version) {
            return Err(StoreError::Conflict.into());
        }
        let plan = match known {
            Some(mut plan) => {
                plan.value = Plan { name, limits, requests, updated_at: now, ..plan.value };
                plans.replace_plan(plan).await?
            }
            None => {
                let value = Plan { name, limits, requests, created_at: now, updated_at: now };
                plans.insert_plan(id, &value).await?;
                Stored { id: id.to_string(), version: 1, value }
            }
        };
        self.bring_to_tenants(id, &plan).await?;
        Ok(plan)
    }

    /// Delete a plan that no tenant has.
    pub async fn delete(&self, id: &PlanId, expected: Option<u64>) -> Result<(), PlanError> {
        let plan = self.stores.plans().get_plan(id).await?;
        if expected.is_some_and(|version| version != plan.version) {
            return Err(StoreError::Conflict.into());
        }
        let mut after = None;
        loop {
            let page = self.stores.tenants().list_by_id(after).await?;
            if page.tenants.iter().any(|tenant| has(&tenant.value, id)) {
                return Err(PlanError::InUse);
            }
            after = page.last;
            if after.is_none() {
                return Ok(self.stores.plans().delete_plan(id, plan.version).await?);
            }
        }
    }

    /// Give a tenant a plan, or none.
    pub async fn assign(&self, tenant: &TenantId, plan: Option<&PlanId>) -> Result<(), PlanError> {
        let tenants = self.stores.tenants();
        let Some(id) = plan else { return Ok(tenants.set_allowance(tenant, None).await?) };
        let before = tenants.get_tenant(tenant).await?.value.allowance;
        let mut given: Option<Allowance> = None;
        for _ in 0..MAX_TRIES {
            let Some(plan) = self.stores.plans().find_plan(id).await? else {
                if let Some(given) = &given {
                    // It was deleted between the two looks; its limits would stay for ever.
                    let before = before.as_ref().filter(|before| before.plan != *id);
                    tenants.take_back(tenant, given, before).await?;
                }
                return Err(PlanError::NoPlan);
            };
            let allowance = allowance(id, &plan);
            // A change of the plan that did not see this tenant yet is seen here.
            if given.as_ref() == Some(&allowance) {
                return Ok(());
            }
            tenants.set_allowance(tenant, Some(&allowance)).await?;
            given = Some(allowance);
        }
        Err(StoreError::Conflict.into())
    }

    /// Bring a plan's limits to all tenants that have it with older ones. One that cannot be reached keeps no other from its turn.
    pub async fn bring_to_tenants(&self, id: &PlanId, plan: &Stored<Plan>) -> Result<(), StoreError> {
        self.renew(&HashMap::from([(id.clone(), allowance(id, plan))])).await.map(drop)
    }

    /// Bring all plans to those of their tenants that still have older limits; answers how many these were.
    pub async fn bring_all(&self) -> Result<usize, StoreError> {
        let (mut all, mut after) = (HashMap::new(), None);
        loop {
            let page = self.stores.plans().list_plans(MAX_PAGE, after).await?;
            for plan in page.items {
                let Ok(id) = plan.id.parse::<PlanId>() else { continue };
                all.insert(id.clone(), allowance(&id, &plan));
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return self.renew(&all).await;
            }
        }
    }

    /// Fails with the last error when every tenant had its turn.
    async fn renew(&self, plans: &HashMap<PlanId, Allowance>) -> Result<usize, StoreError> {
        let (tenants, mut renewed, mut failed, mut after) = (self.stores.tenants(), 0, None, None);
        loop {
            let page = tenants.list_by_id(after).await?;
            for tenant in page.tenants {
                let Some(known) = &tenant.value.allowance else { continue };
                let behind = |new: &&Allowance| known.plan_version < new.plan_version;
                let Some(new) = plans.get(&known.plan).filter(behind) else { continue };
                let Ok(id) = tenant.id.parse() else { continue };
                match tenants.renew_allowance(&id, new).await {
                    Ok(()) => renewed += 1,
                    Err(error) => {
                        tracing::error!(tenant.id = %id, %error, "a tenant has the old limits of its plan");
                        failed = Some(error);
                    }
                }
            }
            after = page.last;
            if after.is_none() {
                return failed.map_or(Ok(renewed), Err);
            }
        }
    }
}

fn has(tenant: &Tenant, plan: &PlanId) -> bool {
    tenant.allowance.as_ref().is_some_and(|allowance| allowance.plan == *plan)
}

fn allowance(id: &PlanId, plan: &Stored<Plan>) -> Allowance {
    let plan_version = i64::try_from(plan.version).unwrap_or(i64::MAX);
    let Plan { limits, requests, .. } = plan.value;
    Allowance { plan: id.clone(), plan_version, limits, requests }
}
