//! Voices made and deleted at their vendors. Either may be begun again at any time, so what had no answer is looked for first.

use sha2::{Digest, Sha256};
use vox_egress::Failure as VendorFailure;
use vox_shared::ids::{TenantId, VoiceId};

use super::desk::{Access, VoiceDesk};
use super::elevenlabs::{self, Made, Wanted};
use crate::auth::secret_token::hex;
use crate::bot::residency;
use crate::error::with_source;
use crate::jobs::runner::Failure;
use crate::objects::ObjectError;
use crate::store::jobs::Job;
use crate::store::voices::{Voice, VoiceState};
use crate::store::{Stamp, StoreError, Stored};

/// Times that a vendor is asked to make a voice, over a quarter of an hour.
pub const MAKE_TRIES: i64 = 5;
/// Times that one is asked to delete it, over five hours.
pub const REMOVE_TRIES: i64 = 10;
/// Tries of a change against others that write the same document.
const MAX_TRIES: usize = 8;

impl From<ObjectError> for Failure {
    fn from(error: ObjectError) -> Self {
        Self::Now(with_source(&error))
    }
}

/// Have a voice made.
pub async fn make(desk: VoiceDesk, job: Stored<Job>) -> Result<(), Failure> {
    let (tenant, id) = (&job.value.tenant_id, voice_of(&job)?);
    let Some(voice) = desk.stores.voices(tenant).find_voice(&id).await? else {
        // Whoever took the clip was killed before the voice was stored.
        desk.delete_clip(&id).await?;
        return Ok(());
    };
    if voice.value.state != VoiceState::Making {
        return Ok(());
    }
    match made(&desk, (tenant, &id), &voice.value, job.value.tries).await {
        Ok(made) => end(&desk, (tenant, &id), &Ok(made)).await,
        Err(failure) => {
            let is_last = matches!(failure, Failure::ForGood(_)) || job.value.tries >= MAKE_TRIES;
            if is_last {
                end(&desk, (tenant, &id), &Err(&failure)).await?;
            }
            Err(failure)
        }
    }
}

async fn made(
    desk: &VoiceDesk,
    (tenant, id): (&TenantId, &VoiceId),
    voice: &Voice,
    tries: i64,
) -> Result<Made, Failure> {
    let access = access(desk, tenant, voice).await?;
    let (account, name) = (desk.account(&access, voice), vendor_name(voice, id));
    if tries > 1
        && let Some(made) = elevenlabs::find(account, &name, id.as_str()).await.map_err(later)?
    {
        return Ok(made);
    }
    // Asked for anew: the tenant may have been given a region since.
    let pin = desk.stores.tenants().get_tenant(tenant).await?.value.pin();
    if let Some(why) = residency::of_voice(pin.as_ref(), &voice.provider, voice.base_url.as_deref()) {
        return Err(Failure::ForGood(why));
    }
    let bytes = desk.clip_bytes(tenant, id).await?;
    let bytes = bytes.ok_or_else(|| Failure::ForGood("the clip is gone".into()))?;
    // Of two requests under one key the later clip may lie under the first one's name: the consent is not for that.
    if hex(&Sha256::digest(&bytes)) != voice.clip.sha256 {
        return Err(Failure::ForGood("the clip is not the one that was agreed to; send it again".into()));
    }
    let wanted = Wanted {
        name: &name,
        language: &voice.language,
        remove_background_noise: voice.remove_background_noise,
        clip: (voice.clip.format, bytes),
    };
    elevenlabs::make(account, wanted).await.map_err(failure)
}

/// Write down what came of it. A voice that is being deleted by now keeps that, and gets the vendor's id for it.
async fn end(
    desk: &VoiceDesk,
    (tenant, id): (&TenantId, &VoiceId),
    came: &Result<Made, &Failure>,
) -> Result<(), Failure> {
    let voices = desk.stores.voices(tenant);
    for _ in 0..MAX_TRIES {
        let Some(mut voice) = voices.find_voice(id).await? else { return Ok(()) };
        let is_making = voice.value.state == VoiceState::Making;
        let state = match came {
            Ok(made) => {
                voice.value.vendor_voice_id = Some(made.id.clone());
                voice.value.needs_verification = made.needs_verification;
                VoiceState::Ready
            }
            Err(failure) => {
                voice.value.error = Some(failure.to_string());
                // Whatever went before, the vendor was looked through, and then it refused.
                voice.value.never_made = matches!(failure, Failure::ForGood(_));
                VoiceState::Failed
            }
        };
        if is_making {
            voice.value.state = state;
        }
        voice.value.updated_at = Stamp(desk.clock.now());
        match voices.replace_voice(voice).await {
            Err(StoreError::Conflict) => {}
            written => return Ok(written.map(drop)?),
        }
    }
    Err(StoreError::Conflict.into())
}

/// Delete a voice: at its vendor, then its clip, then itself. One that a bot names by now stays: whoever wanted it gone may have been
/// killed, or refused by the store, before that was seen to its end.
pub async fn remove(desk: VoiceDesk, job: Stored<Job>) -> Result<(), Failure> {
    let (tenant, id) = (&job.value.tenant_id, voice_of(&job)?);
    let voices = desk.stores.voices(tenant);
    let Some(voice) = voices.find_voice(&id).await? else { return Ok(()) };
    if voice.value.state != VoiceState::Removing {
        return Ok(());
    }
    let users = desk.users_of(tenant, &id).await?;
    if !users.is_empty() {
        return Ok(desk.keep(voice, &users.join(", ")).await?);
    }
    if let Err(failure) = remove_at_vendor(&desk, (tenant, &id), &voice.value).await {
        let mut told = voice;
        told.value.error = Some(failure.to_string());
        match voices.replace_voice(told).await {
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        return Err(failure);
    }
    desk.delete_clip(&id).await?;
    Ok(voices.delete_voice(&voice).await?)
}

/// What the vendor has of a voice, if it has anything.
pub(crate) async fn remove_at_vendor(
    desk: &VoiceDesk,
    (tenant, id): (&TenantId, &VoiceId),
    voice: &Voice,
) -> Result<(), Failure> {
    if voice.never_made {
        return Ok(());
    }
    let access = access(desk, tenant, voice).await?;
    let account = desk.account(&access, voice);
    let at_vendor = match &voice.vendor_voice_id {
        Some(at_vendor) => Some(at_vendor.clone()),
        // The answer to its making may have been lost.
        None => {
            let found = elevenlabs::find(account, &vendor_name(voice, id), id.as_str()).await;
            found.map_err(later)?.map(|made| made.id)
        }
    };
    match at_vendor {
        Some(at_vendor) => elevenlabs::remove(account, &at_vendor).await.map_err(later),
        None => Ok(()),
    }
}

async fn access(desk: &VoiceDesk, tenant: &TenantId, voice: &Voice) -> Result<Access, Failure> {
    let access = desk.access(tenant, voice).await?;
    access.ok_or_else(|| {
        Failure::Now(format!("there is no key for {} any more: put one into the settings", voice.provider))
    })
}

/// The name at the vendor: no other voice has the id in it.
fn vendor_name(voice: &Voice, id: &VoiceId) -> String {
    format!("{} ({id})", voice.name)
}

fn voice_of(job: &Stored<Job>) -> Result<VoiceId, Failure> {
    let named = job.value.arguments.get("voice_id").and_then(serde_json::Value::as_str);
    named.and_then(|id| id.parse().ok()).ok_or_else(|| Failure::ForGood("the job names no voice".into()))
}

fn failure(failure: VendorFailure) -> Failure {
    if failure.class.is_transient() { later(failure) } else { Failure::ForGood(failure.detail) }
}

/// A person may put a good key in the place of a bad one.
fn later(failure: VendorFailure) -> Failure {
    Failure::Now(failure.detail)
}
