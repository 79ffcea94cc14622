//! `GET /api/v1/voices`

use actix_web::web::Json;
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::catalogue::{VOICES, VoiceRule};

use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadBots;

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
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoiceCatalogue {
    pub items: Vec<VendorVoices>,
}

/// The voices that a bot may have.
#[instrument(name = "voices.list", skip_all)]
pub async fn voices(_: Allowed<ReadBots>) -> Json<VoiceCatalogue> {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let items = VOICES.iter().map(|vendor| VendorVoices {
        provider: vendor.name.to_owned(),
        title: vendor.title.to_owned(),
        voices: match vendor.voice {
            VoiceRule::OneOf(voices) => Some(own(voices)),
            VoiceRule::None => Some(Vec::new()),
            VoiceRule::Id => None,
        },
        models: own(&[vendor.model])
            .into_iter()
            .filter(|model| !model.is_empty())
            .chain(own(vendor.models))
            .collect(),
        languages: own(vendor.languages),
    });
    Json(VoiceCatalogue { items: items.collect() })
}
