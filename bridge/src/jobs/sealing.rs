//! Seals recordings that are kept in clear: those from before recordings were sealed, and those that were stored while they were not
//! to be. One look through all calls, and then at those again whose recordings could not be sealed; that all are is noted in the
//! store. A bridge that is killed meanwhile begins anew, and two of them at once do no harm: a recording is replaced as a whole by the
//! same one.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::api::recordings::serve::Recordings;
use crate::objects::archive::Sealing;
use crate::objects::{Key, ObjectError};
use crate::store::calls::Call;
use crate::store::engine::EngineError;
use crate::store::{Cursor, StoreError, Stored};

/// Pause before a store that was away is asked again.
const AWAY: Duration = Duration::from_secs(120);
/// Pause before those that could not be sealed are looked at again.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Calls looked at in one batch.
const BATCH: usize = 100;
/// So many that could not be sealed are passed over; with more of them something else is wrong.
const MAX_FAILED: usize = 10_000;

/// Why a look through the recordings broke off.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("calls could not be read")]
    Store(#[from] StoreError),
    #[error("the recording of {call} could not be sealed")]
    Object {
        call: String,
        #[source]
        source: ObjectError,
    },
}

/// How far a look through the recordings is.
#[derive(Debug, Default)]
pub struct Look {
    /// How many were in clear and are sealed now.
    pub sealed: usize,
    /// Calls whose recordings could not be sealed, though the stores were there.
    pub failed: Vec<Stored<Call>>,
    after: Option<Cursor>,
    is_through: bool,
}

/// Seal what is to be sealed, and wait for `stop`.
pub async fn run(recordings: Recordings, stop: CancellationToken) {
    let mut look = Look::default();
    loop {
        let Some(done) = stop.run_until_cancelled(Box::pin(once(&recordings, &mut look))).await else {
            return;
        };
        let pause = match done {
            Ok(true) => return stop.cancelled().await,
            Ok(false) => {
                let failed = look.failed.len();
                tracing::warn!(failed, "recordings are still in clear, which is tried again in an hour");
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

/// Unless it was done before. Whether nothing is left in clear.
async fn once(recordings: &Recordings, look: &mut Look) -> Result<bool, SealError> {
    let vault = &recordings.archive.vault;
    if recordings.archive.sealing == Sealing::Off {
        // What is stored from now on is in clear, and is looked for when recordings are sealed again.
        vault.forget_sealed().await.map_err(StoreError::from)?;
        return Ok(true);
    }
    if vault.are_sealed().await.map_err(StoreError::from)? {
        return Ok(true);
    }
    look.go_on(recordings).await?;
    if look.sealed > 0 {
        tracing::info!(sealed = look.sealed, "recordings that were kept in clear are sealed");
        look.sealed = 0;
    }
    if !look.failed.is_empty() {
        return Ok(false);
    }
    vault.note_sealed().await.map_err(StoreError::from)?;
    Ok(true)
}

impl Look {
    /// Look at every recording that was not looked at yet, or could not be sealed. One that does not open is left as it is, and told
    /// in the log; one that cannot be read or written keeps no other from its turn.
    ///
    /// # Errors
    ///
    /// When a store is away, or nearly everything fails: whoever comes again goes on there.
    pub async fn go_on(&mut self, recordings: &Recordings) -> Result<(), SealError> {
        if self.is_through {
            return self.again(recordings).await;
        }
        while !self.is_through {
            let page = recordings.stores.all_calls().list_calls(BATCH, self.after.clone()).await?;
            // As many as before, should the store go away within the page.
            let known = self.failed.len();
            for call in page.items {
                if let Err(error) = self.try_one(recordings, call).await {
                    self.failed.truncate(known);
                    return Err(error);
                }
            }
            self.after =
                page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
            self.is_through = self.after.is_none();
        }
        Ok(())
    }

    async fn again(&mut self, recordings: &Recordings) -> Result<(), SealError> {
        let mut left = std::mem::take(&mut self.failed).into_iter();
        while let Some(call) = left.next() {
            let kept = call.clone();
            if let Err(error) = self.try_one(recordings, call).await {
                self.failed.push(kept);
                self.failed.extend(left);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn try_one(&mut self, recordings: &Recordings, call: Stored<Call>) -> Result<(), SealError> {
        match seal(recordings, &call).await {
            Ok(was_clear) => self.sealed += usize::from(was_clear),
            Err(error) if is_away(&error) || self.failed.len() == MAX_FAILED => return Err(error),
            Err(error) => {
                let error = crate::error::with_source(&error);
                tracing::error!(call.id = %call.id, error, "a recording could not be sealed");
                self.failed.push(call);
            }
        }
        Ok(())
    }
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

async fn seal(recordings: &Recordings, call: &Stored<Call>) -> Result<bool, SealError> {
    let name = call.value.recording_key.as_deref().filter(|_| !call.value.is_deleted());
    let Some(key) = name.and_then(|name| Key::of_recording(name).ok()) else { return Ok(false) };
    let failed = |source| SealError::Object { call: call.id.clone(), source };
    let sealed = match recordings.archive.seal(&call.value.tenant_id, key.clone(), recordings.max_bytes).await
    {
        Err(ObjectError::Unopened) => false,
        done => done.map_err(failed)?,
    };
    if sealed {
        // The call, or its recording alone, was deleted meanwhile: it was just put back.
        let id = call.id.parse().map_err(|_| StoreError::NotFound)?;
        let now = recordings.stores.all_calls().find_with_deleted(&id).await?;
        let is_named = |call: &Call| !call.is_deleted() && call.recording_key.as_deref() == name;
        if !now.is_some_and(|now| is_named(&now.value)) {
            recordings.archive.objects.delete(key).await.map_err(failed)?;
        }
    }
    Ok(sealed)
}
