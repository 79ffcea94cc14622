//! What the courier works with, and what it has in hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, Semaphore};
use vox_shared::ids::WorkerId;
use vox_shared::outbox::{Outbox, Settings};
use vox_shared::wire::proof::Proof;

use super::clips::Clips;
use super::held::Held;
use super::live::counts::Counts;
use super::sounds::Shelf;
use crate::bridge::{Bridge, DeliveryError};
use crate::wreck::offers::Offers;

/// Ends that are held in memory at most. A worker that holds so many takes no call: its disk takes no records.
pub const HELD_MAX: u64 = 4;
/// Recordings on their way at once: each holds a part of some 8 MiB, and they share the line with the calls.
pub const UPLOADS: usize = 2;

/// What the courier works with.
#[derive(Clone, Debug)]
pub struct Desk {
    pub bridge: Bridge,
    /// This worker's own.
    pub outbox: Outbox,
    pub directories: Directories,
    /// Recordings of the host's workers, named by their keys.
    pub recordings: PathBuf,
    pub clips: Clips,
    pub shelf: Shelf,
    /// What waits or failed outside any outbox.
    pub books: Arc<Books>,
    /// Recordings that may be on their way at once, of this worker and of those that it adopted.
    pub uploads: Arc<Semaphore>,
    /// What was told of running calls.
    pub live: Counts,
    /// The outbox holds something new to deliver.
    pub news: Arc<Notify>,
    /// Calls of dead workers, to be gone on with.
    pub offers: Offers,
    /// The permits of the running call.
    pub held: Arc<Held>,
}

impl Desk {
    /// The bridge that a call belongs to.
    pub(super) fn bridge_of(&self, proof: &Proof) -> Bridge {
        self.bridge_at(proof.bridge_url.as_deref())
    }

    /// This bridge, or the worker's own.
    pub(super) fn bridge_at(&self, url: Option<&str>) -> Bridge {
        url.map_or_else(|| self.bridge.clone(), |url| self.bridge.at(url))
    }
}

/// What the courier has in hand that no outbox shows.
#[derive(Debug, Default)]
pub struct Books {
    held: AtomicU64,
    refused: AtomicU64,
    stored: AtomicU64,
    retried: AtomicU64,
    rejected: AtomicU64,
}

impl Books {
    /// The end of a call is to be put away.
    pub fn hold(&self) {
        self.held.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn let_go(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// What became of the upload of a recording.
    pub(super) fn note_upload(&self, outcome: &Result<(), DeliveryError>) {
        let count = match outcome {
            Ok(()) => &self.stored,
            Err(DeliveryError::Retry(_) | DeliveryError::Away(_)) => &self.retried,
            Err(DeliveryError::Rejected(_)) => &self.rejected,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Uploads of recordings by what became of them.
    pub fn uploads(&self) -> [(&'static str, u64); 3] {
        let told = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [("stored", told(&self.stored)), ("retried", told(&self.retried)), ("rejected", told(&self.rejected))]
    }

    /// Ends of calls that are not durable anywhere yet.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether another end may not come.
    pub fn is_full(&self) -> bool {
        self.held() >= HELD_MAX
    }

    /// Results that the bridge refused while the disk took none: they are in no rejected log.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Where the host's outboxes lie.
#[derive(Clone, Debug)]
pub struct Directories {
    pub(super) parent: PathBuf,
    pub(super) settings: Settings,
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
