//! A recording goes from here to the bucket, in parts, by addresses that the bridge signs for it. What is known of an upload lies
//! beside the recording: whoever adopts the outbox goes on with the parts that are missing. Decision 0044.

mod sealed;

use std::path::{Path, PathBuf};

use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::journal::RecordingFile;
use vox_shared::wire::upload::{CompleteRequest, DirectUpload, Plan, UploadAnswer, UploadRequest};

use self::sealed::Source;
use crate::bridge::direct::{Completed, PartError};
use crate::bridge::{Bridge, DeliveryError, Hashed, unreadable};

/// Behind the name of a recording: the upload that was begun of it.
const NOTE_SUFFIX: &str = ".upload";
/// Times in a row in which the bridge gives addresses and none of them takes its part.
const IDLE_ROUNDS: u32 = 3;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The bridge has looked at it and keeps it.
    Done,
    /// It is to go through the bridge: there is no bucket, or it cannot be reached from here.
    ThroughTheBridge,
}

/// Where the name of an upload lies.
pub(super) fn note_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(NOTE_SUFFIX);
    name.into()
}

/// Upload a recording, as far as it is not there already.
pub(super) async fn upload(
    bridge: &Bridge,
    recording: &RecordingFile,
    hashed: &Hashed,
) -> Result<Way, DeliveryError> {
    let Hashed { file, size_bytes, sha256 } = hashed;
    let (size_bytes, sha256) = (*size_bytes, sha256.clone());
    let note = note_of(file);
    // One that cannot be read is begun anew.
    let begun = tokio::fs::read_to_string(&note).await.ok();
    let mut asked = UploadRequest { version: WIRE_VERSION, size_bytes, sha256, upload: begun };
    let mut idle = 0;
    loop {
        let UploadAnswer::Direct(told) = bridge.direct(&recording.key, &asked, &recording.proof).await?
        else {
            return Ok(Way::ThroughTheBridge);
        };
        if asked.upload.as_ref() != Some(&told.upload) {
            keep(&note, &told.upload).await;
            asked.upload = Some(told.upload.clone());
        }
        let plan = Plan::told(size_bytes, &told);
        let round = Round { bridge, file, plan, told: &told };
        match round.run().await? {
            Sent::All => return complete(bridge, recording, (&note, told.upload)).await,
            Sent::Some => idle = 0,
            Sent::None if idle + 1 < IDLE_ROUNDS => idle += 1,
            Sent::None if told.stored.is_empty() => return Ok(Way::ThroughTheBridge),
            Sent::None => {
                let why = "the bucket takes no more parts by the addresses that the bridge gives";
                return Err(DeliveryError::Retry(why.into()));
            }
            Sent::Nowhere => return Ok(Way::ThroughTheBridge),
        }
    }
}

/// Lost in a crash it costs only that the upload begins anew.
async fn keep(note: &Path, upload: &str) {
    if let Err(error) = tokio::fs::write(note, upload).await {
        tracing::warn!(%error, "an upload cannot be gone on with after a restart: its name is not on disk");
    }
}

/// How a round of parts went.
enum Sent {
    All,
    Some,
    None,
    /// The bucket takes nothing from here, and nothing of the recording is there yet.
    Nowhere,
}

/// The parts for which there are addresses.
struct Round<'a> {
    bridge: &'a Bridge,
    file: &'a Path,
    plan: Plan,
    told: &'a DirectUpload,
}

impl Round<'_> {
    async fn run(&self) -> Result<Sent, DeliveryError> {
        let source = Source::open(self.file, self.plan, self.told.seal.as_ref())?;
        let missing = self.plan.parts().len().saturating_sub(self.told.stored.len());
        let mut sent = 0;
        for part in &self.told.urls {
            let content = source.part(part.number).await.map_err(|error| unreadable(&error))?;
            match self.bridge.put_part(&part.url, content).await {
                Ok(()) => sent += 1,
                // Its time is over; the bridge gives another.
                Err(PartError::Refused) => break,
                Err(PartError::Failed(_)) if self.told.stored.is_empty() && sent == 0 => {
                    return Ok(Sent::Nowhere);
                }
                Err(PartError::Failed(why)) => return Err(DeliveryError::Retry(why)),
            }
        }
        Ok(match sent {
            sent if sent == missing => Sent::All,
            0 => Sent::None,
            _ => Sent::Some,
        })
    }
}

async fn complete(
    bridge: &Bridge,
    recording: &RecordingFile,
    (note, upload): (&Path, String),
) -> Result<Way, DeliveryError> {
    let asked = CompleteRequest { version: WIRE_VERSION, upload };
    match bridge.complete(&recording.key, &asked, &recording.proof).await? {
        Completed::Stored => {
            forget(note).await;
            Ok(Way::Done)
        }
        Completed::PartsMissing => {
            Err(DeliveryError::Retry("not all parts of a recording were in the bucket".into()))
        }
        Completed::BeginAnew(why) => {
            forget(note).await;
            Err(DeliveryError::Retry(why))
        }
    }
}

/// What is known of an upload is of no use any more.
pub(super) async fn forget(note: &Path) {
    match tokio::fs::remove_file(note).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "what is known of an upload stays on this host");
        }
        _ => {}
    }
}
