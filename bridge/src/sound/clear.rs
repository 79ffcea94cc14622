//! Clears sounds away that nobody keeps: those that were sent and not taken, whoever broke off, and those that were deleted. A bot that came
//! to name one at the moment of its deletion was stored since, and the sound stays.

use vox_shared::ids::SoundId;

use super::desk::{PATIENCE, SoundDesk, key_of};
use crate::jobs::runner::Failure;
use crate::store::jobs::Job;
use crate::store::sounds::Sound;
use crate::store::{Stamp, StoreError, Stored};

/// Times that it is tried, over five hours.
pub const MAX_TRIES: i64 = 10;

/// Look whether a sound is anybody's, and delete it if not.
pub async fn carry_out(desk: SoundDesk, job: Stored<Job>) -> Result<(), Failure> {
    let (tenant, id) = (&job.value.tenant_id, sound_of(&job)?);
    let Some(sound) = desk.stores.sounds(tenant).find_with_removed(&id).await? else {
        // Whoever took it was killed before it was stored, or the store refused it.
        desk.archive.objects.delete(key_of(&id)?).await?;
        return Ok(());
    };
    let Some(removed_at) = sound.value.removed_at else { return Ok(()) };
    // One that was deleted a moment ago has a job of its own, which comes later.
    if Stamp(desk.clock.now()) < removed_at + PATIENCE {
        return Ok(());
    }
    let users = desk.users_of(tenant, &id).await?;
    if !users.is_empty() {
        return Ok(keep(&desk, sound, &users.join(", ")).await?);
    }
    // The object first: a document without one says what is left to delete.
    desk.archive.objects.delete(key_of(&id)?).await?;
    match desk.stores.sounds(tenant).delete_sound(&sound).await {
        // Its tenant went meanwhile, and it too.
        Ok(()) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Have a sound that was deleted be there again.
async fn keep(desk: &SoundDesk, mut sound: Stored<Sound>, users: &str) -> Result<(), StoreError> {
    tracing::warn!(sound.id = sound.id, users, "a sound that was deleted is used, and stays");
    sound.value.removed_at = None;
    let tenant = sound.value.tenant_id.clone();
    desk.stores.sounds(&tenant).replace_sound(sound).await.map(drop)
}

fn sound_of(job: &Stored<Job>) -> Result<SoundId, Failure> {
    let named = job.value.arguments.get("sound_id").and_then(serde_json::Value::as_str);
    named.and_then(|id| id.parse().ok()).ok_or_else(|| Failure::ForGood("the job names no sound".into()))
}
