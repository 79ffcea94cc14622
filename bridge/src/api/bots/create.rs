//! `POST /api/v1/bots`. The example to follow for an endpoint: decode, call, encode.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::{Map, Value};
use tracing::instrument;

use super::view::{WithTag, tagged};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::{BotError, Catalogue, Origin};
use crate::bot::draft;
use crate::edge::body::Checked;
use crate::edge::idempotency::creation;
use crate::error::{ApiError, ApiResult};

/// Make a bot. With an `Idempotency-Key` a repeat finds the bot that the first request made.
#[instrument(name = "bots.create", skip_all)]
pub async fn create(
    who: Allowed<EditBots>,
    trail: Trail,
    bots: Data<Catalogue>,
    request: HttpRequest,
    body: Checked<Map<String, Value>>,
) -> ApiResult<WithTag> {
    may_make(&who)?;
    let creation = creation(request.headers(), who.id(), &Value::Object(body.0.clone()))?;
    let held = bots.held(who.reach()).await?;
    let settings = draft::new(&body.0, &held).map_err(ApiError::invalid)?;
    let bot = bots
        .create(who.reach(), settings, Origin { author: who.id().into(), note: String::new(), creation })
        .await?;
    trail.concerns(&bot.id);
    Ok(tagged(StatusCode::CREATED, bot))
}

/// Refuse a key that is limited to certain bots.
pub fn may_make(who: &Allowed<EditBots>) -> ApiResult<()> {
    if who.reach().bots().is_none() {
        return Ok(());
    }
    let detail = "the key is limited to certain bots and makes no others; use one without `bots`";
    Err(ApiError::new(StatusCode::FORBIDDEN, "key_limited_to_bots", detail))
}

impl From<BotError> for ApiError {
    fn from(error: BotError) -> Self {
        match error {
            BotError::KeyReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", error.to_string())
            }
            BotError::Invalid(fields) => Self::invalid(fields),
            BotError::NoDraft => Self::new(StatusCode::CONFLICT, "no_draft", error.to_string()),
            BotError::DraftOutdated { .. } => {
                Self::new(StatusCode::CONFLICT, "draft_outdated", error.to_string())
            }
            BotError::MadeAndDeleted => Self::new(StatusCode::CONFLICT, "bot_deleted", error.to_string()),
            BotError::NotDeleted => Self::new(StatusCode::CONFLICT, "bot_not_deleted", error.to_string()),
            BotError::Store(error) => error.into(),
        }
    }
}
