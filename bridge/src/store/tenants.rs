//! Tenants: the customers of the deployment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vox_shared::catalogue::{Pin, Region};
use vox_shared::egress::HostRules;
use vox_shared::ids::{PlanId, TenantId};

use super::documents::{Documents, Listed, StoreError, Stored};
use super::engine::{
    Collection, Cursor, Engine, Field, Filter, Index, Integer, Json, Order, Query, Text, Update, holds,
};
use super::stamp::Stamp;
use crate::billing::limits::Limits;
use crate::billing::requests::Requests;
use crate::billing::spending::TenantBudget;
use crate::field;

const BY_CREATED: &str = "by_created";
const BY_SLUG: &str = "by_slug";

const CREATED_AT: Field<Text> = field!(Tenant => created_at: Text);
const SLUG: Field<Text> = field!(Tenant => slug: Text);
const STATUS: Field<Text> = field!(Tenant => status: Text);
const ALLOWANCE: Field<Json> = field!(Tenant => allowance: Json);
const PLAN: Field<Text> = field!(Tenant => allowance / Allowance => plan: Text);
const PLAN_VERSION: Field<Integer> = field!(Tenant => allowance / Allowance => plan_version: Integer);

pub static TENANTS: Collection = Collection {
    name: "tenants",
    indexes: &[
        Index::ordered(BY_CREATED, &[CREATED_AT.place()]),
        // Tenants from before the field are not in it.
        Index::unique(BY_SLUG, &[SLUG.place()]),
    ],
    fields: &[STATUS.place(), ALLOWANCE.place(), PLAN.place(), PLAN_VERSION.place()],
    steps: &[],
};

/// One tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    pub name: String,
    /// Its name in addresses; unique in the deployment, a deleted tenant's too. Absent from before the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    pub status: TenantStatus,
    /// People without a second factor reach their own profile only, until they have one.
    #[serde(default)]
    pub require_second_factor: bool,
    pub created_at: Stamp,
    /// What it may use; absent for no limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
    /// What its administrators let it spend.
    #[serde(default, skip_serializing_if = "TenantBudget::is_empty")]
    pub budget: TenantBudget,
    /// Which hosts the addresses that it sets may name.
    #[serde(default, skip_serializing_if = "HostRules::is_empty")]
    pub egress: HostRules,
    /// Where the vendors of its bots must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_residency: Option<Region>,
    /// Hosts that the operator answers for being there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_residency_hosts: Vec<String>,
    /// Since when it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Stamp>,
    /// The tenant of whoever deleted it, whose audit log keeps that it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<TenantId>,
    /// It is being removed, and cannot be restored any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_going: bool,
    /// A call under a legal hold that keeps the tenant from being removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
}

/// A tenant's plan with its limits, which are kept here too: whoever reads the tenant needs no other document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    pub plan: PlanId,
    /// Of the plan when the limits were taken over.
    pub plan_version: i64,
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Requests::is_empty")]
    pub requests: Requests,
}

holds! { Json: Allowance => |allowance| serde_json::to_value(allowance).unwrap_or(Value::Null); }

/// Some tenants, and the id after which the next page begins; none when there is no tenant left.
#[derive(Debug)]
pub struct TenantPage {
    pub tenants: Vec<Stored<Tenant>>,
    pub last: Option<String>,
}

impl Tenant {
    /// An active tenant with nothing but a name.
    pub fn new(name: impl Into<String>, now: Stamp) -> Self {
        Self {
            name: name.into(),
            slug: None,
            status: TenantStatus::Active,
            require_second_factor: false,
            created_at: now,
            allowance: None,
            budget: TenantBudget::default(),
            egress: HostRules::default(),
            data_residency: None,
            data_residency_hosts: Vec::new(),
            deleted_at: None,
            deleted_by: None,
            is_going: false,
            held_by: None,
        }
    }

    /// The region that its bots' vendors must not leave.
    pub fn pin(&self) -> Option<Pin> {
        self.data_residency.map(|region| Pin { region, hosts: self.data_residency_hosts.clone() })
    }
}

/// Whether a tenant may start new work. Running calls always end normally.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    Active,
    Suspended,
    /// It can be restored.
    Deleted,
}

impl TenantStatus {
    /// The word in requests and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

holds! { Text: TenantStatus => |status| status.as_str().into(); }

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

    pub async fn get_tenant(&self, id: &TenantId) -> Result<Stored<Tenant>, StoreError> {
        self.find(id).await?.ok_or(StoreError::NotFound)
    }

    /// The one with this name in addresses.
    pub async fn find_by_slug(&self, slug: &str) -> Result<Option<Stored<Tenant>>, StoreError> {
        self.0.first(Query::by_index(&TENANTS, BY_SLUG).equals(SLUG, slug)).await
    }

    /// The hosts that its addresses may name.
    pub async fn egress_rules(&self, id: &TenantId) -> Result<HostRules, StoreError> {
        Ok(self.get_tenant(id).await?.value.egress)
    }

    /// Newest first.
    pub async fn list_tenants(
        &self,
        status: Option<TenantStatus>,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Tenant>, StoreError> {
        let all = Query::by_index(&TENANTS, BY_CREATED).from(CREATED_AT, "").order(Order::Descending);
        let some = status.into_iter().fold(all, |query, status| query.filter(Filter::is(STATUS, status)));
        self.0.list(some.limit(limit).after(after)).await
    }

    /// [`StoreError::Duplicate`] when the id or the slug is taken.
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

    /// Take back what was given a moment ago, unless the tenant has something else meanwhile.
    pub async fn take_back(
        &self,
        id: &TenantId,
        given: &Allowance,
        before: Option<&Allowance>,
    ) -> Result<(), StoreError> {
        let same = Query::by_id(&TENANTS, id.as_str())
            .filter(Filter::is(PLAN, &given.plan))
            .filter(Filter::is(PLAN_VERSION, given.plan_version));
        let update = match before {
            Some(before) => Update::default().set(ALLOWANCE, before),
            None => Update::default().unset(ALLOWANCE),
        };
        self.0.update(same, update).await.map(drop)
    }

    /// In the order of their ids, after this one, up to a page. One that makes no sense is left out.
    pub async fn list_by_id(&self, after: Option<String>) -> Result<TenantPage, StoreError> {
        let page = self.0.list_by_id(after).await?;
        let last = page.last().map(|(id, _)| id.clone());
        Ok(TenantPage { tenants: page.into_iter().filter_map(|(_, tenant)| tenant.ok()).collect(), last })
    }

    /// [`StoreError::Duplicate`] when another tenant has the slug.
    pub async fn replace_tenant(&self, tenant: Stored<Tenant>) -> Result<Stored<Tenant>, StoreError> {
        self.0.replace(tenant).await
    }

    /// For good, when everything of it is gone.
    pub async fn remove_tenant(&self, tenant: &Stored<Tenant>) -> Result<(), StoreError> {
        self.0.delete(&tenant.id, tenant.version).await
    }

    /// Suspend or reactivate, whatever else changes meanwhile. `None` when it does not have that status.
    pub async fn move_status(
        &self,
        id: &TenantId,
        from: TenantStatus,
        to: TenantStatus,
    ) -> Result<Option<Stored<Tenant>>, StoreError> {
        let query = Query::by_id(&TENANTS, id.as_str()).filter(Filter::is(STATUS, from));
        self.0.update(query, Update::default().set(STATUS, to)).await
    }

    /// Suspend or reactivate, whatever it is now.
    pub async fn set_status(&self, id: &TenantId, status: TenantStatus) -> Result<(), StoreError> {
        let set = self.0.update(Query::by_id(&TENANTS, id.as_str()), Update::default().set(STATUS, status));
        set.await?.map(drop).ok_or(StoreError::NotFound)
    }
}
