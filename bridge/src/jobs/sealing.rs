//! Seals recordings, clips and sounds that are kept in clear: those from before they were sealed, and those that were stored while they were
//! not to be. One look through all calls, and all tenants' voices and sounds, and then at those again that could not be sealed; that all are is noted
//! in the store, unless one was stored in clear meanwhile: a bridge that does not seal may still run beside this one. A bridge that is
//! killed meanwhile begins anew, and two of them at once do no harm: each is replaced as a whole by the same one. The file of an import is gone when its rows are in, and is not looked for.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::ids::{SoundId, TenantId, VoiceId};

use crate::api::recordings::serve::Recordings;
use crate::objects::archive::Sealing;
use crate::objects::{Key, ObjectError};
use crate::sound;
use crate::store::calls::Call;
use crate::store::engine::{EngineError, MAX_PAGE};
use crate::store::voices::VoiceState;
use crate::store::{Cursor, StoreError, Stored};
use crate::vault::notes::Note;
use crate::voice::desk::key_of;

/// Pause before a store that was away is asked again.
const AWAY: Duration = Duration::from_secs(120);
/// Pause before those that could not be sealed are looked at again, and before it is asked whether one was stored in clear since.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Calls looked at in one batch.
const BATCH: usize = 100;
/// So many that could not be sealed are passed over; with more of them something else is wrong.
const MAX_FAILED: usize = 10_000;

/// Why a look through the recordings broke off.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("calls, voices and sounds could not be read")]
    Store(#[from] StoreError),
    #[error("what was recorded for {id} could not be sealed")]
    Object {
        id: String,
        #[source]
        source: ObjectError,
    },
}

/// A recording, a clip or a sound that may be in clear.
#[derive(Clone, Debug)]
pub struct Item {
    /// The call's, the voice's or the sound's.
    pub id: String,
    tenant: TenantId,
    key: Key,
    of: Of,
}

#[derive(Clone, Debug)]
enum Of {
    /// Under this name.
    Call(String),
    Voice(VoiceId),
    Sound(SoundId),
}

/// What is looked at next.
#[derive(Clone, Debug)]
enum Stage {
    Calls(Option<Cursor>),
    /// Voices and sounds of the tenants after this one.
    Tenants(Option<String>),
    Through,
}

/// How far a look through recordings and clips is.
#[derive(Debug)]
pub struct Look {
    /// How many were in clear and are sealed now.
    pub sealed: usize,
    /// Those that could not be sealed, though the stores were there.
    pub failed: Vec<Item>,
    stage: Stage,
    /// What was noted before the first was looked at.
    since: Option<Note>,
}

impl Default for Look {
    fn default() -> Self {
        Self { sealed: 0, failed: Vec::new(), stage: Stage::Calls(None), since: None }
    }
}

/// Seal what is to be sealed, and wait for `stop`.
pub async fn run(recordings: Recordings, stop: CancellationToken) {
    let mut look = Look::default();
    loop {
        let Some(done) = stop.run_until_cancelled(Box::pin(once(&recordings, &mut look))).await else {
            return;
        };
        let pause = match done {
            Ok(true) => {
                look = Look::default();
                AGAIN
            }
            Ok(false) => {
                let failed = look.failed.len();
                tracing::warn!(
                    failed,
                    "recordings, clips or sounds are still in clear, which is tried again in an hour"
                );
                AGAIN
            }
            Err(error) => {
                let error = crate::error::with_source(&error);
                tracing::warn!(error, "the sealing of recordings goes on in two minutes");
                AWAY
            }
        };
        if stop.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Unless it was done before. Whether nothing is left to be done now.
///
/// # Errors
///
/// As [`Look::go_on`].
pub async fn once(recordings: &Recordings, look: &mut Look) -> Result<bool, SealError> {
    let vault = &recordings.archive.vault;
    if recordings.archive.sealing == Sealing::Off {
        // What is stored from now on is in clear, and is looked for when recordings are sealed again. Whoever stores one says so too.
        vault.note_in_clear().await.map_err(StoreError::from)?;
        return Ok(true);
    }
    let now = vault.note_of_recordings().await.map_err(StoreError::from)?;
    if now.are_sealed {
        return Ok(true);
    }
    let since = *look.since.get_or_insert(now);
    look.go_on(recordings).await?;
    if look.sealed > 0 {
        tracing::info!(
            sealed = look.sealed,
            "recordings, clips and sounds that were kept in clear are sealed"
        );
        look.sealed = 0;
    }
    if !look.failed.is_empty() {
        return Ok(false);
    }
    if !vault.note_sealed(since).await.map_err(StoreError::from)? {
        tracing::warn!(
            "recordings were stored in clear meanwhile: a bridge that does not seal them runs beside this one"
        );
    }
    Ok(true)
}

impl Look {
    /// Look at everything that was not looked at yet, or could not be sealed. One that does not open is left as it is, and told
    /// in the log; one that cannot be read or written keeps no other from its turn.
    ///
    /// # Errors
    ///
    /// When a store is away, or nearly everything fails: whoever comes again goes on there.
    pub async fn go_on(&mut self, recordings: &Recordings) -> Result<(), SealError> {
        if matches!(self.stage, Stage::Through) {
            return self.again(recordings).await;
        }
        loop {
            let (items, next) = match &self.stage {
                Stage::Calls(after) => of_calls(recordings, after.clone()).await?,
                Stage::Tenants(after) => of_tenants(recordings, after.clone()).await?,
                Stage::Through => return Ok(()),
            };
            // As many as before, should the store go away within the page.
            let known = self.failed.len();
            for item in items {
                if let Err(error) = self.try_one(recordings, item).await {
                    self.failed.truncate(known);
                    return Err(error);
                }
            }
            self.stage = next;
        }
    }

    async fn again(&mut self, recordings: &Recordings) -> Result<(), SealError> {
        let mut left = std::mem::take(&mut self.failed).into_iter();
        while let Some(item) = left.next() {
            let kept = item.clone();
            if let Err(error) = self.try_one(recordings, item).await {
                self.failed.push(kept);
                self.failed.extend(left);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn try_one(&mut self, recordings: &Recordings, item: Item) -> Result<(), SealError> {
        match seal(recordings, &item).await {
            Ok(was_clear) => self.sealed += usize::from(was_clear),
            Err(error) if is_away(&error) || self.failed.len() == MAX_FAILED => return Err(error),
            Err(error) => {
                let error = crate::error::with_source(&error);
                tracing::error!(id = %item.id, error, "a recording could not be sealed");
                self.failed.push(item);
            }
        }
        Ok(())
    }
}

/// A page of calls, the newest first, and what comes after it.
async fn of_calls(recordings: &Recordings, after: Option<Cursor>) -> Result<(Vec<Item>, Stage), StoreError> {
    let page = recordings.stores.all_calls().list_calls(BATCH, after).await?;
    let item = |call: Stored<Call>| {
        let name = call.value.recording_key.clone().filter(|_| !call.value.is_deleted())?;
        let key = Key::of_recording(&name).ok()?;
        Some(Item { id: call.id, tenant: call.value.tenant_id, key, of: Of::Call(name) })
    };
    let items = page.items.into_iter().filter_map(item).collect();
    let next = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
    Ok((items, next.map_or(Stage::Tenants(None), |next| Stage::Calls(Some(next)))))
}

/// The voices and sounds of a page of tenants, and what comes after them. Those that are being deleted need no seal.
async fn of_tenants(
    recordings: &Recordings,
    after: Option<String>,
) -> Result<(Vec<Item>, Stage), StoreError> {
    let (page, mut items) = (recordings.stores.tenants().list_by_id(after).await?, Vec::new());
    for id in page.tenants.iter().filter_map(|tenant| tenant.id.parse::<TenantId>().ok()) {
        for voice in recordings.stores.voices(&id).list_voices(MAX_PAGE).await?.items {
            let Ok(voice_id) = voice.id.parse::<VoiceId>() else { continue };
            let Ok(key) = key_of(&voice_id) else { continue };
            if voice.value.state != VoiceState::Removing {
                items.push(Item { id: voice.id, tenant: id.clone(), key, of: Of::Voice(voice_id) });
            }
        }
        // Those that were removed too: calls may still fetch them.
        for sound in recordings.stores.sounds(&id).list_with_removed(MAX_PAGE).await?.items {
            let Ok(sound_id) = sound.id.parse::<SoundId>() else { continue };
            let Ok(key) = sound::desk::key_of(&sound_id) else { continue };
            items.push(Item { id: sound.id, tenant: id.clone(), key, of: Of::Sound(sound_id) });
        }
    }
    Ok((items, page.last.map_or(Stage::Through, |last| Stage::Tenants(Some(last)))))
}

fn is_away(error: &SealError) -> bool {
    match error {
        SealError::Store(StoreError::NotFound | StoreError::Engine(EngineError::Malformed(_))) => false,
        SealError::Store(_) => true,
        SealError::Object { source, .. } => {
            matches!(source, ObjectError::Unavailable { .. } | ObjectError::Keys(_) | ObjectError::NoBucket)
        }
    }
}

async fn seal(recordings: &Recordings, item: &Item) -> Result<bool, SealError> {
    let failed = |source| SealError::Object { id: item.id.clone(), source };
    let sealed = match recordings.archive.seal(&item.tenant, item.key.clone(), recordings.max_bytes).await {
        Err(ObjectError::Unopened) => false,
        done => done.map_err(failed)?,
    };
    // Whoever named it, or the name alone, was deleted meanwhile: it was just put back.
    if sealed && !is_named(recordings, item).await? {
        recordings.archive.objects.delete(item.key.clone()).await.map_err(failed)?;
    }
    Ok(sealed)
}

async fn is_named(recordings: &Recordings, item: &Item) -> Result<bool, StoreError> {
    match &item.of {
        Of::Call(name) => {
            let id = item.id.parse().map_err(|_| StoreError::NotFound)?;
            let now = recordings.stores.all_calls().find_with_deleted(&id).await?;
            let is_it = |call: &Call| !call.is_deleted() && call.recording_key.as_ref() == Some(name);
            Ok(now.is_some_and(|now| is_it(&now.value)))
        }
        Of::Voice(id) => {
            let now = recordings.stores.voices(&item.tenant).find_voice(id).await?;
            Ok(now.is_some_and(|now| now.value.state != VoiceState::Removing))
        }
        Of::Sound(id) => Ok(recordings.stores.sounds(&item.tenant).find_with_removed(id).await?.is_some()),
    }
}
