//! A dead worker's outbox is adopted by another process of the host, and its unfinished call is gone on with, where that is
//! possible, or gets its terminal record from the journal.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout};
use vox_shared::outbox::{self, Neighbours, OpenError, Outbox, Recovered};

use super::deliver::{Left, Round};
use super::desk::Desk;
use super::lost::LostCalls;
use super::siblings::Siblings;
use crate::wreck::offers::Standing;

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
/// A worker that cannot go on with a dead one's call leaves its outbox alone for so long: a free one, or the one that is started
/// again, can. Then nobody will, and the call gets its record.
const STAND_BACK: Duration = Duration::from_secs(10);

/// What becomes of a call that another worker could go on with, and this one cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// It is left to others.
    Leave,
    /// It is closed: others had their time.
    Close,
}

/// Look for outboxes of dead workers until the process ends.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut adoptions = Adoptions::default();
    let (mut siblings, mut found) = (Siblings::default(), Found::default());
    let readings = Arc::new(Semaphore::new(READINGS));
    loop {
        let Neighbours { mut orphans, held } = look(&desk).await;
        let turns = u32::try_from(held.len()).unwrap_or(u32::MAX);
        let is_dead = siblings.watch(held);
        adoptions.reap();
        found.note(&orphans);
        orphans.shuffle(&mut rand::rng());
        let standing = desk.offers.standing();
        for dir in orphans {
            let Some(otherwise) = found.may_adopt(&dir, standing) else { continue };
            let (desk, readings, own) = (desk.clone(), readings.clone(), dir.clone());
            adoptions.begin(dir, async move { adopt(&desk, &own, (&*readings, otherwise)).await });
        }
        if is_dead {
            continue;
        }
        let every = LOOK_EVERY.saturating_mul(turns).max(OWN_LOOK_EVERY);
        // Spread, so that the workers of a host do not all look at once.
        let every = every.mul_f64(0.5 + rand::random::<f64>());
        tokio::select! {
            () = siblings.wait(every) => {}
            () = desk.offers.changed(standing), if !found.0.is_empty() => {}
        }
    }
}

/// Outboxes of the dead, and since when they are known as such.
#[derive(Debug, Default)]
struct Found(HashMap<PathBuf, Instant>);

impl Found {
    fn note(&mut self, orphans: &[PathBuf]) {
        self.0.retain(|dir, _| orphans.contains(dir));
        for dir in orphans {
            self.0.entry(dir.clone()).or_insert_with(Instant::now);
        }
    }

    /// Whether it is this worker's turn.
    fn may_adopt(&self, dir: &Path, standing: Standing) -> Option<Otherwise> {
        let age = self.0.get(dir).map(Instant::elapsed).unwrap_or_default();
        match standing {
            Standing::Never => Some(Otherwise::Close),
            _ if age >= STAND_BACK => Some(Otherwise::Close),
            Standing::Takes => Some(Otherwise::Leave),
            Standing::StandsBack => None,
        }
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

/// Adopt an outbox, and deliver what is in it.
pub(super) async fn adopt(desk: &Desk, dir: &Path, (readings, otherwise): (&Semaphore, Otherwise)) {
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
    let mut lost = LostCalls::read(&outbox, &recovered.records).await;
    let call = match go_on(desk, &outbox, (&mut lost, otherwise)).await {
        GoneOn::Nobody => None,
        GoneOn::Here(call) => Some(call),
        GoneOn::Elsewhere => return outbox.close().await,
    };
    let is_closed = close(desk, &outbox, (lost, recovered)).await;
    drop(reading);
    let mut round = Round::new(desk, &outbox);
    if let Some(call) = call {
        round.until(call).await;
    } else if is_closed {
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

/// Who goes on with a call of the dead worker's.
enum GoneOn {
    /// There is none, or it is beyond that.
    Nobody,
    /// This worker; it ends with the call's journal.
    Here(oneshot::Receiver<()>),
    /// This one cannot, and another one may.
    Elsewhere,
}

async fn go_on(desk: &Desk, outbox: &Outbox, (lost, otherwise): (&mut LostCalls, Otherwise)) -> GoneOn {
    let Some(wreck) = lost.wreck(desk.directories.settings.clock.now()) else { return GoneOn::Nobody };
    let session_id = wreck.accepted.session_id.clone();
    let taken = match desk.offers.standing() {
        Standing::Takes => desk.offers.go_on(wreck, outbox.clone()).await,
        Standing::StandsBack | Standing::Never => None,
    };
    match (taken, otherwise) {
        (Some(call), _) => {
            lost.leave_out(&session_id);
            GoneOn::Here(call)
        }
        (None, Otherwise::Leave) => GoneOn::Elsewhere,
        (None, Otherwise::Close) => GoneOn::Nobody,
    }
}

/// Whether every lost call has its record now.
async fn close(desk: &Desk, outbox: &Outbox, (lost, recovered): (LostCalls, Recovered)) -> bool {
    drop(recovered);
    let closed = timeout(CLOSING_PATIENCE, lost.close(desk, outbox)).await;
    match &closed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a lost call is left for the next adopter"),
        Err(_) => tracing::error!("the disk is slow: a lost call is left for the next adopter"),
    }
    matches!(closed, Ok(Ok(())))
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
