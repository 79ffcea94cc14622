//! `POST /v1/calls`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::BotId;

use super::place::{Asked, place};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::PlaceCalls;
use crate::dialout::Dialler;
use crate::edge::body::Checked;
use crate::error::ApiResult;

/// A call to be placed, in other words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// The bot.
    #[schema(value_type = String)]
    pub agent_id: BotId,
    /// `+`, country code and number.
    #[schema(example = "+919876543210")]
    pub to: String,
    #[serde(default)]
    pub from: Option<String>,
    /// What the bot knows of the call: `call.*` in its texts.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub context: Option<Map<String, Value>>,
}

/// The worker has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct InitiatedView {
    pub call_id: String,
    /// `initiating`.
    pub status: &'static str,
}

/// Call a number.
#[instrument(name = "dialout.call", skip_all, fields(bot.id = %body.0.agent_id, call.id))]
pub async fn call(
    who: Allowed<PlaceCalls>,
    trail: Trail,
    request: HttpRequest,
    dialler: Data<Dialler>,
    body: Checked<CallRequest>,
) -> ApiResult<(Json<InitiatedView>, StatusCode)> {
    let body = body.0;
    trail.concerns(body.agent_id.as_str());
    let asked = Asked {
        bot: body.agent_id,
        to: ("to", body.to),
        from: ("from", body.from),
        event: ("context", body.context.unwrap_or_default()),
    };
    let call_id = place(&who, (&dialler, &request), asked).await?;
    Ok((Json(InitiatedView { call_id, status: "initiating" }), StatusCode::ACCEPTED))
}
