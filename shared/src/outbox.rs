//! The outbox: an append-only log on the worker's disk that holds every fact until the control plane has it.
//!
//! Append, make durable, then act; deliver at least once; acknowledge. One thread owns the files and commits in groups,
//! so an append never blocks the caller's thread. A directory belongs to one process at a time (`flock`); when that
//! dies another one adopts the directory ([`neighbours`], [`Outbox::adopt`]) and removes it once everything is delivered.
//!
//! Sequence numbers ascend and are never used twice in a directory; numbers are skipped where writes failed or records
//! were damaged. What delivers the records, and when, is not decided here; [`Backoff`] says how long to wait.

mod backoff;
mod disk;
mod error;
mod format;
mod handle;
mod ledger;
mod lock;
mod names;
mod quarantine;
mod recover;
mod rejected;
mod remove;
mod scan;
mod segment;
mod store;
mod writer;

#[cfg(test)]
mod fault_tests;

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;

pub use backoff::{Backoff, FIRST_WAIT, LONGEST_WAIT};
pub use error::{AppendError, Closed, DiskFault, OpenError, StoreError};
pub use format::{Header, MAX_PAYLOAD_BYTES, RECORD_OVERHEAD_BYTES};
pub use handle::{Outbox, Reservation};
pub use ledger::Stats;
pub use lock::{Neighbours, neighbours, remains};
pub use rejected::{Rejected, read_rejected};
pub use remove::Removal;
pub use scan::{Frame, Scan, read_segment};

/// A record's number within its outbox, ascending from 1.
pub type Seq = u64;

/// Disk an outbox may use unless told otherwise.
pub const DEFAULT_QUOTA_BYTES: u64 = 256 * 1024 * 1024;
/// Size at which a new segment is begun: the granularity in which space is freed.
pub const DEFAULT_SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// Longest a record waits for others to share its sync.
pub const GROUP_WAIT: Duration = Duration::from_millis(20);
/// Most records of one group.
pub const GROUP_RECORDS: usize = 64;

/// How an outbox behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most bytes on disk, rejected and damaged records included.
    pub quota_bytes: u64,
    /// Size at which a new segment is begun; at most a quarter of the quota is used.
    pub segment_bytes: u64,
    /// Longest a record waits for others to share its sync.
    pub group_wait: Duration,
    /// Most records of one group.
    pub group_records: usize,
    /// Dates the records.
    pub clock: Clock,
}

impl Settings {
    /// The defaults.
    pub fn new(clock: Clock) -> Self {
        Self {
            quota_bytes: DEFAULT_QUOTA_BYTES,
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            group_wait: GROUP_WAIT,
            group_records: GROUP_RECORDS,
            clock,
        }
    }
}

/// What to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The user's own classification.
    pub kind: u8,
    /// At most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
}

impl Entry {
    /// An entry.
    pub fn new(kind: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, payload: payload.into() }
    }

    /// What it takes of the quota.
    pub fn cost_bytes(&self) -> u64 {
        self.payload.len() as u64 + RECORD_OVERHEAD_BYTES
    }
}

/// A durable record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub seq: Seq,
    /// As appended.
    pub kind: u8,
    /// When it was appended, to the microsecond.
    pub at: Timestamp,
    /// As appended.
    pub payload: Vec<u8>,
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records that are not acknowledged, in order.
    pub records: Vec<Record>,
    /// Damaged stretches (each at least one record) set aside now.
    pub quarantined: u64,
    /// Bytes of unfinished writes cut off; nobody was told that they are durable.
    pub torn_bytes: u64,
}
