//! Delivery: what lies in an outbox reaches the bridge, for as long as it takes. A dead worker's outbox is adopted by
//! another process of the host, and its unfinished call gets its terminal record from the journal.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vox_shared::ids::{SessionId, WorkerId};
use vox_shared::outbox::{Backoff, OpenError, Outbox, Record, Seq, Settings, neighbours};
use vox_shared::wire::journal::{Accepted, JournalRecord, RecordingFile};

use crate::app::App;
use crate::bridge::DeliveryError;
use crate::call::record;
use crate::journal::entry;

/// The host is searched for outboxes of the dead this often, by somebody: a look costs as much as the host has workers, so
/// many of them take turns.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A worker looks no more often than this, however alone it is.
const OWN_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Outboxes of the dead that one worker delivers at a time; more wait for the next look, or for a neighbour.
const ADOPTIONS: usize = 8;
/// Records read at once.
const PAGE: usize = 256;
/// How often the worker looks at its own outbox without being told.
const IDLE_LOOK: Duration = Duration::from_secs(5);

/// Where the host's outboxes lie.
#[derive(Clone, Debug)]
pub struct Directories {
    parent: PathBuf,
    settings: Settings,
}

impl Directories {
    /// All under one parent.
    pub fn new(parent: PathBuf, settings: Settings) -> Self {
        Self { parent, settings }
    }

    /// A directory for this process: another life of the same worker has another one.
    pub fn own(&self, worker: &WorkerId) -> PathBuf {
        self.parent.join(format!(
            "{worker}-{}-{}",
            std::process::id(),
            self.settings.clock.now().as_millisecond()
        ))
    }
}

/// Deliver the worker's own records until the process ends.
pub async fn run_own(app: Arc<App>) {
    loop {
        deliver_all(&app, &app.outbox, Some(&app.outbox_changed)).await;
        let _either = timeout(IDLE_LOOK, app.outbox_changed.notified()).await;
    }
}

/// Deliver what is left at the end of the process, for a bounded time; the rest is adopted later.
pub async fn flush(app: &App, within: Duration) {
    let _adopted_later = timeout(within, deliver_all(app, &app.outbox, None)).await;
    if let Err(error) = app.outbox.remove_if_empty().await {
        tracing::debug!(%error, "the outbox stays for adoption");
    }
}

/// Look for outboxes of dead workers until the process ends.
pub async fn run_adoption(app: Arc<App>) {
    let mut adoptions = JoinSet::new();
    loop {
        let neighbours = neighbours(&app.directories.parent).unwrap_or_default();
        while adoptions.try_join_next().is_some() {}
        for dir in neighbours.orphans {
            if adoptions.len() < ADOPTIONS {
                let app = app.clone();
                adoptions.spawn(async move { adopt(&app, &dir).await });
            }
        }
        let turns = u32::try_from(neighbours.held).unwrap_or(u32::MAX);
        let every = LOOK_EVERY.saturating_mul(turns).max(OWN_LOOK_EVERY);
        // Spread, so that the workers of a host do not all look at once.
        sleep(every.mul_f64(0.5 + rand::random::<f64>())).await;
    }
}

async fn adopt(app: &App, dir: &Path) {
    let (path, settings) = (dir.to_owned(), app.directories.settings.clone());
    let opened = tokio::task::spawn_blocking(move || Outbox::adopt(&path, settings)).await;
    let (outbox, recovered) = match opened {
        Ok(Ok(adopted)) => adopted,
        // Another adopter was faster.
        Ok(Err(OpenError::Held(_) | OpenError::Gone(_))) => return,
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the outbox of a dead worker cannot be opened"
            );
            return;
        }
        Err(error) => {
            tracing::error!(%error, "the outbox of a dead worker cannot be opened");
            return;
        }
    };
    tracing::warn!(records = recovered.records.len(), "adopted the outbox of a dead worker");
    if let Err(error) = close_lost_calls(app, &outbox, &recovered.records).await {
        tracing::error!(%error, "a lost call could not be closed; it is left for the next adopter");
    }
    deliver_all(app, &outbox, None).await;
    if let Err(error) = outbox.remove_if_empty().await {
        tracing::debug!(%error, "the adopted outbox stays");
    }
}

/// Write a `worker_lost` record for every call that started and never ended.
async fn close_lost_calls(app: &App, outbox: &Outbox, records: &[Record]) -> anyhow::Result<()> {
    let mut open: BTreeMap<SessionId, (Accepted, Vec<JournalRecord>, Timestamp)> = BTreeMap::new();
    // Results whose upload is not on disk behind them: the worker died between the two, or it is done already.
    let mut recorded: BTreeMap<SessionId, String> = BTreeMap::new();
    for record in records {
        let Ok(journal) = serde_json::from_slice::<JournalRecord>(&record.payload) else { continue };
        match journal {
            JournalRecord::Accepted(accepted) => {
                open.insert(accepted.session_id.clone(), (*accepted, Vec::new(), record.at));
            }
            JournalRecord::Result(result) => {
                open.remove(&result.session_id);
                if let Some(key) = result.recording_key {
                    recorded.insert(result.session_id, key);
                }
            }
            JournalRecord::Refused { session_id, .. } => drop(open.remove(&session_id)),
            JournalRecord::Recording(recording) => drop(recorded.remove(&recording.session_id)),
            other => {
                if let Some((_, journal, last_at)) = open.get_mut(other.session_id()) {
                    journal.push(other);
                    *last_at = record.at;
                }
            }
        }
    }
    for (session_id, key) in recorded {
        if has_sound(&app.recordings.join(&key)) {
            let (file, bridge_url) = (key.clone(), app.bridge.url().to_owned());
            let record = RecordingFile { session_id, key, file, bridge_url };
            outbox.append(entry(&JournalRecord::Recording(record))).await?;
        }
    }
    for (session_id, (accepted, journal, last_at)) in open {
        let mut result = record::worker_lost(&accepted, journal, last_at);
        let recording = accepted.recording_file.clone().zip(accepted.recording_key.clone());
        let has_sound = |file: &str| has_sound(&app.recordings.join(file));
        if let Some(file) = accepted.recording_file.as_deref().filter(|file| !has_sound(file)) {
            forget_recording(app, file).await;
        }
        let recording = recording.filter(|(file, _)| has_sound(file));
        result.recording_key = recording.as_ref().map(|(_, key)| key.clone());
        outbox.append(entry(&JournalRecord::Result(Box::new(result)))).await?;
        if let Some((file, key)) = recording {
            let bridge_url = accepted.bridge_url.clone();
            let record = RecordingFile { session_id, key, file, bridge_url };
            outbox.append(entry(&JournalRecord::Recording(record))).await?;
        }
    }
    Ok(())
}

/// What the outbox holds of one call, in order.
pub async fn journal_of(outbox: &Outbox, session_id: &SessionId) -> Vec<JournalRecord> {
    let records = read_all(outbox).await.unwrap_or_default();
    records.into_iter().map(|(_, record)| record).filter(|record| record.session_id() == session_id).collect()
}

/// Remove a file without sound: of a call that ended before its first sample, or was not recorded at all.
pub async fn forget_recording(app: &App, file: &str) {
    match tokio::fs::remove_file(app.recordings.join(file)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "an empty recording stays on this host");
        }
        _ => {}
    }
}

/// More than a header.
pub fn has_sound(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|m| m.len() > 44)
}

/// Deliver until nothing is left that can be delivered now. What is new does not wait for what is tried again.
async fn deliver_all(app: &App, outbox: &Outbox, news: Option<&Notify>) {
    let mut backoff = Backoff::new();
    loop {
        match deliver_once(app, outbox).await {
            Ok(()) => return,
            Err(why) => {
                let wait = backoff.next_wait(rand::random());
                tracing::warn!(why, wait_ms = wait.as_millis() as u64, "a delivery is tried again");
                match news {
                    Some(news) => drop(timeout(wait, news.notified()).await),
                    None => sleep(wait).await,
                }
            }
        }
    }
}

/// One pass over the outbox. `Err` when something must be tried again.
async fn deliver_once(app: &App, outbox: &Outbox) -> Result<(), String> {
    let mut records = read_all(outbox).await?;
    // Results are small and waited for; an upload may take minutes.
    records.sort_by_key(|(_, record)| matches!(record, JournalRecord::Recording(_)));
    let ended: HashSet<SessionId> = records
        .iter()
        .filter(|(_, r)| matches!(r, JournalRecord::Result(_) | JournalRecord::Refused { .. }))
        .map(|(_, r)| r.session_id().clone())
        .collect();
    let mut retry = None;
    for (seq, record) in records {
        let outcome = match record {
            JournalRecord::Result(mut result) => {
                result.seq = seq;
                app.bridge.deliver(&result).await
            }
            JournalRecord::Recording(recording) => upload(app, &recording).await,
            // The journal has served when the call's end is on disk behind it.
            other if ended.contains(other.session_id()) => Ok(()),
            // Of a call that runs, or was accepted a moment ago.
            _ => continue,
        };
        settle(outbox, seq, outcome, &mut retry).await;
    }
    match retry {
        None => Ok(()),
        Some(why) => Err(why),
    }
}

async fn settle(outbox: &Outbox, seq: Seq, outcome: Result<(), DeliveryError>, retry: &mut Option<String>) {
    match outcome {
        Ok(()) => {
            if outbox.acknowledge(seq).await.is_err() {
                retry.get_or_insert_with(|| "the outbox is closed".into());
            }
        }
        Err(DeliveryError::Retry(why)) => *retry = Some(why),
        Err(DeliveryError::Rejected(why)) => {
            tracing::error!(
                why,
                seq,
                "the bridge will never take this record; it is kept in the rejected log"
            );
            if let Err(error) = outbox.reject(seq, &why).await {
                *retry = Some(error.to_string());
            }
        }
    }
}

async fn upload(app: &App, recording: &RecordingFile) -> Result<(), DeliveryError> {
    let file = app.recordings.join(&recording.file);
    // Uploaded and removed, and then the process was stopped before it could acknowledge.
    if !tokio::fs::try_exists(&file).await.unwrap_or(true) {
        tracing::warn!("a recording is gone from this host: it was uploaded before");
        return Ok(());
    }
    app.bridge.at(&recording.bridge_url).upload(&recording.key, &file).await?;
    if let Err(error) = tokio::fs::remove_file(&file).await {
        tracing::warn!(%error, "an uploaded recording stays on this host");
    }
    Ok(())
}

/// Every unacknowledged record that can be read. One that cannot is set aside by the outbox's rejected log.
async fn read_all(outbox: &Outbox) -> Result<Vec<(Seq, JournalRecord)>, String> {
    let mut after = 0;
    let mut all = Vec::new();
    loop {
        let page = outbox.pending(after, PAGE).await.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.seq;
        for record in page {
            match serde_json::from_slice(&record.payload) {
                Ok(journal) => all.push((record.seq, journal)),
                Err(error) => {
                    let why = format!("not a journal record: {error}");
                    outbox.reject(record.seq, &why).await.map_err(|e| e.to_string())?;
                }
            }
        }
    }
}
