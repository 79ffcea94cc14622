//! One file of frames that is being written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::{FallocateFlags, fallocate};

use super::disk::{Disk, write_all_at};
use super::error::DiskFault;
use super::format::{HEADERS_BYTES, Header};

/// Owner only: records hold what callers said.
pub(super) const FILE_MODE: u32 = 0o600;

/// Disk space held ahead of the records, so that the end of a running call can be written although something else, a
/// recording say, filled the disk meanwhile.
pub(super) const RUNWAY_BYTES: u64 = 1024 * 1024;

/// A segment on disk.
pub(super) struct Segment {
    pub path: PathBuf,
    pub header: Header,
    /// Records that are not acknowledged.
    pub live: usize,
    /// What its records count against the quota.
    pub bytes: u64,
    /// Holds damage that could not be copied: must not be deleted.
    pub is_pinned: bool,
    pub acks: Option<File>,
}

impl Segment {
    pub(super) fn new(path: PathBuf, header: Header) -> Self {
        Self { path, header, live: 0, bytes: 0, is_pinned: false, acks: None }
    }
}

/// Where an unacknowledged record lies.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub segment: u64,
    pub start: u64,
    pub at: Timestamp,
    pub payload_bytes: usize,
}

/// A segment open for writing. Its length is the durable length: nothing is counted before the disk confirmed it.
pub(super) struct SegmentFile {
    file: File,
    header: Header,
    durable_bytes: u64,
    /// Where the space held ahead ends.
    runway_end: u64,
}

/// A write that did not become durable.
#[derive(Clone, Debug)]
pub(super) struct WriteFailure {
    pub fault: DiskFault,
    pub source: Arc<io::Error>,
    /// The file is cut back to its durable length and may be written again.
    pub rolled_back: bool,
}

impl SegmentFile {
    /// Create the file with a durable header; the name itself is durable once [`sync_dir`] was called.
    pub(super) fn create(path: &Path, header: Header, disk: &mut dyn Disk) -> Result<Self, WriteFailure> {
        let result = Self::try_create(path, header, disk);
        if result.is_err() {
            // Ignored: a leftover without records is removed when the outbox is opened next.
            let _ = std::fs::remove_file(path);
        }
        result
    }

    fn try_create(path: &Path, header: Header, disk: &mut dyn Disk) -> Result<Self, WriteFailure> {
        let failed = |error: io::Error| WriteFailure {
            fault: DiskFault::of(&error),
            source: Arc::new(error),
            rolled_back: false,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)
            .map_err(failed)?;
        let mut segment = Self { file, header, durable_bytes: 0, runway_end: 0 };
        segment.append(disk, &header.encode())?;
        sync_dir(path.parent().expect("a segment lies in the outbox's directory")).map_err(failed)?;
        Ok(segment)
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    pub(super) fn durable_bytes(&self) -> u64 {
        self.durable_bytes
    }

    /// Whether no record was written yet.
    pub(super) fn is_empty(&self) -> bool {
        self.durable_bytes <= HEADERS_BYTES as u64
    }

    /// Write and make durable; the offset at which `bytes` lie.
    ///
    /// After a failed write the file is cut back and may be used again. After a failed sync it may not: the kernel may
    /// have dropped the dirty pages and would report success next time (the "fsyncgate" of PostgreSQL, 2018).
    pub(super) fn append(&mut self, disk: &mut dyn Disk, bytes: &[u8]) -> Result<u64, WriteFailure> {
        let offset = self.durable_bytes;
        if let Err(error) = write_all_at(disk, &self.file, bytes, offset) {
            let rolled_back = self.file.set_len(offset).is_ok();
            self.runway_end = 0;
            return Err(WriteFailure { fault: DiskFault::of(&error), source: Arc::new(error), rolled_back });
        }
        if let Err(error) = disk.sync(&self.file) {
            // Ignored: the file is given up either way; cutting it only spares the next start a few records that
            // were reported as failed.
            let _ = self.file.set_len(offset);
            let fault =
                if DiskFault::of(&error) == DiskFault::Full { DiskFault::Full } else { DiskFault::Sync };
            return Err(WriteFailure { fault, source: Arc::new(error), rolled_back: false });
        }
        self.durable_bytes += u64::try_from(bytes.len()).expect("usize fits u64");
        self.extend_runway();
        Ok(offset)
    }

    /// Does not change the file's length, so readers do not notice.
    fn extend_runway(&mut self) {
        if self.durable_bytes + RUNWAY_BYTES / 2 <= self.runway_end {
            return;
        }
        // Ignored: without it (not every file system can) writes fail when the disk is full, and are reported then.
        let _ = fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.durable_bytes, RUNWAY_BYTES);
        self.runway_end = self.durable_bytes + RUNWAY_BYTES;
    }

    /// Write no more: give the space held ahead back.
    pub(super) fn finish(self) {
        // Ignored: it only frees space.
        let _ = self.file.set_len(self.durable_bytes);
    }
}

/// Make names created in or removed from `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
