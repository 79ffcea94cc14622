//! `POST /api/v1/bots`. The example to follow for an endpoint: decode, call, encode.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use serde_json::{Map, Value};
use tracing::instrument;

use super::view::{WithTag, tagged};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::auth::secret_token::hash;
use crate::bot::catalogue::{BotError, Catalogue, Origin};
use crate::bot::draft;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::bots::Creation;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest key, bytes.
const MAX_KEY_BYTES: usize = 256;

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
    let creation = creation(&who, request.headers(), &body.0)?;
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

/// The request as it is remembered, when it has an `Idempotency-Key`.
pub fn creation(
    who: &Allowed<EditBots>,
    headers: &HeaderMap,
    body: &Map<String, Value>,
) -> ApiResult<Option<Creation>> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().ok().filter(|k| (1..=MAX_KEY_BYTES).contains(&k.len())).ok_or_else(|| {
        ApiError::bad_request("bad_idempotency_key", "Idempotency-Key must be 1 to 256 printable characters")
    })?;
    // Maps are ordered by name, so the same body has the same text whatever the order it was sent in.
    let request = Value::Object(body.clone()).to_string();
    Ok(Some(Creation { key: hash(&format!("{} {key}", who.id())), request: hash(&request) }))
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
            BotError::NotDeleted => Self::new(StatusCode::CONFLICT, "bot_not_deleted", error.to_string()),
            BotError::Store(error) => error.into(),
        }
    }
}
