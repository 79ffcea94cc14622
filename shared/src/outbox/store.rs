//! The files of an open outbox. Owned by the writer's thread; every call here may block on the disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use jiff::Timestamp;

use super::disk::{Disk, is_lost};
use super::format::{
    ACK_BYTES, FRAME_BYTES, FrameHead, Header, NewFrame, RECORD_OVERHEAD_BYTES, encode_ack, encode_frame,
};
use super::lock::DirLock;
use super::names;
use super::quarantine::Quarantine;
use super::recover::Findings;
use super::rejected::{self, RejectedLog};
use super::segment::{FILE_MODE, Place, Segment, SegmentFile, WriteFailure};
use super::{Entry, Record, Seq, StoreError};

/// When everything is acknowledged, an active segment of at least this size is given up to free its space; a smaller
/// one is kept, because a new file costs two syncs.
const RECLAIM_ACTIVE_BYTES: u64 = 64 * 1024;

/// An open outbox's files.
pub(super) struct Store {
    pub(super) dir: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    segment_bytes: u64,
    next_number: u64,
    next_seq: Seq,
    active: Option<SegmentFile>,
    pub(super) segments: BTreeMap<u64, Segment>,
    index: BTreeMap<Seq, Place>,
    rejected: RejectedLog,
    quarantine: Quarantine,
    /// Records that the disk could not read since the outbox was opened.
    unreadable: u64,
    _lock: DirLock,
}

impl Store {
    /// Take over what recovery found. A new segment is begun at once where numbers were skipped, so that the skip is
    /// on disk.
    pub(super) fn new(
        dir: PathBuf,
        lock: DirLock,
        found: Findings,
        segment_bytes: u64,
        disk: Box<dyn Disk>,
    ) -> Self {
        let is_damaged = found.damaged > 0 || found.torn_bytes > 0;
        let mut store = Self {
            dir,
            disk,
            segment_bytes,
            next_number: found.next_number,
            next_seq: found.next_seq,
            active: None,
            segments: found.segments,
            index: found.index,
            rejected: RejectedLog::recover(&found.rejected),
            quarantine: found.quarantine,
            unreadable: 0,
            _lock: lock,
        };
        if is_damaged {
            store.roll();
        }
        store
    }

    pub(super) fn depth(&self) -> u64 {
        self.index.len() as u64
    }

    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.index.first_key_value().map(|(_, place)| place.at)
    }

    pub(super) fn rejected_count(&self) -> u64 {
        self.rejected.count()
    }

    pub(super) fn quarantined_count(&self) -> u64 {
        self.quarantine.files() + self.unreadable
    }

    /// Write `entries` and make them durable with one sync; the sequence number of the first. Numbers are used up even
    /// when it fails, because a failed write may still turn up after a crash.
    pub(super) fn append_group(&mut self, entries: &[(Entry, Timestamp)]) -> Result<Seq, WriteFailure> {
        let group_bytes: usize = entries.iter().map(|(e, _)| FRAME_BYTES + e.payload.len()).sum();
        if self.active.as_ref().is_some_and(|active| self.is_full(active, group_bytes)) {
            self.roll();
        }
        let mut active = match self.active.take() {
            Some(active) => active,
            None => self.create_segment()?,
        };
        let first = self.next_seq;
        self.next_seq += entries.len() as u64;
        let mut bytes = Vec::with_capacity(group_bytes);
        let mark = active.header().mark;
        for ((entry, at), seq) in entries.iter().zip(first..) {
            let frame = NewFrame { seq, at: *at, kind: entry.kind, payload: &entry.payload };
            encode_frame(&mut bytes, mark, &frame);
        }
        let result = active.append(&mut *self.disk, &bytes);
        let number = active.header().number;
        if result.as_ref().map_or_else(|failure| failure.rolled_back, |_| true) {
            self.active = Some(active);
        }
        self.index_group(number, result?, (entries, first));
        Ok(first)
    }

    fn is_full(&self, active: &SegmentFile, more_bytes: usize) -> bool {
        !active.is_empty() && active.durable_bytes() + more_bytes as u64 > self.segment_bytes
    }

    fn index_group(&mut self, number: u64, mut start: u64, (entries, first): (&[(Entry, Timestamp)], Seq)) {
        let segment = self.segments.get_mut(&number).expect("the active segment is listed");
        for ((entry, at), seq) in entries.iter().zip(first..) {
            let payload_bytes = entry.payload.len();
            self.index.insert(seq, Place { segment: number, start, at: *at, payload_bytes });
            start += (FRAME_BYTES + payload_bytes) as u64;
            segment.live += 1;
            segment.bytes += payload_bytes as u64 + RECORD_OVERHEAD_BYTES;
        }
    }

    fn create_segment(&mut self) -> Result<SegmentFile, WriteFailure> {
        let number = self.next_number;
        self.next_number += 1;
        let header = Header { mark: new_mark(), number, first_seq: self.next_seq };
        let path = names::segment(&self.dir, number, self.next_seq);
        let file = SegmentFile::create(&path, header, &mut *self.disk)?;
        self.segments.insert(number, Segment::new(path, header));
        Ok(file)
    }

    /// Begin a new segment. If that fails the old one goes on past its size, into the space held ahead of it.
    fn roll(&mut self) {
        match self.create_segment() {
            Ok(file) => {
                if let Some(old) = self.active.replace(file) {
                    old.finish();
                }
            }
            Err(failure) => {
                tracing::warn!(fault = %failure.fault, error = %failure.source, "no new outbox segment");
            }
        }
    }

    /// Note that these records need no more delivery and delete what holds none that do; the bytes freed. Unknown and
    /// repeated numbers are fine. Acknowledgements are not synced: a power cut may redeliver a few.
    pub(super) fn acknowledge(&mut self, seqs: &[Seq]) -> u64 {
        let mut by_segment: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for seq in seqs {
            let Some(place) = self.index.remove(seq) else { continue };
            let segment =
                self.segments.get_mut(&place.segment).expect("indexed records lie in listed segments");
            segment.live -= 1;
            encode_ack(by_segment.entry(place.segment).or_default(), segment.header.mark, *seq);
        }
        for (number, acks) in by_segment {
            if let Err(error) = self.write_acks(number, &acks) {
                tracing::warn!(segment = number, %error, "acknowledgements are not on disk: a restart delivers again");
            }
        }
        self.reclaim()
    }

    fn write_acks(&mut self, number: u64, acks: &[u8]) -> io::Result<()> {
        let segment = self.segments.get_mut(&number).expect("indexed records lie in listed segments");
        let file = match &mut segment.acks {
            Some(file) => file,
            none => {
                let path = names::acks(&self.dir, number);
                none.insert(OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?)
            }
        };
        let written = file.write_all(acks);
        if written.is_err() {
            // Ignored: half an acknowledgement would shift those that follow; the next start cuts it too.
            let _ = file
                .metadata()
                .and_then(|meta| file.set_len(meta.len() / ACK_BYTES as u64 * ACK_BYTES as u64));
        }
        written
    }

    /// Delete segments without unacknowledged records; the bytes freed. The newest stays: it knows the next number.
    pub(super) fn reclaim(&mut self) -> u64 {
        let worthwhile = RECLAIM_ACTIVE_BYTES.min(self.segment_bytes / 2);
        if self.index.is_empty() && self.active.as_ref().is_some_and(|a| a.durable_bytes() > worthwhile) {
            self.roll();
        }
        let Some(newest) = self.segments.last_key_value().map(|(number, _)| *number) else { return 0 };
        let dir = self.dir.clone();
        let mut freed = 0;
        self.segments.retain(|number, segment| {
            if segment.live > 0 || segment.is_pinned || *number == newest {
                return true;
            }
            if let Err(error) = std::fs::remove_file(&segment.path) {
                tracing::warn!(segment = number, %error, "an acknowledged outbox segment cannot be deleted");
                return true;
            }
            // Ignored: without its segment the file means nothing and the next start removes it.
            let _ = std::fs::remove_file(names::acks(&dir, *number));
            freed += segment.bytes;
            false
        });
        freed
    }

    /// Up to `limit` unacknowledged records after `after`, oldest first; one that turns out damaged, or that the disk cannot read, is set
    /// aside, and what lies behind it is found all the same. Also the bytes of quota that setting aside took.
    pub(super) fn pending(&mut self, after: Seq, limit: usize) -> Result<(Vec<Record>, u64), StoreError> {
        let before = self.quarantine.bytes();
        let (mut records, mut last) = (Vec::new(), after);
        while records.len() < limit
            && let Some((&seq, _)) = self.index.range(last.saturating_add(1)..).next()
        {
            last = seq;
            match self.read(seq) {
                Ok(Ok(record)) => records.push(record),
                Ok(Err(frame)) => self.set_aside(seq, &frame),
                Err(error) if is_lost(&error) => self.pass_over(seq, &error),
                Err(source) if records.is_empty() => return Err(StoreError::Read { seq, source }),
                // It is asked for again, with what lies behind it.
                Err(_) => break,
            }
        }
        Ok((records, self.quarantine.bytes() - before))
    }

    /// The record, or the damaged bytes where it was.
    fn read(&self, seq: Seq) -> io::Result<Result<Record, Vec<u8>>> {
        let place = self.index.get(&seq).ok_or(io::ErrorKind::NotFound)?;
        let segment = self.segments.get(&place.segment).expect("indexed records lie in listed segments");
        let mut frame = vec![0; FRAME_BYTES + place.payload_bytes];
        self.disk.read_exact_at(&File::open(&segment.path)?, &mut frame, place.start)?;
        let head = FrameHead::decode(&frame, segment.header.mark)
            .filter(|head| head.seq == seq && head.payload_bytes == place.payload_bytes)
            .filter(|head| head.is_payload_sound(&frame));
        Ok(match head {
            Some(head) => {
                frame.drain(..FRAME_BYTES);
                Ok(Record { seq, kind: head.kind, at: head.at, payload: frame })
            }
            None => Err(frame),
        })
    }

    /// The disk cannot read the record: it waits no more, its segment stays for a person, and whoever opens the outbox next tries
    /// again.
    fn pass_over(&mut self, seq: Seq, error: &io::Error) {
        let Some(place) = self.index.remove(&seq) else { return };
        let segment = self.segments.get_mut(&place.segment).expect("indexed records lie in listed segments");
        segment.live -= 1;
        segment.is_pinned = true;
        self.unreadable += 1;
        tracing::error!(seq, segment = place.segment, %error, "an outbox record cannot be read; it is passed over");
    }

    fn set_aside(&mut self, seq: Seq, frame: &[u8]) {
        let Some(place) = self.index.get(&seq).copied() else { return };
        let start = usize::try_from(place.start).expect("segments are small");
        match self.quarantine.keep(place.segment, start, frame) {
            Ok(_) => {
                tracing::error!(seq, segment = place.segment, "damaged outbox record set aside");
                self.acknowledge(&[seq]);
            }
            Err(error) => tracing::error!(seq, %error, "damaged outbox record cannot be set aside"),
        }
    }

    /// Move a record to the rejected log; the bytes the log grew by. A record that is not there is fine.
    pub(super) fn reject(&mut self, seq: Seq, reason: &str) -> Result<u64, StoreError> {
        if !self.index.contains_key(&seq) {
            return Ok(0);
        }
        let record = match self.read(seq) {
            Ok(Ok(record)) => record,
            Ok(Err(frame)) => {
                self.set_aside(seq, &frame);
                return Ok(frame.len() as u64);
            }
            Err(error) if is_lost(&error) => {
                self.pass_over(seq, &error);
                return Ok(0);
            }
            Err(source) => return Err(StoreError::Read { seq, source }),
        };
        let (dir, number) = (&self.dir, self.next_number);
        self.next_number += 1;
        self.rejected
            .append(|| rejected::new_file(dir, number, new_mark()), &mut *self.disk, (&record, reason))
            .map_err(|failure| StoreError::Reject { seq, fault: failure.fault, source: failure.source })
    }
}

/// Random, so that no payload holds it; odd, so that zeroed blocks never match.
fn new_mark() -> u32 {
    rand::random::<u32>() | 1
}
