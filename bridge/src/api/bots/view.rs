//! How bots are shown.

use actix_web::http::{StatusCode, header};
use actix_web::web::Json;
use actix_web::{CustomizeResponder, Responder};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::bot::keys;
use crate::store::bots::Bot;
use crate::store::{Listed, Stored};

/// A bot, its vendor keys masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotView {
    pub id: String,
    /// Goes up with every change; send it back to make sure that nobody changed the bot in between.
    pub version: u64,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
    /// The number of the version that is published: what calls run with.
    pub bot_version: u32,
    pub has_draft: bool,
    /// Public; null when the bot has none.
    pub widget_key: Option<String>,
    /// When it was deleted; it is removed 30 days later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    /// The settings, at the top level.
    #[schema(value_type = Object)]
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// One page of bots.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotPage {
    pub items: Vec<BotView>,
    pub next_cursor: Option<String>,
}

/// A bot with its version as `ETag`.
pub type WithTag = CustomizeResponder<Json<BotView>>;

impl From<Stored<Bot>> for BotView {
    fn from(stored: Stored<Bot>) -> Self {
        Self {
            id: stored.id,
            version: stored.version,
            created_at: stored.value.created_at.to_string(),
            updated_at: stored.value.updated_at.to_string(),
            bot_version: stored.value.release.number,
            has_draft: stored.value.draft.is_some(),
            widget_key: stored.value.widget_key,
            deleted_at: stored.value.deleted_at.map(|at| at.to_string()),
            settings: keys::masked(&stored.value.settings),
        }
    }
}

impl From<Listed<Bot>> for BotPage {
    fn from(listed: Listed<Bot>) -> Self {
        Self { items: listed.items.into_iter().map(BotView::from).collect(), next_cursor: listed.next_cursor }
    }
}

/// The answer of everything that yields one bot.
pub fn tagged(status: StatusCode, bot: Stored<Bot>) -> WithTag {
    let tag = format!("\"{}\"", bot.version);
    Json(BotView::from(bot)).customize().with_status(status).insert_header((header::ETAG, tag))
}
