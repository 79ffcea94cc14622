//! The sounds of tenants: taken, given out, deleted.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vox_shared::clock::Clock;
use vox_shared::ids::{JobId, SoundId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::decode::{self, Decoded};
use crate::auth::secret_token::hex;
use crate::error::with_source;
use crate::fields::FieldError;
use crate::objects::archive::{Archive, Found};
use crate::objects::{ByteStream, Expected, Key, ObjectError};
use crate::soundfile;
use crate::store::jobs::{Job, Queue};
use crate::store::sounds::Sound;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Most sounds of a tenant. Two requests at once may pass it by one.
pub const MAX_SOUNDS: usize = 100;
/// With those that were deleted and are not gone yet: nobody fills the object store by sending and deleting.
const MAX_WITH_REMOVED: usize = 2 * MAX_SOUNDS;
/// The job that clears away what nobody keeps.
pub const CLEAR: &str = "clear_sound";
/// A sound that was deleted goes so much later, and what was not taken likewise. Whatever was looked at before, a bot's settings or a
/// file, is stored or refused by then: no request takes so long.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Where they are among the objects.
const SOUNDS: &str = "sounds";
/// Larger than any that is kept: [`decode::LENGTH_MS`] of it, and its head.
const MAX_KEPT_BYTES: u64 = 8 * 1024 * 1024;

/// Why a sound is not taken or deleted.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    #[error("the sound {0}")]
    Unusable(String),
    #[error("the tenant has {MAX_SOUNDS} sounds, which is the most; delete one first")]
    TooMany,
    #[error("the tenant has sent and deleted too many sounds; send it again in {} minutes", PATIENCE.as_mins())]
    TooManyRemoved,
    #[error("the sound is used by {0}; give them another one first")]
    InUse(String),
    #[error("the sound could not be decoded")]
    Undecoded(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SoundError {
    /// Of the field that held the file.
    pub fn field(&self) -> Option<FieldError> {
        match self {
            Self::Unusable(why) => Some(FieldError::new("sound", why.clone())),
            _ => None,
        }
    }
}

/// The sounds of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct SoundDesk {
    pub stores: Stores,
    pub clock: Clock,
    pub archive: Archive,
}

impl SoundDesk {
    /// Take a file in whatever form, and keep it in ours.
    pub async fn take(
        &self,
        (tenant, author): (&TenantId, &str),
        name: String,
        file: Vec<u8>,
    ) -> Result<Stored<Sound>, SoundError> {
        self.check_room(tenant).await?;
        let decoding = soundfile::decoded(move || Ok((hex(&Sha256::digest(&file)), decode::decode(&file)?)));
        let decoded = decoding.await.map_err(SoundError::Undecoded)?;
        let (sha256, Decoded { form, wav }) = decoded.map_err(SoundError::Unusable)?;
        let now = Stamp(self.clock.now());
        let sound = Sound {
            tenant_id: tenant.clone(),
            created_at: now,
            name,
            duration_ms: form.duration_ms(),
            format: form.format,
            sha256,
            created_by: author.to_owned(),
            removed_at: None,
        };
        let id = SoundId::generate();
        // The job first, which deletes what has no document after all; then the object, so that nobody is told of a sound that is not there.
        let job = self.lay_job((tenant, &id), ("taken", now)).await?;
        let content = stream::once(async move { Ok(Bytes::from(wav)) }).boxed();
        let expected = Expected { max_bytes: MAX_KEPT_BYTES, sha256: None };
        self.archive.put(Some(tenant), key_of(&id)?, content, expected).await?;
        self.stores.sounds(tenant).insert_sound(&id, &sound).await?;
        // It finds nothing to do, now or later.
        if let Err(error) = self.stores.jobs(tenant).hurry(&job, now).await {
            tracing::debug!(sound.id = %id, error = with_source(&error), "the job of a sound ends later");
        }
        Ok(Stored { id: id.to_string(), version: 1, value: sound })
    }

    async fn check_room(&self, tenant: &TenantId) -> Result<(), SoundError> {
        let all = self.stores.sounds(tenant).list_with_removed(MAX_WITH_REMOVED).await?.items;
        if all.iter().filter(|sound| sound.value.removed_at.is_none()).count() >= MAX_SOUNDS {
            return Err(SoundError::TooMany);
        }
        if all.len() >= MAX_WITH_REMOVED { Err(SoundError::TooManyRemoved) } else { Ok(()) }
    }

    /// The job that looks later whether a sound's object is anybody's, and deletes it if not: one for each `why`.
    async fn lay_job(
        &self,
        (tenant, id): (&TenantId, &SoundId),
        (why, now): (&str, Stamp),
    ) -> Result<JobId, StoreError> {
        let arguments = Map::from_iter([("sound_id".to_owned(), Value::from(id.as_str()))]);
        let job = Job::new(tenant.clone(), (Queue::Default, CLEAR), arguments, now);
        let job = Job { due_at: Some(now + PATIENCE), ..job };
        let job_id = Job::id_of(&format!("{CLEAR} {id} {why}"));
        match self.stores.jobs(tenant).insert_job(&job_id, &job).await {
            Ok(()) | Err(StoreError::Duplicate) => Ok(job_id),
            Err(error) => Err(error),
        }
    }

    /// What is heard, a WAV of 16 kHz; `None` when it is gone.
    pub async fn wav(
        &self,
        tenant: &TenantId,
        id: &SoundId,
    ) -> Result<Option<(Found, ByteStream)>, ObjectError> {
        let Some(found) = self.archive.find(Some(tenant), key_of(id)?).await? else { return Ok(None) };
        let content = self.archive.get(&found, 0..found.size_bytes).await?;
        Ok(content.map(|content| (found, content)))
    }

    /// Delete a sound that no bot names. From now on none may name it; its job looks once more, and has it go.
    pub async fn remove(&self, tenant: &TenantId, id: &SoundId) -> Result<(), SoundError> {
        let (sounds, now) = (self.stores.sounds(tenant), Stamp(self.clock.now()));
        let mut sound = sounds.get_sound(id).await?;
        self.check_unused(tenant, id).await?;
        self.lay_job((tenant, id), (&now.to_string(), now)).await?;
        sound.value.removed_at = Some(now);
        let mut sound = sounds.replace_sound(sound).await?;
        // A bot that was written since the look above names it: it stays.
        let is_unused = self.check_unused(tenant, id).await;
        if let Err(SoundError::InUse(_)) = &is_unused {
            sound.value.removed_at = None;
            sounds.replace_sound(sound).await?;
        }
        is_unused
    }

    async fn check_unused(&self, tenant: &TenantId, id: &SoundId) -> Result<(), SoundError> {
        let users = self.users_of(tenant, id).await?;
        if users.is_empty() { Ok(()) } else { Err(SoundError::InUse(users.join(", "))) }
    }

    /// Some of the bots that name a sound, published or in a draft.
    pub(super) async fn users_of(&self, tenant: &TenantId, id: &SoundId) -> Result<Vec<String>, StoreError> {
        let names_it = |bot: &BotSettings| bot.sounds.named().any(|(_, named)| named == id);
        self.stores.bots(tenant).some_with(names_it).await
    }

    /// All of a tenant that is going, and of them at most a batch; whether none is left.
    pub async fn remove_all(&self, tenant: &TenantId) -> Result<bool, SoundError> {
        let sounds = self.stores.sounds(tenant);
        let found = sounds.list_with_removed(MAX_SOUNDS + 1).await?.items;
        let is_all = found.len() <= MAX_SOUNDS;
        for sound in found {
            if let Ok(id) = sound.id.parse::<SoundId>() {
                self.archive.objects.delete(key_of(&id)?).await?;
            }
            match sounds.delete_sound(&sound).await {
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(is_all)
    }
}

/// Where a sound is.
pub fn key_of(id: &SoundId) -> Result<Key, ObjectError> {
    Key::parse(&format!("{SOUNDS}/{id}"))
}
