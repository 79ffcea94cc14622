//! Records that the other side refused for good: kept with the reason, counted, never dropped.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::disk::Disk;
use super::format::{FRAME_BYTES, Header, MAX_REASON_BYTES, NewFrame, REJECTED_HEAD_BYTES, encode_frame};
use super::names::{self, Listing};
use super::scan::read_segment;
use super::segment::{SegmentFile, WriteFailure};
use super::{Record, Seq, StoreError};

/// A record in the rejected log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The record as it was appended.
    pub record: Record,
    /// Why it was refused.
    pub reason: String,
}

/// The rejected log of one outbox.
#[derive(Default)]
pub(super) struct RejectedLog {
    file: Option<SegmentFile>,
    seqs: BTreeSet<Seq>,
    /// Numbers the entries within `file`.
    next_entry: Seq,
}

impl RejectedLog {
    /// What was rejected earlier; new entries go to a file of their own.
    pub(super) fn recover(entries: &[Rejected]) -> Self {
        Self { seqs: entries.iter().map(|entry| entry.record.seq).collect(), ..Self::default() }
    }

    pub(super) fn count(&self) -> u64 {
        self.seqs.len() as u64
    }

    /// Keep `record`; the bytes it took.
    pub(super) fn append(
        &mut self,
        new_file: impl FnOnce() -> (std::path::PathBuf, Header),
        disk: &mut dyn Disk,
        (record, reason): (&Record, &str),
    ) -> Result<u64, WriteFailure> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let (path, header) = new_file();
                self.next_entry = header.first_seq;
                SegmentFile::create(&path, header, disk)?
            }
        };
        let payload = encode(record, reason);
        let mut bytes = Vec::with_capacity(FRAME_BYTES + payload.len());
        let frame = NewFrame { seq: self.next_entry, at: record.at, kind: record.kind, payload: &payload };
        encode_frame(&mut bytes, file.header().mark, &frame);
        match file.append(disk, &bytes) {
            Ok(_) => {
                self.next_entry += 1;
                self.seqs.insert(record.seq);
                self.file = Some(file);
                Ok(bytes.len() as u64)
            }
            Err(failure) => {
                if failure.rolled_back {
                    self.file = Some(file);
                }
                Err(failure)
            }
        }
    }
}

/// Every rejected record of the outbox in `dir`, in the order of rejection. Needs no lock: the log only grows.
pub fn read_rejected(dir: &Path) -> Result<Vec<Rejected>, StoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| StoreError::ReadRejected { path, source }
    };
    let listing = Listing::of(dir).map_err(failed(dir))?;
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for (_, path) in listing.rejected {
        let bytes = std::fs::read(&path).map_err(failed(&path))?;
        let scan = read_segment(&bytes);
        let found = scan.frames.iter().filter_map(|f| decode(&bytes[f.payload.clone()], f.kind, f.at));
        entries.extend(found.filter(|entry| seen.insert(entry.record.seq)));
    }
    Ok(entries)
}

fn encode(record: &Record, reason: &str) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)];
    let reason_bytes = u16::try_from(reason.len()).expect("MAX_REASON_BYTES fits u16");
    let mut payload = Vec::with_capacity(REJECTED_HEAD_BYTES + reason.len() + record.payload.len());
    payload.extend_from_slice(&record.seq.to_le_bytes());
    payload.extend_from_slice(&reason_bytes.to_le_bytes());
    payload.extend_from_slice(reason.as_bytes());
    payload.extend_from_slice(&record.payload);
    payload
}

fn decode(bytes: &[u8], kind: u8, at: Timestamp) -> Option<Rejected> {
    let (seq, rest) = bytes.split_first_chunk()?;
    let (reason_bytes, rest) = rest.split_first_chunk()?;
    let (reason, payload) = rest.split_at_checked(usize::from(u16::from_le_bytes(*reason_bytes)))?;
    let record = Record { seq: Seq::from_le_bytes(*seq), kind, at, payload: payload.to_vec() };
    Some(Rejected { record, reason: String::from_utf8_lossy(reason).into_owned() })
}

/// Where the next file of rejected records goes.
pub(super) fn new_file(dir: &Path, number: u64, mark: u32) -> (std::path::PathBuf, Header) {
    (names::rejected(dir, number), Header { mark, number, first_seq: 1 })
}
