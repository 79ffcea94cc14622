//! `POST /api/v1/integrations/exotel/dids`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use super::view::{ExotelAssignment, ExotelDidView};
use crate::api::carriers::dids::add::give;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::campaign::health::Health;
use crate::dialout::order;
use crate::edge::body::{Whole, parse};
use crate::error::{ApiError, ApiResult};
use crate::exotel::Exotel;
use crate::store::Stamp;
use crate::store::dids::Did;

/// A number of the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExotelDidRequest {
    #[schema(example = "+918045678901")]
    pub number: String,
    /// The bot that answers; null or left out: nobody.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub bot_id: Option<BotId>,
    /// 100 characters at most.
    #[serde(default)]
    pub label: Option<String>,
    /// The flow of the account that test calls go through; without one they go to the bot's own stream.
    #[serde(default)]
    pub flow_url: Option<String>,
}

/// Give the account a number.
#[instrument(name = "exotel.dids.add", skip_all)]
pub async fn add(
    who: Allowed<EditCarriers>,
    trail: Trail,
    exotel: Data<Exotel>,
    body: Whole,
) -> ApiResult<(Json<ExotelDidView>, StatusCode)> {
    let accounts = exotel.stores.exotel(who.tenant());
    // Before the body is looked at: without an account there is nothing to give a number to.
    let account = accounts.get_account().await?.value;
    let ExotelDidRequest { number, bot_id, label, flow_url } = parse(&body.0)?;
    let number = order::number("number", &number).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let assigned = ExotelAssignment { bot_id, label, flow_url };
    assigned.check(&exotel, who.tenant()).await?;
    let did = Did {
        tenant_id: who.tenant().clone(),
        carrier_id: account.carrier_id.clone(),
        comparable: number.comparable(),
        number,
        bot_id: assigned.bot_id,
        label: assigned.label,
        flow_url: assigned.flow_url,
        blamed_at: Vec::new(),
        rests_until: None,
        health: Health::default(),
        created_at: Stamp(exotel.clock.now()),
    };
    // See `remove`: the account that is deleted meanwhile takes no number.
    let is_closing = async {
        let still = accounts.find_account().await?;
        Ok(still.is_none_or(|now| now.value.closing || now.value.carrier_id != account.carrier_id))
    };
    let stored = give(&exotel.stores, &trail, did, is_closing).await?;
    Ok((Json(ExotelDidView::of(&exotel, stored)), StatusCode::CREATED))
}
