//! `POST /api/v1/carriers/{carrier_id}/dids`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, CarrierId, DidId};

use super::view::{Assignment, DidView};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::campaign::health::Health;
use crate::dialout::order;
use crate::edge::body::{Whole, parse};
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::livekit::trunks::TrunkDesk;
use crate::store::dids::Did;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// A number that a carrier brings calls for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DidRequest {
    #[schema(example = "+918045678901")]
    pub number: String,
    /// The bot that answers; null or left out: nobody.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub bot_id: Option<BotId>,
    /// 100 characters at most.
    #[serde(default)]
    pub label: Option<String>,
}

/// Give a carrier a number.
#[instrument(name = "dids.add", skip_all)]
pub async fn add(
    who: Allowed<EditCarriers>,
    (trail, carrier): (Trail, InPath<CarrierId>),
    (stores, trunks): (Data<Stores>, Data<TrunkDesk>),
    clock: Data<Clock>,
    body: Whole,
) -> ApiResult<(Json<DidView>, StatusCode)> {
    // Before the body is looked at: another tenant's carrier does not exist, whatever is sent.
    stores.carriers(who.tenant()).get_carrier(&carrier.0).await?;
    let body: DidRequest = parse(&body.0)?;
    let number = order::number("number", &body.number).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let assigned = Assignment { bot_id: body.bot_id, label: body.label };
    assigned.check(&stores, who.tenant()).await?;
    let did = Did {
        tenant_id: who.tenant().clone(),
        carrier_id: carrier.0,
        comparable: number.comparable(),
        number,
        bot_id: assigned.bot_id,
        label: assigned.label,
        flow_url: None,
        blamed_at: Vec::new(),
        rests_until: None,
        health: Health::default(),
        created_at: Stamp(clock.now()),
    };
    let (carriers, carrier) = (stores.carriers(who.tenant()), did.carrier_id.clone());
    let is_closing = async {
        match carriers.get_carrier(&carrier).await {
            Err(StoreError::NotFound) => Ok(true),
            found => Ok(found?.value.closing),
        }
    };
    let given = give(&stores, &trail, did, is_closing).await?;
    trunks.changed(who.tenant(), &carrier).await;
    Ok((Json(given.into()), StatusCode::CREATED))
}

/// Keep a number, unless its carrier turns out to be closing: that is looked at after the number is there, as whoever deletes a carrier
/// (`delete`) notes that first and then looks for numbers.
pub async fn give(
    stores: &Stores,
    trail: &Trail,
    did: Did,
    is_closing: impl Future<Output = Result<bool, StoreError>>,
) -> ApiResult<Stored<Did>> {
    let (id, dids) = (DidId::generate(), stores.dids(&did.tenant_id));
    dids.insert_did(&id, &did).await.map_err(taken)?;
    trail.concerns(id.as_str());
    let stored = Stored { id: id.to_string(), version: 1, value: did };
    if is_closing.await? {
        dids.delete_did(&stored).await?;
        return Err(closing());
    }
    Ok(stored)
}

/// Why a number could not be added.
fn taken(error: StoreError) -> ApiError {
    match error {
        StoreError::Duplicate => ApiError::conflict("number_taken", "this deployment has the number already"),
        other => other.into(),
    }
}

/// Its carrier goes.
fn closing() -> ApiError {
    ApiError::conflict(
        "carrier_closing",
        "the carrier is being deleted; if it stays, replace it and try again",
    )
}
