//! `POST /api/v1/carriers`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde_json::{Map, Value};
use tracing::instrument;
use vox_shared::clock::Clock;
use vox_shared::ids::CarrierId;

use super::view::{CarrierView, shown};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::bot::catalogue::Catalogue;
use crate::carrier;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::livekit::trunks::TrunkDesk;
use crate::store::carriers::Carrier;
use crate::store::{Stamp, Stored, Stores};

/// Make a carrier.
#[instrument(name = "carriers.create", skip_all)]
pub async fn create(
    who: Allowed<EditCarriers>,
    trail: Trail,
    (stores, trunks, catalogue): (Data<Stores>, Data<TrunkDesk>, Data<Catalogue>),
    clock: Data<Clock>,
    body: Checked<Map<String, Value>>,
) -> ApiResult<(Json<CarrierView>, StatusCode)> {
    let settings = carrier::read(&body.0, None).map_err(ApiError::invalid)?;
    let rules = stores.tenants().egress_rules(who.tenant()).await?;
    carrier::check_place(&settings, &catalogue.policy, &rules).map_err(ApiError::invalid)?;
    let (id, now) = (CarrierId::generate(), Stamp(clock.now()));
    let carrier = Carrier {
        tenant_id: who.tenant().clone(),
        created_at: now,
        updated_at: now,
        closing: false,
        settings,
    };
    stores.carriers(who.tenant()).insert_carrier(&id, &carrier).await?;
    trail.concerns(id.as_str());
    trunks.changed(who.tenant(), &id).await;
    let stored = Stored { id: id.to_string(), version: 1, value: carrier };
    Ok((Json(shown(&stores, stored, now).await?), StatusCode::CREATED))
}
