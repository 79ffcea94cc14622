//! `GET /api/v1/sounds`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::SoundView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::error::ApiResult;
use crate::sound::desk::MAX_SOUNDS;
use crate::store::Stores;

/// The sounds of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoundList {
    /// Newest first. None for a key that is limited to certain bots.
    pub items: Vec<SoundView>,
}

/// All of them.
#[instrument(name = "sounds.list", skip_all)]
pub async fn list(who: Allowed<ReadBots>, stores: Data<Stores>) -> ApiResult<Json<SoundList>> {
    let found = match who.reach().bots() {
        None => stores.sounds(who.reach().tenant()).list_sounds(MAX_SOUNDS + 1).await?.items,
        Some(_) => Vec::new(),
    };
    Ok(Json(SoundList { items: found.into_iter().map(SoundView::from).collect() }))
}
