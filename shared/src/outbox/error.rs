//! What can go wrong, by operation.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;

use super::Seq;

/// What kind of disk trouble, for the caller to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// No space, or the file system's own quota: may pass.
    Full,
    /// The disk did not confirm the write; what reached it is unknown.
    Sync,
    /// Anything else.
    Io,
}

impl DiskFault {
    pub(super) fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::Full,
            _ => Self::Io,
        }
    }

    /// One word, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "disk_full",
            Self::Sync => "sync_failed",
            Self::Io => "io",
        }
    }
}

impl std::fmt::Display for DiskFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The outbox could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another live process (or another handle of this one) has it.
    #[error("the outbox '{}' is in use by another process: give each process a directory of its own", .0.display())]
    Held(PathBuf),
    /// The directory went away: another adopter finished with it.
    #[error("the outbox '{}' is gone: another process delivered and removed it", .0.display())]
    Gone(PathBuf),
    /// A file or the directory could not be read or made.
    #[error("cannot open the outbox: {doing} '{}'", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// The record is not in the outbox. (After [`AppendError::Disk`] with [`DiskFault::Sync`] it may yet turn up when the
/// outbox is opened next, with a sequence number that no other record has.)
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The outbox is full; take no new calls until records are acknowledged.
    #[error("the outbox is at its quota: {wanted} bytes wanted, {free} of {quota} free")]
    QuotaExceeded {
        /// Bytes that were asked for.
        wanted: u64,
        /// Bytes that were free.
        free: u64,
        /// The whole quota.
        quota: u64,
    },
    /// Larger than a record may be.
    #[error("the record has {bytes} bytes, more than the {max} that are allowed")]
    TooLarge {
        /// Size of the payload.
        bytes: usize,
        /// Largest allowed.
        max: usize,
    },
    /// More records wait for the disk than the queue holds (only for a caller that does not wait).
    #[error("the outbox's queue is full: the disk does not keep up")]
    QueueFull,
    /// The disk refused it. The log is as it was before.
    #[error("the outbox cannot make the record durable ({fault})")]
    Disk {
        /// The class to act on.
        fault: DiskFault,
        /// What the kernel said.
        source: Arc<io::Error>,
    },
    /// The outbox was closed or removed.
    #[error("the outbox is closed")]
    Closed,
}

/// The outbox was closed, or removed, by another handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outbox is closed")]
pub struct Closed;

/// A record could not be read back, moved to the rejected log, or the outbox could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The outbox was closed or removed.
    #[error("the outbox is closed")]
    Closed,
    /// The record cannot be read back.
    #[error("cannot read record {seq} of the outbox")]
    Read {
        /// Which.
        seq: Seq,
        /// Why.
        source: io::Error,
    },
    /// The rejected log cannot be written; the record stays in the outbox.
    #[error("cannot move record {seq} to the rejected log ({fault})")]
    Reject {
        /// Which.
        seq: Seq,
        /// The class to act on.
        fault: DiskFault,
        /// What the kernel said.
        source: Arc<io::Error>,
    },
    /// The rejected log cannot be read.
    #[error("cannot read the rejected log '{}'", path.display())]
    ReadRejected {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The emptied directory cannot be removed.
    #[error("cannot remove the emptied outbox '{}'", path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
