//! `GET /api/v1/calls/{session_id}/export.json`

use actix_web::http::header;
use actix_web::web::{Data, Json};
use actix_web::{CustomizeResponder, Responder};
use serde::Serialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;

use super::view::{CallDetail, Links, detail};
use crate::auth::allowed::Allowed;
use crate::auth::permission::{ReadBots, ReadCalls};
use crate::bot::keys;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::{Stamp, StoreError, Stores};

/// Everything about one call.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    #[schema(example = "vox.call/1")]
    pub format: &'static str,
    /// RFC 3339, UTC.
    pub exported_at: String,
    pub call: CallDetail,
    /// The bot's settings as they are now, keys masked; null when it was deleted, and for a key without the scope
    /// `bots:read`.
    #[schema(value_type = Option<Object>)]
    pub bot: Option<Value>,
}

/// JSON that browsers save.
type AsFile = CustomizeResponder<Json<Export>>;

/// One of the tenant's calls as a file.
#[instrument(name = "calls.export", skip_all, fields(call.id = %call.0))]
pub async fn export(
    who: Allowed<ReadCalls>,
    call: InPath<SessionId>,
    stores: Data<Stores>,
    links: Data<Links>,
    clock: Data<Clock>,
) -> ApiResult<AsFile> {
    let stored = stores.calls(who.reach()).get_call(&call.0).await?;
    let bot = match stores.bots(who.reach()).get_bot(&stored.value.bot_id).await {
        Ok(_) if !who.may::<ReadBots>() => None,
        Ok(bot) => Some(Value::Object(keys::masked(&bot.value.settings))),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(ApiError::from(error)),
    };
    let export = Export {
        format: "vox.call/1",
        exported_at: Stamp(clock.now()).to_string(),
        call: detail(&links, stored).await?.shown_to(&who),
        bot,
    };
    // An id holds nothing that a quoted file name could not.
    let name = format!("attachment; filename=\"{}.json\"", call.0);
    Ok(Json(export).customize().insert_header((header::CONTENT_DISPOSITION, name)))
}
