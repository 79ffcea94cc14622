//! `PUT /api/v1/carriers/{carrier_id}`

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
use crate::edge::params::{IfMatch, InPath};
use crate::error::{ApiError, ApiResult};
use crate::livekit::trunks::TrunkDesk;
use crate::store::{Stamp, StoreError, Stores};

/// What the handler needs beside who asks.
type Parts = (Data<Stores>, Data<Clock>, Data<TrunkDesk>, Data<Catalogue>);

/// Set a carrier anew. Passwords that are left out stay.
#[instrument(name = "carriers.replace", skip_all)]
pub async fn replace(
    who: Allowed<EditCarriers>,
    (trail, id): (Trail, InPath<CarrierId>),
    expected: IfMatch,
    (stores, clock, trunks, catalogue): Parts,
    body: Checked<Map<String, Value>>,
) -> ApiResult<Json<CarrierView>> {
    trail.concerns(id.0.as_str());
    let carriers = stores.carriers(who.tenant());
    let mut carrier = carriers.get_carrier(&id.0).await?;
    if expected.0.is_some_and(|version| version != carrier.version) {
        return Err(StoreError::Conflict.into());
    }
    carrier.value.settings =
        carrier::read(&body.0, Some(&carrier.value.settings)).map_err(ApiError::invalid)?;
    let rules = stores.tenants().egress_rules(who.tenant()).await?;
    carrier::check_place(&carrier.value.settings, &catalogue.policy, &rules).map_err(ApiError::invalid)?;
    carrier.value.closing = false;
    carrier.value.updated_at = Stamp(clock.now());
    let carrier = carriers.replace_carrier(carrier).await?;
    trunks.changed(who.tenant(), &id.0).await;
    Ok(Json(shown(&stores, carrier, Stamp(clock.now())).await?))
}
