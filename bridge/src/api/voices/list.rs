//! `GET /api/v1/voices`

use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue::{Ability, VOICES, VoiceRule};

use super::view::{VoiceView, shown};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;
use crate::error::ApiResult;
use crate::store::Stores;
use crate::voice::desk::MAX_VOICES;

/// The voices of a vendor, as far as they are known.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorVoices {
    /// As it stands in a bot's `tts.provider`.
    pub provider: String,
    pub title: String,
    /// What `tts.voice` may be, the first by default. Null where voices are the account's own: any id of the account is taken.
    pub voices: Option<Vec<String>>,
    /// The model by default and others that are known to work.
    pub models: Vec<String>,
    /// Primary language subtags; empty where the vendor or its model decides.
    pub languages: Vec<String>,
    /// Whether it makes voices from clips.
    pub makes_voices: bool,
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoiceCatalogue {
    pub items: Vec<VendorVoices>,
    /// The tenant's own, made from clips, the newest first. None for a key that is limited to certain bots.
    pub own: Vec<VoiceView>,
}

/// The voices that a bot may have.
#[instrument(name = "voices.list", skip_all)]
pub async fn list(who: Allowed<ReadBots>, stores: Data<Stores>) -> ApiResult<Json<VoiceCatalogue>> {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let items = VOICES.iter().map(|vendor| VendorVoices {
        provider: vendor.name.to_owned(),
        title: vendor.title.to_owned(),
        voices: match vendor.voice {
            VoiceRule::OneOf(voices) | VoiceRule::Known(voices) => Some(own(voices)),
            VoiceRule::None => Some(Vec::new()),
            VoiceRule::Id => None,
        },
        models: own(&[vendor.model])
            .into_iter()
            .filter(|model| !model.is_empty())
            .chain(own(vendor.models))
            .collect(),
        languages: own(vendor.languages),
        makes_voices: vendor.abilities.contains(&Ability::VoicesFromClips),
    });
    let made = match who.reach().bots() {
        None => stores.voices(who.reach().tenant()).list_voices(MAX_VOICES).await?.items,
        Some(_) => Vec::new(),
    };
    let made = made.into_iter().map(|voice| shown(&who, voice)).collect();
    Ok(Json(VoiceCatalogue { items: items.collect(), own: made }))
}
