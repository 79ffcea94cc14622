//! Seals recordings that are kept in clear: those from before recordings were sealed, and those that were stored while they were not
//! to be. One look through all calls; that it was done is noted in the store. A bridge that is killed meanwhile begins anew, and two
//! of them at once do no harm: a recording is replaced as a whole by the same one.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::api::recordings::serve::Recordings;
use crate::objects::archive::Sealing;
use crate::objects::{Key, ObjectError};
use crate::store::calls::Call;
use crate::store::{Cursor, StoreError, Stored};

/// Pause before another try when something could not be done.
const AGAIN: Duration = Duration::from_secs(120);
/// Calls looked at in one batch.
const BATCH: usize = 100;

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

/// Seal what is to be sealed, and wait for `stop`.
pub async fn run(recordings: Recordings, stop: CancellationToken) {
    loop {
        let Some(done) = stop.run_until_cancelled(once(&recordings)).await else { return };
        match done {
            Ok(()) => return stop.cancelled().await,
            Err(error) => {
                let error = crate::error::with_source(&error);
                tracing::warn!(error, "recordings in clear could not all be sealed; it is tried again");
            }
        }
        if stop.run_until_cancelled(sleep(AGAIN)).await.is_none() {
            return;
        }
    }
}

/// Unless it was done before.
async fn once(recordings: &Recordings) -> Result<(), SealError> {
    let vault = &recordings.archive.vault;
    if recordings.archive.sealing == Sealing::Off {
        // What is stored from now on is in clear, and is looked for when recordings are sealed again.
        return vault.forget_sealed().await.map_err(StoreError::from).map_err(SealError::from);
    }
    if vault.are_sealed().await.map_err(StoreError::from)? {
        return Ok(());
    }
    let sealed = seal_all(recordings).await?;
    if sealed > 0 {
        tracing::info!(sealed, "recordings that were kept in clear are sealed");
    }
    vault.note_sealed().await.map_err(StoreError::from).map_err(SealError::from)
}

/// Look at every recording; how many were in clear and are sealed now. One that does not open is left as it is, and told in the log.
///
/// # Errors
///
/// When a store is away.
pub async fn seal_all(recordings: &Recordings) -> Result<usize, SealError> {
    let (mut sealed, mut after) = (0, None);
    loop {
        let page = recordings.stores.all_calls().list_calls(BATCH, after).await?;
        for call in &page.items {
            sealed += usize::from(seal(recordings, call).await?);
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
        if after.is_none() {
            return Ok(sealed);
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
        // Deleted meanwhile: it was just put back.
        let id = call.id.parse().map_err(|_| StoreError::NotFound)?;
        let now = recordings.stores.all_calls().find_with_deleted(&id).await?;
        if now.is_none_or(|now| now.value.is_deleted()) {
            recordings.archive.objects.delete(key).await.map_err(failed)?;
        }
    }
    Ok(sealed)
}
