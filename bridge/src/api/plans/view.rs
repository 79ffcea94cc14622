//! How plans are shown.

use actix_web::http::{StatusCode, header};
use actix_web::web::Json;
use actix_web::{CustomizeResponder, Responder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::billing::limits::Limits;
use crate::billing::plans::PlanError;
use crate::billing::requests::Requests;
use crate::error::ApiError;
use crate::store::plans::Plan;
use crate::store::{Listed, Stored};

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanView {
    pub id: String,
    /// Goes up with every change.
    pub version: u64,
    pub name: String,
    pub limits: Limits,
    pub requests: Requests,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
}

/// One page of plans.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanPage {
    pub items: Vec<PlanView>,
    pub next_cursor: Option<String>,
}

/// A plan with its version as `ETag`.
pub type WithTag = CustomizeResponder<Json<PlanView>>;

/// The answer of everything that yields one plan.
pub fn tagged(plan: Stored<Plan>) -> WithTag {
    let tag = format!("\"{}\"", plan.version);
    Json(PlanView::from(plan)).customize().with_status(StatusCode::OK).insert_header((header::ETAG, tag))
}

impl From<Stored<Plan>> for PlanView {
    fn from(stored: Stored<Plan>) -> Self {
        let Plan { name, limits, requests, created_at, updated_at } = stored.value;
        let (created_at, updated_at) = (created_at.to_string(), updated_at.to_string());
        Self { id: stored.id, version: stored.version, name, limits, requests, created_at, updated_at }
    }
}

impl From<Listed<Plan>> for PlanPage {
    fn from(listed: Listed<Plan>) -> Self {
        let items = listed.items.into_iter().map(PlanView::from).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::InUse => {
                Self::conflict("plan_in_use", "tenants have this plan; give them another one first")
            }
            PlanError::NoPlan => Self::not_found("plan"),
            PlanError::Store(error) => error.into(),
        }
    }
}
