//! `POST /api/v1/dnc`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::view::{BarredView, reason_fault};
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditDoNotCall;
use crate::dialout::order::number;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::do_not_call::Entry;
use crate::store::{Stamp, StoreError, Stores};

/// A number that is not to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryRequest {
    #[schema(example = "+919876543210")]
    pub number: String,
    /// 200 characters at most.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Put a number on the list: 201, or 200 when it was there; the first reason stays.
#[instrument(name = "dnc.add", skip_all)]
pub async fn add(
    who: Allowed<EditDoNotCall>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<EntryRequest>,
) -> ApiResult<(Json<BarredView>, StatusCode)> {
    let read = number("number", &body.0.number);
    let fault = reason_fault(body.0.reason.as_deref());
    let number = match (read, fault) {
        (Ok(number), None) => number.comparable(),
        (read, fault) => return Err(ApiError::invalid(read.err().into_iter().chain(fault).collect())),
    };
    let list = stores.do_not_call(who.reach().tenant());
    let entry = Entry {
        tenant_id: who.reach().tenant().clone(),
        number: number.clone(),
        added_at: Stamp(clock.now()),
        added_by: who.id().to_owned(),
        reason: body.0.reason,
    };
    let status = if list.add(vec![entry]).await? == 1 { StatusCode::CREATED } else { StatusCode::OK };
    let stored = list.find_number(&number).await?.ok_or(StoreError::Conflict)?;
    Ok((Json(stored.value.into()), status))
}
