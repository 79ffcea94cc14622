//! `POST /api/v1/bots`. The example to follow for an endpoint: decode, call, encode.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use tracing::instrument;
use vox_shared::ids::BotId;

use super::view::{WithTag, tagged};
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::auth::secret_token::hash;
use crate::bot::draft;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::bots::{Bot, Creation};
use crate::store::{Stamp, StoreError, Stored};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest key, bytes.
const MAX_KEY_BYTES: usize = 256;

/// Make a bot. With an `Idempotency-Key` a repeat finds the bot that the first request made.
#[instrument(name = "bots.create", skip_all)]
pub async fn create(
    who: Allowed<EditBots>,
    State(app): State<App>,
    headers: HeaderMap,
    body: Checked<Map<String, Value>>,
) -> ApiResult<WithTag> {
    let creation = creation(&who, &headers, &body.0)?;
    let settings = draft::new(&body.0).map_err(ApiError::invalid)?;
    let (bots, now) = (app.stores.bots(who.tenant()), Stamp(app.clock.now()));
    let bot = Bot { tenant_id: who.tenant().clone(), created_at: now, updated_at: now, settings, creation };
    let id = BotId::generate();
    match (bots.insert_bot(&id, &bot).await, &bot.creation) {
        (Err(StoreError::Duplicate), Some(creation)) => {
            let made = bots.find_by_creation_key(&creation.key).await?;
            repeated(made, creation)
        }
        (inserted, _) => {
            inserted?;
            Ok(tagged(StatusCode::CREATED, Stored { id: id.to_string(), version: 1, value: bot }))
        }
    }
}

/// The same key with another body is a mistake of the client, not a repeat.
fn repeated(made: Option<Stored<Bot>>, creation: &Creation) -> ApiResult<WithTag> {
    let made = made.ok_or(StoreError::Conflict)?;
    if made.value.creation.as_ref() == Some(creation) {
        return Ok(tagged(StatusCode::CREATED, made));
    }
    let detail = "this Idempotency-Key was used with another body; choose a new one";
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
}

fn creation(
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
    Ok(Some(Creation { key: hash(&format!("{} {key}", who.user_id())), request: hash(&request) }))
}
