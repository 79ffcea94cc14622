//! What a directory holds after whatever happened to the process before.

use std::collections::{BTreeMap, HashSet};
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Contents, Disk, read_file};
use super::error::OpenError;
use super::format::{ACK_BYTES, FRAME_BYTES, HEADERS_BYTES, Header, RECORD_OVERHEAD_BYTES, decode_acks};
use super::names::{self, Listing};
use super::quarantine::Quarantine;
use super::rejected::read_rejected;
use super::scan::{Frame, read_segment};
use super::segment::{Place, Segment};
use super::{Record, Seq, StoreError};

/// Everything that opening found.
pub(super) struct Findings {
    pub segments: BTreeMap<u64, Segment>,
    pub index: BTreeMap<Seq, Place>,
    pub records: Vec<Record>,
    pub rejected: Vec<super::Rejected>,
    pub rejected_bytes: u64,
    pub quarantine: Quarantine,
    /// Damaged stretches found now.
    pub damaged: u64,
    pub torn_bytes: u64,
    pub next_number: u64,
    pub next_seq: Seq,
}

impl Findings {
    /// Bytes of the quota in use.
    pub(super) fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.values().map(|s| s.bytes).sum();
        segments + self.rejected_bytes + self.quarantine.bytes()
    }
}

/// Read the whole directory (whose lock the caller holds), cut torn tails, set damaged stretches aside.
pub(super) fn recover(dir: &Path, disk: &dyn Disk) -> Result<Findings, OpenError> {
    let listing = Listing::of(dir).map_err(failed("listing", dir))?;
    let quarantine = Quarantine::of(dir).map_err(failed("reading the quarantine of", dir))?;
    let rejected = read_rejected(dir).map_err(|error| match error {
        StoreError::ReadRejected { path, source } => failed("reading", &path)(source),
        _ => failed("reading the rejected log of", dir)(io::ErrorKind::Other.into()),
    })?;
    let rejected_bytes =
        listing.rejected.iter().filter_map(|(_, p)| p.metadata().ok()).map(|m| m.len()).sum();
    let mut recovery = Recovery {
        dir,
        disk,
        lost_bytes: 0,
        settled: rejected.iter().map(|entry| entry.record.seq).collect(),
        found: Findings {
            segments: BTreeMap::new(),
            index: BTreeMap::new(),
            records: Vec::new(),
            rejected,
            rejected_bytes,
            quarantine,
            damaged: 0,
            torn_bytes: 0,
            next_number: listing.last_number() + 1,
            next_seq: 1,
        },
    };
    for (number, first_seq, path) in &listing.segments {
        recovery.read(*number, *first_seq, path)?;
    }
    recovery.skip_lost_numbers();
    for (number, path) in &listing.acks {
        if !recovery.found.segments.contains_key(number) {
            // Ignored: it belongs to a segment that is gone, and the next start tries again.
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(recovery.found)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| OpenError::Io { doing, path, source }
}

struct Recovery<'a> {
    dir: &'a Path,
    disk: &'a dyn Disk,
    /// Rejected records whose acknowledgement did not make it to the disk.
    settled: HashSet<Seq>,
    /// Bytes in which records were that cannot be read.
    lost_bytes: usize,
    found: Findings,
}

impl Recovery<'_> {
    fn read(&mut self, number: u64, first_seq: Seq, path: &Path) -> Result<(), OpenError> {
        let Contents { bytes, is_whole } = read_file(self.disk, path).map_err(failed("reading", path))?;
        if !is_whole {
            tracing::error!(segment = number, "a part of an outbox segment cannot be read; the rest is used");
        }
        self.found.next_seq = self.found.next_seq.max(first_seq);
        let mut scan = read_segment(&bytes);
        let Some(header) = scan.header else {
            self.without_header(number, path, &Contents { bytes, is_whole });
            return Ok(());
        };
        // A file that was copied by hand repeats records; taking them again would deliver them twice.
        let (fresh, repeated) =
            std::mem::take(&mut scan.frames).into_iter().partition(|f| f.seq >= self.found.next_seq);
        scan.frames = fresh;
        scan.bad.extend(Vec::into_iter(repeated).map(|f: Frame| f.start..f.payload.end));

        let torn_bytes = scan.torn_at.map_or(0, |at| bytes.len() - at);
        // What cannot be read may be read by somebody with better tools.
        let mut is_pinned = !is_whole;
        for range in &scan.bad {
            is_pinned |= !self.set_aside(number, range.start, &bytes[range.clone()]);
        }
        if let Some(at) = scan.torn_at {
            cut(path, at as u64);
            self.found.torn_bytes += torn_bytes as u64;
        }
        let bad_bytes: usize = scan.bad.iter().map(ExactSizeIterator::len).sum();
        let mut segment = Segment::new(path.to_owned(), header);
        segment.is_pinned = is_pinned;
        self.keep(&scan.frames, &bytes, segment)?;
        self.lost_bytes += bad_bytes + torn_bytes;
        Ok(())
    }

    /// The numbers of records that were lost must not be given out again: they may have been delivered.
    fn skip_lost_numbers(&mut self) {
        self.found.next_seq += (self.lost_bytes / FRAME_BYTES) as u64;
    }

    /// Too short: the segment was being created and nobody was told that anything is in it. Else both copies of the
    /// header are damaged, and the whole is set aside.
    fn without_header(&mut self, number: u64, path: &Path, contents: &Contents) {
        let bytes = contents.bytes.as_slice();
        if bytes.len() < HEADERS_BYTES {
            self.found.torn_bytes += bytes.len() as u64;
        } else if !self.set_aside(number, 0, bytes) {
            return;
        }
        self.lost_bytes += bytes.len();
        if !contents.is_whole {
            // The copy that was set aside keeps the directory.
            return;
        }
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(segment = number, %error, "an unreadable outbox segment cannot be removed");
        }
    }

    /// `false` when no copy could be made; the segment must stay then.
    fn set_aside(&mut self, number: u64, start: usize, bytes: &[u8]) -> bool {
        let kept = self.found.quarantine.keep(number, start, bytes);
        match &kept {
            Ok(false) => {}
            Ok(true) => {
                self.found.damaged += 1;
                tracing::error!(
                    segment = number,
                    start,
                    bytes = bytes.len(),
                    "damaged outbox record set aside"
                );
            }
            Err(error) => {
                self.found.damaged += 1;
                tracing::error!(segment = number, start, %error, "damaged outbox record cannot be set aside");
            }
        }
        kept.is_ok()
    }

    fn keep(&mut self, frames: &[Frame], bytes: &[u8], mut segment: Segment) -> Result<(), OpenError> {
        let Header { number, mark, first_seq } = segment.header;
        let acked = self.read_acks(number, mark)?;
        self.found.next_seq = self.found.next_seq.max(first_seq);
        for frame in frames {
            self.found.next_seq = frame.seq + 1;
            segment.bytes += frame.payload.len() as u64 + RECORD_OVERHEAD_BYTES;
            if acked.contains(&frame.seq) || self.settled.contains(&frame.seq) {
                continue;
            }
            segment.live += 1;
            let payload = bytes[frame.payload.clone()].to_vec();
            self.found.index.insert(
                frame.seq,
                Place {
                    segment: number,
                    start: frame.start as u64,
                    at: frame.at,
                    payload_bytes: payload.len(),
                },
            );
            self.found.records.push(Record { seq: frame.seq, kind: frame.kind, at: frame.at, payload });
        }
        self.found.segments.insert(number, segment);
        Ok(())
    }

    fn read_acks(&self, number: u64, mark: u32) -> Result<HashSet<Seq>, OpenError> {
        let path: PathBuf = names::acks(self.dir, number);
        // Of acknowledgements that cannot be read the records are delivered again.
        let bytes = match read_file(self.disk, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
            other => other.map_err(failed("reading", &path))?.bytes,
        };
        let whole = bytes.len() / ACK_BYTES * ACK_BYTES;
        if whole < bytes.len() {
            cut(&path, whole as u64);
        }
        Ok(decode_acks(&bytes, mark).collect())
    }
}

/// Cut a torn tail off. A failure is only logged: the tail is skipped by every reader and nothing is written behind it.
fn cut(path: &Path, bytes: u64) {
    let result = OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(bytes));
    if let Err(error) = result {
        tracing::warn!(%error, "the torn tail of an outbox file cannot be cut off");
    }
}
