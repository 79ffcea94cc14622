//! Recordings: to the bridge, and off the disk when they are there.

use std::path::Path;

use vox_shared::wire::journal::RecordingFile;

use super::desk::Desk;
use super::direct::{self, Way};
use crate::bridge::{DeliveryError, Hashed};

/// A WAV header and nothing behind it, bytes.
const EMPTY_BYTES: u64 = 44;

/// Upload a recording and remove its file.
pub(super) async fn upload(desk: &Desk, recording: &RecordingFile) -> Result<(), DeliveryError> {
    let file = desk.recordings.join(&recording.file);
    let _place = desk.uploads.acquire().await.expect("it is never closed");
    // Uploaded and removed, and then the process was stopped before it could acknowledge.
    if !tokio::fs::try_exists(&file).await.unwrap_or(true) {
        tracing::warn!("a recording is gone from this host: it was uploaded before");
        return Ok(());
    }
    let bridge = desk.bridge.at(&recording.bridge_url);
    let hashed = Hashed::of(&file).await?;
    if direct::upload(&bridge, recording, &hashed).await? == Way::ThroughTheBridge {
        bridge.upload(&recording.key, &hashed, &recording.proof).await?;
        direct::forget(&direct::note_of(&file)).await;
    }
    if let Err(error) = tokio::fs::remove_file(&file).await {
        tracing::warn!(%error, "an uploaded recording stays on this host");
    }
    Ok(())
}

/// Remove a file without sound: of a call that ended before its first sample, or was not recorded at all.
pub(super) async fn forget(desk: &Desk, file: &str) {
    match tokio::fs::remove_file(desk.recordings.join(file)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "an empty recording stays on this host");
        }
        _ => {}
    }
}

/// Whether there is more than a header.
pub async fn has_sound(file: &Path) -> bool {
    tokio::fs::metadata(file).await.is_ok_and(|m| m.len() > EMPTY_BYTES)
}
