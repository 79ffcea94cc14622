//! `GET /api/v1/sip/outbound-trunk`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use vox_shared::phone::Number;

use crate::auth::internal::Internal;
use crate::carrier::Transport;
use crate::edge::params::{InQuery, number};
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// Which number calls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TrunkQuery {
    /// A '+' is written as `%2B`; a bare one is understood.
    from_number: String,
}

/// The carrier that takes its calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkView {
    pub carrier_id: String,
    pub did_id: String,
    /// Its trunk in LiveKit; null as long as the carrier is not made known there.
    pub trunk_id: Option<String>,
    pub sip_address: String,
    pub transport: Transport,
    pub destination_country: Option<String>,
    /// Calls begun in a second.
    pub outbound_cps: f64,
    /// Calls begun at once.
    pub outbound_burst: u32,
    /// Calls at the same time.
    pub outbound_channels: u32,
}

/// The trunk of a number, and how much may be sent there.
#[instrument(name = "sip.outbound_trunk", skip_all)]
pub async fn outbound_trunk(
    _: Internal,
    query: InQuery<TrunkQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<TrunkView>> {
    let unknown = || ApiError::not_found("number of a carrier");
    let number: Number = number(query.0.from_number).parse().map_err(|_| unknown())?;
    let did = stores.all_dids().find_number(&number).await?.ok_or_else(unknown)?;
    let carrier = stores.carriers(&did.value.tenant_id).get_carrier(&did.value.carrier_id).await?;
    let trunk = stores.trunks(&did.value.tenant_id).of_carrier(&did.value.carrier_id).await?;
    let settings = carrier.value.settings;
    Ok(Json(TrunkView {
        carrier_id: carrier.id,
        did_id: did.id,
        trunk_id: trunk.outbound_id,
        sip_address: settings.sip_address,
        transport: settings.transport,
        destination_country: settings.destination_country,
        outbound_cps: settings.outbound_cps,
        outbound_burst: settings.outbound_burst,
        outbound_channels: settings.outbound_channels,
    }))
}
