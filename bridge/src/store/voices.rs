//! Voices of a tenant that were made from clips: where each is at its vendor, and who consented to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, VoiceId};
use vox_shared::model::bot::ApiKey;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Index, Order, Text};
use super::stamp::Stamp;
use crate::field;

const BY_TIME: &str = "by_time";

const CREATED_AT: Field<Text> = field!(Voice => created_at: Text);

pub static VOICES: Collection = Collection {
    name: "voices",
    indexes: &[Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()])],
    fields: &[],
    steps: &[],
};

/// Where a voice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiceState {
    /// The vendor is being asked.
    Making,
    /// Bots can have it.
    Ready,
    /// The vendor did not make it; `error` says why.
    Failed,
    /// It is being deleted, at the vendor first.
    Removing,
}

/// The form of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClipFormat {
    Wav,
    Mp3,
    Ogg,
}

/// What is known of a clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Clip {
    pub format: ClipFormat,
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
    pub duration_ms: u64,
    pub sample_rate: u32,
    pub channels: u32,
}

/// That whoever is heard in the clip agreed, as the one who uploaded it says. Statement and name are sealed in the store (`crate::vault`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consent {
    pub statement: String,
    pub given_by: String,
    pub given_at: Stamp,
    /// The id of the person or the key that said so.
    pub recorded_by: String,
    pub recorded_at: Stamp,
}

/// A voice as it is stored. Its clip is an object of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Voice {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    pub name: String,
    /// A language tag; empty where none was said.
    pub language: String,
    pub provider: String,
    /// Another host of the vendor than its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Of the account that has the voice; empty for the key of the settings. Sealed in the store.
    #[serde(default)]
    pub api_key: ApiKey,
    pub state: VoiceState,
    /// Its id at the vendor, once it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_voice_id: Option<String>,
    /// The vendor wants to know more of the person before it speaks with the voice.
    #[serde(default)]
    pub needs_verification: bool,
    #[serde(default)]
    pub remove_background_noise: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The vendor refused, so it has nothing of this voice.
    #[serde(default)]
    pub never_made: bool,
    pub clip: Clip,
    pub consent: Consent,
    /// Hash of the request, of one that was made with an `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl OfTenant for Voice {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The voices of one tenant.
pub struct Voices(Scoped<Voice>);

impl Voices {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &VOICES), tenant))
    }

    pub async fn find_voice(&self, id: &VoiceId) -> Result<Option<Stored<Voice>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    pub async fn get_voice(&self, id: &VoiceId) -> Result<Stored<Voice>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// Newest first. A tenant has few.
    pub async fn list_voices(&self, limit: usize) -> Result<Listed<Voice>, StoreError> {
        self.0.list(self.0.query(BY_TIME).order(Order::Descending).limit(limit)).await
    }

    /// [`StoreError::Duplicate`] when there is one of that id.
    pub async fn insert_voice(&self, id: &VoiceId, voice: &Voice) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), voice).await
    }

    pub async fn replace_voice(&self, voice: Stored<Voice>) -> Result<Stored<Voice>, StoreError> {
        self.0.replace(voice).await
    }

    pub async fn delete_voice(&self, voice: &Stored<Voice>) -> Result<(), StoreError> {
        self.0.delete(&voice.id, voice.version).await
    }
}
