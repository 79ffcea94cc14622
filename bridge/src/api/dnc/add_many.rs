//! `POST /api/v1/dnc/bulk`

use std::collections::BTreeSet;

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;

use super::view::reason_fault;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditDoNotCall;
use crate::dialout::order::number;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::do_not_call::Entry;
use crate::store::{Stamp, Stores};

/// Most numbers of one request.
const MAX_NUMBERS: usize = 5_000;
/// Most faults told at once.
const MAX_FAULTS: usize = 100;

/// Numbers that are not to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntriesRequest {
    /// 1 to 5,000.
    pub numbers: Vec<String>,
    /// Of all of them; 200 characters at most.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedView {
    pub added: usize,
    /// They were on the list, or more than once among the numbers.
    pub known: usize,
}

/// Put numbers on the list. One that is no number refuses all; after a failure the same request may be repeated.
#[instrument(name = "dnc.add_many", skip_all)]
pub async fn add_many(
    who: Allowed<EditDoNotCall>,
    stores: Data<Stores>,
    clock: Data<Clock>,
    body: Checked<EntriesRequest>,
) -> ApiResult<Json<AddedView>> {
    let EntriesRequest { numbers, reason } = body.0;
    let mut faults: Vec<FieldError> = reason_fault(reason.as_deref()).into_iter().collect();
    if !(1..=MAX_NUMBERS).contains(&numbers.len()) {
        faults.push(FieldError::new("numbers", format!("must be 1 to {MAX_NUMBERS}")));
        return Err(ApiError::invalid(faults));
    }
    let mut read = BTreeSet::new();
    for (at, text) in numbers.iter().enumerate() {
        match number(&format!("numbers.{at}"), text) {
            Ok(number) => drop(read.insert(number.comparable())),
            Err(fault) if faults.len() < MAX_FAULTS => faults.push(fault),
            Err(_) => {}
        }
    }
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let (tenant, now) = (who.reach().tenant(), Stamp(clock.now()));
    let entry = |number| Entry {
        tenant_id: tenant.clone(),
        number,
        added_at: now,
        added_by: who.id().to_owned(),
        reason: reason.clone(),
    };
    let added = stores.do_not_call(tenant).add(read.into_iter().map(entry).collect()).await?;
    Ok(Json(AddedView { added, known: numbers.len() - added }))
}
