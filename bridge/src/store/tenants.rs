//! Tenants: the customers of the deployment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::ids::{PlanId, TenantId};

use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Filter, Integer, Json, Query, Text, Update, holds};
use super::stamp::Stamp;
use crate::billing::limits::Limits;
use crate::field;

const ALLOWANCE: Field<Json> = field!(Tenant => allowance: Json);
const PLAN: Field<Text> = field!(Tenant => allowance / Allowance => plan: Text);
const PLAN_VERSION: Field<Integer> = field!(Tenant => allowance / Allowance => plan_version: Integer);

pub static TENANTS: Collection = Collection {
    name: "tenants",
    indexes: &[],
    fields: &[ALLOWANCE.place(), PLAN.place(), PLAN_VERSION.place()],
    steps: &[],
};

/// One tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    pub name: String,
    pub status: TenantStatus,
    pub created_at: Stamp,
    /// What it may use; absent for no limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
}

/// A tenant's plan with its limits, which are kept here too: whoever reads the tenant needs no other document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    pub plan: PlanId,
    /// Of the plan when the limits were taken over.
    pub plan_version: i64,
    pub limits: Limits,
}

holds! { Json: Allowance => |allowance| serde_json::to_value(allowance).unwrap_or(Value::Null); }

/// Some tenants, and the id after which the next page begins; none when there is no tenant left.
#[derive(Debug)]
pub struct TenantPage {
    pub tenants: Vec<Stored<Tenant>>,
    pub last: Option<String>,
}

/// Whether a tenant may start new work. Running calls always end normally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    Active,
    Suspended,
}

/// The tenants of the deployment.
#[derive(Clone)]
pub struct Tenants(Documents<Tenant>);

impl Tenants {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &TENANTS))
    }

    pub async fn find(&self, id: &TenantId) -> Result<Option<Stored<Tenant>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    pub async fn insert(&self, id: &TenantId, tenant: &Tenant) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), tenant).await
    }

    /// Give it a plan, or none.
    pub async fn set_allowance(&self, id: &TenantId, to: Option<&Allowance>) -> Result<(), StoreError> {
        let update = match to {
            Some(allowance) => Update::default().set(ALLOWANCE, allowance),
            None => Update::default().unset(ALLOWANCE),
        };
        let changed = self.0.update(Query::by_id(&TENANTS, id.as_str()), update).await?;
        changed.map(drop).ok_or(StoreError::NotFound)
    }

    /// Take over a plan's limits where the tenant still has it, with older ones.
    pub async fn renew_allowance(&self, id: &TenantId, to: &Allowance) -> Result<(), StoreError> {
        let older = Query::by_id(&TENANTS, id.as_str())
            .filter(Filter::is(PLAN, &to.plan))
            .filter(Filter::below(PLAN_VERSION, to.plan_version));
        self.0.update(older, Update::default().set(ALLOWANCE, to)).await.map(drop)
    }

    /// In the order of their ids, after this one, up to a page. One that makes no sense is left out.
    pub async fn list_by_id(&self, after: Option<String>) -> Result<TenantPage, StoreError> {
        let page = self.0.list_by_id(after).await?;
        let last = page.last().map(|(id, _)| id.clone());
        Ok(TenantPage { tenants: page.into_iter().filter_map(|(_, tenant)| tenant.ok()).collect(), last })
    }

    /// Suspend or reactivate.
    pub async fn set_status(&self, id: &TenantId, status: TenantStatus) -> Result<(), StoreError> {
        let mut stored = self.find(id).await?.ok_or(StoreError::NotFound)?;
        stored.value.status = status;
        self.0.replace(stored).await.map(drop)
    }
}
