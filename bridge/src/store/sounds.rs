//! Sounds that a tenant sent for its bots. What is heard is an object of its own, and never changes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{SoundId, TenantId};

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Filter, Index, Order, Query, Text};
use super::stamp::Stamp;
use super::voices::ClipFormat;
use crate::field;

const BY_TIME: &str = "by_time";

const CREATED_AT: Field<Text> = field!(Sound => created_at: Text);
const REMOVED_AT: Field<Text> = field!(Sound => removed_at: Text);

pub static SOUNDS: Collection = Collection {
    name: "sounds",
    indexes: &[Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()])],
    fields: &[REMOVED_AT.place()],
    steps: &[],
};

/// A sound as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sound {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub name: String,
    pub duration_ms: u64,
    /// The form in which it was sent.
    pub format: ClipFormat,
    /// Of the file that was sent, lower-case hex.
    pub sha256: String,
    /// The id of the person or the key that sent it.
    pub created_by: String,
    /// When it was deleted. No bot may name it from then on; its object and itself go later, by a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Stamp>,
}

impl OfTenant for Sound {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The sounds of one tenant.
pub struct Sounds(Scoped<Sound>);

impl Sounds {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &SOUNDS), tenant))
    }

    /// One that was deleted does not exist here.
    pub async fn find_sound(&self, id: &SoundId) -> Result<Option<Stored<Sound>>, StoreError> {
        Ok(self.find_with_removed(id).await?.filter(|sound| sound.value.removed_at.is_none()))
    }

    pub async fn get_sound(&self, id: &SoundId) -> Result<Stored<Sound>, StoreError> {
        self.find_sound(id).await?.ok_or(StoreError::NotFound)
    }

    /// One that is there, deleted or not.
    pub async fn find_with_removed(&self, id: &SoundId) -> Result<Option<Stored<Sound>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Newest first, without those that were deleted. A tenant has few.
    pub async fn list_sounds(&self, limit: usize) -> Result<Listed<Sound>, StoreError> {
        self.0.list(self.newest(limit).filter(Filter::absent(REMOVED_AT))).await
    }

    /// Newest first, those among them that were deleted.
    pub async fn list_with_removed(&self, limit: usize) -> Result<Listed<Sound>, StoreError> {
        self.0.list(self.newest(limit)).await
    }

    fn newest(&self, limit: usize) -> Query {
        self.0.query(BY_TIME).order(Order::Descending).limit(limit)
    }

    /// [`StoreError::Duplicate`] when there is one of that id.
    pub async fn insert_sound(&self, id: &SoundId, sound: &Sound) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), sound).await
    }

    /// Write back a sound that was read here.
    pub async fn replace_sound(&self, sound: Stored<Sound>) -> Result<Stored<Sound>, StoreError> {
        self.0.replace(sound).await
    }

    pub async fn delete_sound(&self, sound: &Stored<Sound>) -> Result<(), StoreError> {
        self.0.delete(&sound.id, sound.version).await
    }
}
