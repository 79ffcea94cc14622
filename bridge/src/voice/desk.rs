//! The voices of tenants: begun, looked at, deleted. What a vendor is asked for is done by [`super::jobs`].

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::{JobId, TenantId, VoiceId};
use vox_shared::model::bot::{ApiKey, BotSettings};

use super::clip::{self, MAX_CLIP_BYTES};
use super::elevenlabs::Account;
use super::named;
use super::wish::{NewVoice, Wish, address};
use crate::auth::secret_token::hex;
use crate::bot::residency;
use crate::fields::FieldError;
use crate::objects::archive::{Archive, Found};
use crate::objects::{ByteStream, Expected, Key, ObjectError};
use crate::soundfile;
use crate::store::bots::Creation;
use crate::store::jobs::{Job, JobState, Queue};
use crate::store::voices::{Clip, Consent, Voice, VoiceState};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Most voices of a tenant. Two requests at once may pass it by one.
pub const MAX_VOICES: usize = 50;
/// What makes a voice at its vendor.
pub const MAKE: &str = "make_voice";
/// What deletes one there, and its clip.
pub const REMOVE: &str = "remove_voice";
/// Where clips are among the objects.
const CLIPS: &str = "voices";
/// A job is stored before that which it is about, and waits so long for it; whoever has stored both hurries it. A bridge that is killed
/// between the two leaves nothing but a job that finds nothing to do.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Why a voice is not made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    #[error("{} fields are not acceptable", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("the tenant has {MAX_VOICES} voices, which is the most; delete one first")]
    TooMany,
    #[error("this Idempotency-Key was used with another body; choose a new one")]
    KeyReused,
    #[error("the voice is used by {0}; give them another one first")]
    InUse(String),
    #[error("the vendor is just making the voice; delete it when it is ready or failed")]
    BeingMade,
    #[error("the clip could not be looked at")]
    Unexamined(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The voices of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct VoiceDesk {
    pub stores: Stores,
    pub clock: Clock,
    pub archive: Archive,
    pub egress: Arc<Egress>,
}

/// Who asks for a voice.
pub struct Asker<'a> {
    pub tenant: &'a TenantId,
    /// The id of the person or the key.
    pub id: &'a str,
    /// Of a request with an `Idempotency-Key`.
    pub creation: Option<Creation>,
}

/// The key of a vendor's account, and the rules of the tenant for its address.
pub struct Access {
    key: ApiKey,
    rules: HostRules,
}

impl VoiceDesk {
    /// Take a clip and have the voice made. A repeat of the same request finds what it made before.
    pub async fn begin(&self, asker: Asker<'_>, wish: Wish) -> Result<Stored<Voice>, VoiceError> {
        let Asker { tenant, id: author, creation } = asker;
        self.check_address(tenant, &wish.asked).await?;
        let id = creation.as_ref().map_or_else(VoiceId::generate, |creation| id_of(tenant, creation));
        let request = creation.map(|creation| creation.request);
        if let Some(made) = self.stores.voices(tenant).find_voice(&id).await? {
            return repeat(made, request.as_ref());
        }
        if self.stores.voices(tenant).list_voices(MAX_VOICES).await?.items.len() >= MAX_VOICES {
            return Err(VoiceError::TooMany);
        }
        let clip = wish.clip;
        let looking = soundfile::decoded(move || clip::examine(&clip).map(|looked_at| (clip, looked_at)));
        let examined = looking.await.map_err(VoiceError::Unexamined)?;
        let (bytes, looked_at) =
            examined.map_err(|fault| VoiceError::Invalid(vec![FieldError::new("clip", fault)]))?;
        let now = Stamp(self.clock.now());
        let wish = Wish { clip: Vec::new(), ..wish };
        let voice = Voice { request, ..new_voice((tenant, author), wish, looked_at, now) };
        let job = self.lay_job((tenant, &id), MAKE).await?;
        self.keep_clip((tenant, &id), bytes).await?;
        match self.stores.voices(tenant).insert_voice(&id, &voice).await {
            Err(StoreError::Duplicate) => {
                let made = self.stores.voices(tenant).get_voice(&id).await?;
                return repeat(made, voice.request.as_ref());
            }
            inserted => inserted?,
        }
        self.begin_job(tenant, &job).await?;
        Ok(Stored { id: id.to_string(), version: 1, value: voice })
    }

    /// Whether the vendor may be sent a clip, by the tenant's egress rules and its region.
    async fn check_address(&self, tenant: &TenantId, asked: &NewVoice) -> Result<(), VoiceError> {
        let tenant = self.stores.tenants().get_tenant(tenant).await?.value;
        let refused = address(asked).and_then(|url| self.egress.check_under(&tenant.egress, &url).err());
        let faults = refused.map(|refused| FieldError::new("base_url", refused.detail)).into_iter();
        let base_url = asked.base_url.as_deref();
        let elsewhere = residency::of_voice(tenant.pin().as_ref(), &asked.provider, base_url);
        let field = if base_url.is_some() { "base_url" } else { "provider" };
        match faults.chain(elsewhere.map(|why| FieldError::new(field, why))).next() {
            Some(fault) => Err(VoiceError::Invalid(vec![fault])),
            None => Ok(()),
        }
    }

    /// Have a voice deleted that no bot names, at its vendor too. Asked again it is tried again.
    pub async fn remove(&self, tenant: &TenantId, id: &VoiceId) -> Result<Stored<Voice>, VoiceError> {
        let mut voice = self.stores.voices(tenant).get_voice(id).await?;
        if voice.value.state == VoiceState::Making && self.is_open(tenant, &job_id(MAKE, id)).await? {
            return Err(VoiceError::BeingMade);
        }
        let users = self.users_of(tenant, id).await?;
        if !users.is_empty() {
            let users = users.join(", ");
            if voice.value.state == VoiceState::Removing {
                self.keep(voice, &users).await?;
            }
            return Err(VoiceError::InUse(users));
        }
        let (job, now) = (self.lay_job((tenant, id), REMOVE).await?, Stamp(self.clock.now()));
        if voice.value.state != VoiceState::Removing {
            let was = voice.value.state;
            (voice.value.state, voice.value.error, voice.value.updated_at) =
                (VoiceState::Removing, None, now);
            voice = self.stores.voices(tenant).replace_voice(voice).await?;
            // A bot that was written since the look above names a voice that goes: it stays.
            let users = self.users_of(tenant, id).await?;
            if !users.is_empty() {
                voice.value.state = was;
                self.stores.voices(tenant).replace_voice(voice).await?;
                return Err(VoiceError::InUse(users.join(", ")));
            }
        }
        self.begin_job(tenant, &job).await?;
        Ok(voice)
    }

    /// Have a voice that was to be deleted stay as it was before: bots name it.
    pub(super) async fn keep(&self, mut voice: Stored<Voice>, users: &str) -> Result<(), StoreError> {
        tracing::warn!(voice.id = voice.id, users, "a voice that was to be deleted is used, and stays");
        let is_made = voice.value.vendor_voice_id.is_some();
        voice.value.state = if is_made { VoiceState::Ready } else { VoiceState::Failed };
        voice.value.error = Some(format!("it was to be deleted, and is used by {users}"));
        voice.value.updated_at = Stamp(self.clock.now());
        let tenant = voice.value.tenant_id.clone();
        self.stores.voices(&tenant).replace_voice(voice).await.map(drop)
    }

    /// The clip of a voice.
    pub async fn clip(
        &self,
        tenant: &TenantId,
        id: &VoiceId,
    ) -> Result<Option<(Found, ByteStream)>, ObjectError> {
        let Some(found) = self.archive.find(Some(tenant), key_of(id)?).await? else { return Ok(None) };
        let content = self.archive.get(&found, 0..found.size_bytes).await?;
        Ok(content.map(|content| (found, content)))
    }

    /// All of a clip; `None` when it is gone.
    pub(super) async fn clip_bytes(
        &self,
        tenant: &TenantId,
        id: &VoiceId,
    ) -> Result<Option<Vec<u8>>, ObjectError> {
        let Some((found, mut content)) = self.clip(tenant, id).await? else { return Ok(None) };
        let size = usize::try_from(found.size_bytes).unwrap_or(usize::MAX).min(MAX_CLIP_BYTES);
        let mut bytes = Vec::with_capacity(size);
        let cut = |source| ObjectError::Unavailable { doing: "read a clip", source };
        while let Some(piece) = content.try_next().await.map_err(cut)? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// Whether there was one.
    pub(crate) async fn delete_clip(&self, id: &VoiceId) -> Result<bool, ObjectError> {
        self.archive.objects.delete(key_of(id)?).await
    }

    /// By what a voice's vendor is asked; `None` when nobody has a key any more.
    pub(super) async fn access(
        &self,
        tenant: &TenantId,
        voice: &Voice,
    ) -> Result<Option<Access>, StoreError> {
        let rules = self.stores.tenants().egress_rules(tenant).await?;
        let key = match voice.api_key.is_empty() {
            false => Some(voice.api_key.clone()),
            true => self.stores.settings().vendor_keys(tenant).await?.remove(&voice.provider),
        };
        Ok(key.map(|key| Access { key, rules }))
    }

    pub(super) fn account<'a>(&'a self, access: &'a Access, voice: &'a Voice) -> Account<'a> {
        let base_url = voice.base_url.as_deref();
        Account { egress: &self.egress, rules: &access.rules, key: access.key.expose(), base_url }
    }

    async fn keep_clip(
        &self,
        (tenant, id): (&TenantId, &VoiceId),
        bytes: Vec<u8>,
    ) -> Result<(), ObjectError> {
        let content = stream::once(async move { Ok(Bytes::from(bytes)) }).boxed();
        let expected = Expected { max_bytes: MAX_CLIP_BYTES as u64, sha256: None };
        self.archive.put(Some(tenant), key_of(id)?, content, expected).await.map(drop)
    }

    /// The job about a voice, which waits for whoever hurries it.
    async fn lay_job(&self, (tenant, voice): (&TenantId, &VoiceId), kind: &str) -> Result<JobId, StoreError> {
        let (id, now) = (job_id(kind, voice), Stamp(self.clock.now()));
        let arguments = Map::from_iter([("voice_id".to_owned(), Value::from(voice.as_str()))]);
        let job = Job::new(tenant.clone(), (Queue::Default, kind), arguments, now);
        let (job, jobs) = (Job { due_at: Some(now + PATIENCE), ..job }, self.stores.jobs(tenant));
        match jobs.insert_job(&id, &job).await {
            Ok(()) => {}
            // It ended before: it waits once more.
            Err(StoreError::Duplicate) => jobs.begin_again(&id, now + PATIENCE).await?,
            Err(error) => return Err(error),
        }
        Ok(id)
    }

    /// What the job is about is stored. One that ended since it was laid, because it was not yet, is done once more.
    async fn begin_job(&self, tenant: &TenantId, job: &JobId) -> Result<(), StoreError> {
        let (jobs, now) = (self.stores.jobs(tenant), Stamp(self.clock.now()));
        jobs.hurry(job, now).await?;
        jobs.begin_again(job, now).await
    }

    /// Whether a job is still to be done.
    async fn is_open(&self, tenant: &TenantId, job: &JobId) -> Result<bool, StoreError> {
        match self.stores.jobs(tenant).get_job(job).await {
            Ok(job) => Ok(matches!(job.value.state, JobState::Waiting | JobState::Running)),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Some of the bots that name a voice, published or in a draft.
    pub(super) async fn users_of(
        &self,
        tenant: &TenantId,
        voice: &VoiceId,
    ) -> Result<Vec<String>, StoreError> {
        let names_it = |bot: &BotSettings| named::voices_of(bot).iter().any(|named| named.id == *voice);
        self.stores.bots(tenant).some_with(names_it).await
    }
}

/// Where a voice's clip is.
pub fn key_of(id: &VoiceId) -> Result<Key, ObjectError> {
    Key::parse(&format!("{CLIPS}/{id}"))
}

/// The only job of its kind about a voice.
fn job_id(kind: &str, voice: &VoiceId) -> JobId {
    Job::id_of(&format!("{kind} {voice}"))
}

/// The id of the voice that a request with this key makes in this tenant: repeated at once, one of the two finds the other's.
fn id_of(tenant: &TenantId, creation: &Creation) -> VoiceId {
    let hash = hex(&Sha256::digest(format!("{tenant} {}", creation.key)));
    format!("{}_{}", VoiceId::PREFIX, &hash[..32]).parse().expect("hex is an id")
}

fn repeat(made: Stored<Voice>, request: Option<&String>) -> Result<Stored<Voice>, VoiceError> {
    if made.value.request.as_ref() == request { Ok(made) } else { Err(VoiceError::KeyReused) }
}

fn new_voice((tenant, author): (&TenantId, &str), wish: Wish, clip: Clip, now: Stamp) -> Voice {
    let Wish { asked, consented_at, .. } = wish;
    Voice {
        tenant_id: tenant.clone(),
        created_at: now,
        updated_at: now,
        name: asked.name,
        language: asked.language,
        provider: asked.provider,
        base_url: asked.base_url,
        api_key: asked.api_key.unwrap_or_default(),
        state: VoiceState::Making,
        vendor_voice_id: None,
        needs_verification: false,
        remove_background_noise: asked.remove_background_noise,
        error: None,
        never_made: false,
        clip,
        consent: Consent {
            statement: asked.consent.statement,
            given_by: asked.consent.given_by,
            given_at: Stamp(consented_at),
            recorded_by: author.to_owned(),
            recorded_at: now,
        },
        request: None,
    }
}
