//! `POST /api/v1/sip/dialout` and `POST /api/v1/dialout`

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use super::place::{Asked, only_one, place};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::PlaceCalls;
use crate::dialout::Dialler;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// A call to be placed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DialoutRequest {
    #[schema(value_type = String)]
    pub bot_id: BotId,
    /// `+`, country code and number.
    #[schema(example = "+919876543210")]
    pub to_number: String,
    #[serde(default)]
    pub from_number: Option<String>,
    /// What the bot knows of the call: `call.*` in its texts.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
    /// The same, by its older name. One of the two at most.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub connected_event: Option<Map<String, Value>>,
}

/// The worker has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DialoutView {
    /// `ok`.
    pub status: &'static str,
    pub call_id: String,
}

/// Call a number.
#[instrument(name = "dialout.place", skip_all, fields(bot.id = %body.0.bot_id, call.id))]
pub async fn dialout(
    who: Allowed<PlaceCalls>,
    trail: Trail,
    request: HttpRequest,
    dialler: Data<Dialler>,
    body: Checked<DialoutRequest>,
) -> ApiResult<Json<DialoutView>> {
    let body = body.0;
    trail.concerns(body.bot_id.as_str());
    let event = match (body.variables, body.connected_event) {
        (Some(_), Some(_)) => return Err(only_one(("variables", "connected_event"))),
        (Some(variables), None) => ("variables", variables),
        (None, event) => ("connected_event", event.unwrap_or_default()),
    };
    let asked = Asked {
        bot: body.bot_id,
        to: ("to_number", body.to_number),
        from: ("from_number", body.from_number),
        event,
    };
    let call_id = place(&who, (&dialler, &request), asked).await?;
    Ok(Json(DialoutView { status: "ok", call_id }))
}
