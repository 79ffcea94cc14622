//! Plans: what a tenant may use in a period. They belong to the deployment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::PlanId;

use super::documents::{Documents, Listed, StoreError, Stored};
use super::engine::{Collection, Cursor, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::billing::limits::Limits;
use crate::billing::requests::Requests;
use crate::field;

const OF_ALL: &str = "of_all";

const CREATED_AT: Field<Text> = field!(Plan => created_at: Text);

pub static PLANS: Collection = Collection {
    name: "plans",
    indexes: &[Index::ordered(OF_ALL, &[CREATED_AT.place()])],
    fields: &[],
    steps: &[],
};

/// One plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub name: String,
    pub limits: Limits,
    /// What its people and keys may ask.
    #[serde(default, skip_serializing_if = "Requests::is_empty")]
    pub requests: Requests,
    pub created_at: Stamp,
    pub updated_at: Stamp,
}

/// The plans of the deployment.
pub struct Plans(Documents<Plan>);

impl Plans {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &PLANS))
    }

    pub async fn find_plan(&self, id: &PlanId) -> Result<Option<Stored<Plan>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    pub async fn get_plan(&self, id: &PlanId) -> Result<Stored<Plan>, StoreError> {
        self.find_plan(id).await?.ok_or(StoreError::NotFound)
    }

    pub async fn insert_plan(&self, id: &PlanId, plan: &Plan) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), plan).await
    }

    /// Write back a plan that was read here.
    pub async fn replace_plan(&self, plan: Stored<Plan>) -> Result<Stored<Plan>, StoreError> {
        self.0.replace(plan).await
    }

    pub async fn delete_plan(&self, id: &PlanId, version: u64) -> Result<(), StoreError> {
        self.0.delete(id.as_str(), version).await
    }

    /// Oldest first.
    pub async fn list_plans(&self, limit: usize, after: Option<Cursor>) -> Result<Listed<Plan>, StoreError> {
        let query = Query::by_index(&PLANS, OF_ALL).from(CREATED_AT, "");
        self.0.list(query.limit(limit).after(after)).await
    }
}
