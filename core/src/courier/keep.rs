//! The end of a call: its recording is closed, its record written, and neither the disk nor the bridge may make the next call
//! wait for that.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vox_shared::outbox::Backoff;
use vox_shared::wire::journal::{Accepted, JournalRecord, RecordingFile, result_body};
use vox_shared::wire::proof::Proof;
use vox_shared::wire::result::CallResult;

use super::desk::Desk;
use super::upload::forget;
use crate::bridge::DeliveryError;
use crate::call::record;
use crate::journal::CallJournal;
use crate::media::recorder::{Finished, Unfinished};

/// How long the record waits for the recording's file to be closed, so that it can say what is in it.
const RECORDING_PATIENCE: Duration = Duration::from_secs(3);
/// How long the disk alone is waited for before the bridge is offered the record from memory as well.
const DISK_PATIENCE: Duration = Duration::from_secs(2);

/// A call that is over.
#[derive(Debug)]
pub struct Ending {
    pub accepted: Accepted,
    pub journal: Arc<CallJournal>,
    pub end: End,
}

/// How.
#[derive(Debug)]
pub enum End {
    /// It was not let in, and owes nothing.
    Refused { reason: String },
    /// It owes this, and what was recorded of it.
    Over { result: Box<CallResult>, recording: Option<Unfinished> },
}

/// Put a call's end away. Returns when it is durable here or at the bridge, or the bridge refused it for good.
pub(super) async fn keep(desk: &Desk, ending: Ending) {
    let Ending { accepted, journal, end } = ending;
    let (mut result, recording) = match end {
        End::Refused { reason } => {
            let session_id = accepted.session_id;
            if let Err(error) = journal.write(&JournalRecord::Refused { session_id, reason }).await {
                tracing::error!(%error, "a refusal is not on disk: the call may be told as lost");
            }
            return;
        }
        End::Over { result, recording } => (result, recording),
    };
    let late = match recording {
        Some(recording) => close(recording, &accepted, &mut result).await,
        None => None,
    };
    let has_recording = result.recording_key.is_some();
    until_safe(desk, &journal, *result).await;
    if let Some(late) = late {
        // Uploaded when it is whole, however long the disk takes.
        let _panicked = late.await;
    }
    order_upload(desk, &accepted, &journal, has_recording).await;
}

/// Close the recording; its writer when the disk is too slow for the record to wait for it.
async fn close(
    recording: Unfinished,
    accepted: &Accepted,
    result: &mut CallResult,
) -> Option<JoinHandle<Finished>> {
    let Unfinished { recorder, until } = recording;
    let mut closing = tokio::task::spawn_blocking(move || recorder.finish(until));
    let (finished, late) = match timeout(RECORDING_PATIENCE, &mut closing).await {
        Ok(Ok(finished)) => (finished, None),
        Ok(Err(error)) => (Finished { frames: 0, fault: Some(error.to_string()) }, None),
        Err(_) => {
            let fault = Some("the disk has not taken the end of the recording yet".to_owned());
            (Finished { frames: 1, fault }, Some(closing))
        }
    };
    record::add_recording(result, accepted, finished);
    late
}

/// Until the record is on disk, or the bridge has it or has refused it.
async fn until_safe(desk: &Desk, journal: &CallJournal, result: CallResult) {
    let body = result_body(serde_json::to_vec(&result).expect("a result is plain data"));
    let session_id = result.session_id.clone();
    let proof = result.proof.clone();
    let record = JournalRecord::Result(Box::new(result));
    let mut backoff = Backoff::new();
    let mut patience = DISK_PATIENCE;
    loop {
        let mut write = pin!(journal.write(&record));
        let fault = loop {
            match timeout(patience, &mut write).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => break error,
                Err(_) => {
                    tracing::error!("the disk is slow to take a result; the bridge is offered it directly")
                }
            }
            if offered(desk, &body, &proof).await {
                return close_journal(journal, session_id);
            }
            patience = backoff.next_wait(rand::random());
        };
        tracing::error!(error = %fault, "the disk takes no result; the bridge is offered it directly");
        if offered(desk, &body, &proof).await {
            return close_journal(journal, session_id);
        }
        sleep(backoff.next_wait(rand::random())).await;
    }
}

/// Whether the bridge has the result now, or will never have it.
async fn offered(desk: &Desk, body: &[u8], proof: &Proof) -> bool {
    match desk.bridge_of(proof).deliver(None, body.to_vec(), proof).await {
        Ok(()) => true,
        Err(DeliveryError::Rejected(why)) => {
            desk.books.note_refused();
            tracing::error!(why, "the bridge will never take a result that is in no outbox: it is lost");
            true
        }
        Err(error) => {
            tracing::error!(%error, "a result that is not on disk could not be delivered yet");
            false
        }
    }
}

/// The journal owes nothing any more, if the disk takes that.
fn close_journal(journal: &CallJournal, session_id: vox_shared::ids::SessionId) {
    let reason = "delivered from memory: the disk did not take the result".to_owned();
    journal.note(&JournalRecord::Refused { session_id, reason });
}

async fn order_upload(desk: &Desk, accepted: &Accepted, journal: &CallJournal, has_recording: bool) {
    let (Some(file), Some(key)) = (&accepted.recording_file, &accepted.recording_key) else { return };
    if !has_recording {
        return forget(desk, file).await;
    }
    let record = JournalRecord::Recording(RecordingFile {
        session_id: accepted.session_id.clone(),
        key: key.clone(),
        file: file.clone(),
        bridge_url: accepted.bridge_url.clone(),
        traceparent: accepted.traceparent,
        proof: accepted.proof.clone(),
    });
    if let Err(error) = journal.write(&record).await {
        tracing::error!(%error, "the recording stays on this host: its upload cannot be journalled");
    }
}
