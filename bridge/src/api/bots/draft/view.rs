//! How drafts are shown.

use actix_web::http::header;
use actix_web::web::Json;
use actix_web::{CustomizeResponder, Responder};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::bot::keys;
use crate::error::{ApiError, ApiResult};
use crate::store::Stored;
use crate::store::bots::Bot;

/// A bot's draft, its secrets masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftView {
    pub id: String,
    /// The bot's: a draft and its bot change together.
    pub version: u64,
    /// The version that was published when the draft was begun. When the bot's is another by now, it cannot be published.
    pub based_on: u32,
    /// RFC 3339, UTC.
    pub updated_at: String,
    /// The id of the person or the key that changed it last.
    pub author: String,
    /// The settings, at the top level.
    #[schema(value_type = Object)]
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// A draft with the bot's version as `ETag`.
pub type DraftWithTag = CustomizeResponder<Json<DraftView>>;

/// The answer of everything that yields a draft; 404 when there is none.
pub fn draft_of(bot: Stored<Bot>) -> ApiResult<DraftWithTag> {
    let draft = bot.value.draft.ok_or_else(|| ApiError::not_found("draft"))?;
    let view = DraftView {
        id: bot.id,
        version: bot.version,
        based_on: draft.based_on,
        updated_at: draft.updated_at.to_string(),
        author: draft.author,
        settings: keys::masked(&draft.settings),
    };
    let tag = format!("\"{}\"", bot.version);
    Ok(Json(view).customize().insert_header((header::ETAG, tag)))
}
