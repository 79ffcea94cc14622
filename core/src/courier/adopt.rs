//! A dead worker's outbox is adopted by another process of the host, and its unfinished call gets its terminal record from
//! the journal.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::seq::SliceRandom;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use vox_shared::ids::SessionId;
use vox_shared::outbox::{self, AppendError, Neighbours, OpenError, Outbox, Record, Seq};
use vox_shared::trace::Place;
use vox_shared::wire::journal::{Accepted, JournalRecord, Label, Labelled, RecordingFile};
use vox_shared::wire::proof::Proof;

use super::deliver::{Left, Round};
use super::desk::Desk;
use super::upload::{forget, has_sound};
use crate::call::record;
use crate::journal::entry;

/// The host is searched for outboxes of the dead this often, by somebody: a look costs as much as the host has workers, so
/// many of them take turns.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A worker looks no more often than this, however alone it is.
const OWN_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Outboxes of the dead that one worker delivers at a time; more wait for the next look, or for a neighbour.
const ADOPTIONS: usize = 8;
/// Of them, those that are being read: that takes an outbox's whole content into memory, 256 MiB by default.
const READINGS: usize = 1;
/// One that is not read by then, and by the time that a slow disk needs for what is in it, keeps no other waiting any more. It is
/// taken when it has been read after all: whoever read it anew would need as long again.
const READING_PATIENCE: Duration = Duration::from_secs(30);
/// A disk that reads less than this hangs, bytes a second.
const SLOWEST_READING: u64 = 1024 * 1024;
/// Its size must be known by then, or it counts as small.
const SIZE_PATIENCE: Duration = Duration::from_secs(5);
/// The lost calls of one outbox are closed by then, or by the next adopter.
const CLOSING_PATIENCE: Duration = Duration::from_secs(30);
/// An adopted outbox from which the bridge takes nothing for so long is let go: eight of them may not keep all others from their
/// turn. Whoever looks next takes it up again, at random among those that wait.
const TURN: Duration = Duration::from_mins(2);

/// Look for outboxes of dead workers until the process ends.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut adoptions = Adoptions::default();
    let readings = Arc::new(Semaphore::new(READINGS));
    loop {
        let mut neighbours = look(&desk).await;
        adoptions.reap();
        neighbours.orphans.shuffle(&mut rand::rng());
        for dir in neighbours.orphans {
            let (desk, readings, own) = (desk.clone(), readings.clone(), dir.clone());
            adoptions.begin(dir, async move { adopt(&desk, &own, &readings).await });
        }
        let turns = u32::try_from(neighbours.held).unwrap_or(u32::MAX);
        let every = LOOK_EVERY.saturating_mul(turns).max(OWN_LOOK_EVERY);
        // Spread, so that the workers of a host do not all look at once.
        sleep(every.mul_f64(0.5 + rand::random::<f64>())).await;
    }
}

/// What is being adopted: each directory once, also one that hangs before it is locked, and therefore looks like nobody's.
#[derive(Default)]
pub(super) struct Adoptions {
    tasks: JoinSet<()>,
    dirs: HashMap<Id, PathBuf>,
}

impl Adoptions {
    /// Adopt this one, unless that is under way already, or there are as many as may be.
    pub(super) fn begin(&mut self, dir: PathBuf, adoption: impl Future<Output = ()> + Send + 'static) {
        if self.tasks.len() < ADOPTIONS && !self.dirs.values().any(|other| *other == dir) {
            let id = self.tasks.spawn(adoption).id();
            self.dirs.insert(id, dir);
        }
    }

    /// Those that are over have given their places back.
    pub(super) fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
            self.dirs.remove(&id);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }
}

/// What lies beside our own outbox. A disk that hangs holds the look up, and nothing else of the courier.
async fn look(desk: &Desk) -> Neighbours {
    let parent = desk.directories.parent.clone();
    let looked = spawn_blocking(move || outbox::neighbours(&parent)).await;
    looked.ok().and_then(Result::ok).unwrap_or_default()
}

pub(super) async fn adopt(desk: &Desk, dir: &Path, readings: &Semaphore) {
    let reading = readings.acquire().await.expect("it is never closed");
    let patience = READING_PATIENCE + time_to_read(dir).await;
    let (path, settings) = (dir.to_owned(), desk.directories.settings.clone());
    let opening = spawn_blocking(move || Outbox::adopt(&path, settings));
    let (opened, reading) = patiently(opening, patience, reading).await;
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
    let closed = timeout(CLOSING_PATIENCE, close_lost_calls(desk, &outbox, &recovered.records)).await;
    match &closed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a lost call is left for the next adopter"),
        Err(_) => tracing::error!("the disk is slow: a lost call is left for the next adopter"),
    }
    let is_closed = matches!(closed, Ok(Ok(())));
    drop(recovered);
    drop(reading);
    let mut round = Round::new(desk, &outbox);
    if is_closed {
        round.let_strays_go().await;
    }
    if round.until_empty_or_stuck(TURN).await == Left::Stuck {
        tracing::warn!("the bridge takes nothing of an adopted outbox; another one has its turn");
        return outbox.close().await;
    }
    if let Err(error) = outbox.remove_if_empty().await {
        tracing::debug!(%error, "the adopted outbox stays");
    }
}

/// What a slow disk needs for everything in the directory.
async fn time_to_read(dir: &Path) -> Duration {
    let dir = dir.to_owned();
    let bytes = spawn_blocking(move || {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum::<u64>()
    });
    let bytes = timeout(SIZE_PATIENCE, bytes).await.ok().and_then(Result::ok).unwrap_or_default();
    Duration::from_secs(bytes / SLOWEST_READING)
}

/// What a thread brings, however late: no thread can be told to stop reading a disk that hangs. Its turn is over when the patience
/// is, and given back with what came before that.
pub(super) async fn patiently<T, P>(
    mut thread: JoinHandle<T>,
    patience: Duration,
    turn: P,
) -> (Result<T, JoinError>, Option<P>) {
    if let Ok(brought) = timeout(patience, &mut thread).await {
        return (brought, Some(turn));
    }
    tracing::error!("the outbox of a dead worker is not read in time; others have their turn");
    drop(turn);
    (thread.await, None)
}

/// Write a `worker_lost` record for every call that started and never ended.
async fn close_lost_calls(desk: &Desk, outbox: &Outbox, records: &[Record]) -> Result<(), AppendError> {
    let mut open: BTreeMap<SessionId, (Accepted, Vec<JournalRecord>, Timestamp)> = BTreeMap::new();
    // Results whose upload is not on disk behind them: the worker died between the two, or it is done already.
    let mut recorded: BTreeMap<SessionId, (String, Option<Place>, Proof)> = BTreeMap::new();
    for record in records {
        // What cannot be read is set aside by whoever delivers.
        let Ok(label) = serde_json::from_slice::<Label>(&record.payload) else { continue };
        match label.record {
            Labelled::Result => {
                open.remove(&label.session_id);
                let Label { session_id, recording_key, traceparent, proof, .. } = label;
                recorded.extend(recording_key.map(|key| (session_id, (key, traceparent, proof))));
            }
            Labelled::Refused => drop(open.remove(&label.session_id)),
            Labelled::Recording => drop(recorded.remove(&label.session_id)),
            Labelled::Accepted | Labelled::Turn | Labelled::Event => {
                match serde_json::from_slice(&record.payload) {
                    Ok(JournalRecord::Accepted(accepted)) => {
                        open.insert(label.session_id, (*accepted, Vec::new(), record.at));
                    }
                    Ok(line) => {
                        if let Some((_, journal, last_at)) = open.get_mut(&label.session_id) {
                            journal.push(line);
                            *last_at = record.at;
                        }
                    }
                    Err(error) => set_aside(outbox, record.seq, &error).await,
                }
            }
        }
    }
    for (session_id, (key, traceparent, proof)) in recorded {
        if has_sound(&desk.recordings.join(&key)).await {
            let (file, bridge_url) = (key.clone(), desk.bridge_of(&proof).url().to_owned());
            let record = RecordingFile { session_id, key, file, bridge_url, traceparent, proof };
            outbox.append(entry(&JournalRecord::Recording(record))).await?;
        }
    }
    for (session_id, (accepted, journal, last_at)) in open {
        let mut result = record::worker_lost(&accepted, journal, last_at);
        let mut recording = accepted.recording_file.clone().zip(accepted.recording_key.clone());
        if let Some(file) = &accepted.recording_file
            && !has_sound(&desk.recordings.join(file)).await
        {
            forget(desk, file).await;
            recording = None;
        }
        result.recording_key = recording.as_ref().map(|(_, key)| key.clone());
        outbox.append(entry(&JournalRecord::Result(Box::new(result)))).await?;
        if let Some((file, key)) = recording {
            let bridge_url = accepted.bridge_url.clone();
            let (traceparent, proof) = (accepted.traceparent, accepted.proof.clone());
            let record = RecordingFile { session_id, key, file, bridge_url, traceparent, proof };
            outbox.append(entry(&JournalRecord::Recording(record))).await?;
        }
    }
    Ok(())
}

/// A line that only a newer worker can read is kept for a person, not dropped with the journal around it.
async fn set_aside(outbox: &Outbox, seq: Seq, why: &serde_json::Error) {
    if let Err(error) = outbox.reject(seq, &format!("a line of a lost call cannot be read: {why}")).await {
        tracing::error!(%error, seq, "a line of a lost call can neither be read nor set aside");
    }
}
