//! Tests with a disk that fails, and of how many syncs a group costs.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::disk::{Disk, KernelDisk};
use super::lock::Missing;
use super::{AppendError, DiskFault, Entry, Outbox, Settings};
use crate::clock::Clock;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    /// Writes this many bytes, then says that there is no space.
    FullAfter(usize),
    SyncFails,
    SyncSaysFull,
}

/// What the next operations do; when the list is used up everything works.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<VecDeque<Fault>>>);

impl Script {
    fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap().extend(faults);
    }
}

/// Bytes of every file that cannot be read.
#[derive(Clone, Default)]
struct BadSector(Arc<Mutex<Range<u64>>>);

#[derive(Default)]
struct FaultyDisk {
    script: Script,
    current: Fault,
    bad: BadSector,
}

impl Disk for FaultyDisk {
    fn write_at(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if self.current == Fault::None {
            self.current = self.script.0.lock().unwrap().pop_front().unwrap_or(Fault::None);
        }
        match self.current {
            Fault::FullAfter(0) => {
                self.current = Fault::None;
                Err(io::Error::from_raw_os_error(28))
            }
            Fault::FullAfter(left) => {
                let some = left.min(bytes.len());
                self.current = Fault::FullAfter(left - some);
                KernelDisk.write_at(file, &bytes[..some], offset)
            }
            _ => KernelDisk.write_at(file, bytes, offset),
        }
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        match std::mem::replace(&mut self.current, Fault::None) {
            Fault::SyncFails => Err(io::Error::from_raw_os_error(5)),
            Fault::SyncSaysFull => Err(io::Error::from_raw_os_error(28)),
            _ => KernelDisk.sync(file),
        }
    }

    fn read_exact_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let bad = self.bad.0.lock().unwrap().clone();
        let end = offset + bytes.len() as u64;
        if offset < bad.end && bad.start < end {
            return Err(io::Error::from_raw_os_error(5));
        }
        KernelDisk.read_exact_at(file, bytes, offset)
    }
}

fn settings() -> Settings {
    Settings { group_wait: Duration::ZERO, ..Settings::new(Clock::manual(Timestamp::UNIX_EPOCH)) }
}

fn open(dir: &Path, settings: Settings) -> (Outbox, Script) {
    let script = Script::default();
    let disk = FaultyDisk { script: script.clone(), ..FaultyDisk::default() };
    let (outbox, _) = Outbox::open_on(dir, Missing::Create, settings, Box::new(disk)).unwrap();
    (outbox, script)
}

async fn payloads_after_reopening(outbox: Outbox, dir: &Path) -> Vec<String> {
    outbox.close().await;
    let (outbox, found) = Outbox::open(dir, settings()).unwrap();
    outbox.close().await;
    assert_eq!((found.quarantined, found.torn_bytes), (0, 0));
    found.records.into_iter().map(|r| String::from_utf8(r.payload).unwrap()).collect()
}

fn fault_of(result: Result<u64, AppendError>) -> DiskFault {
    match result {
        Err(AppendError::Disk { fault, .. }) => fault,
        other => panic!("expected a disk fault, got {other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_and_leaves_the_log_valid() {
    for written_before in [0, 1, 20, 39] {
        let dir = tempfile::tempdir().unwrap();
        let (outbox, script) = open(dir.path(), settings());
        outbox.append(Entry::new(1, "before")).await.unwrap();
        script.next([Fault::FullAfter(written_before)]);
        assert_eq!(fault_of(outbox.append(Entry::new(1, "lost")).await), DiskFault::Full);
        let bytes = outbox.stats().bytes;
        outbox.append(Entry::new(1, "after")).await.unwrap();
        assert_eq!(bytes, Entry::new(1, "before").cost_bytes(), "what was not written is not charged");
        assert_eq!(payloads_after_reopening(outbox, dir.path()).await, ["before", "after"]);
    }
}

#[tokio::test]
async fn a_full_disk_while_a_segment_begins_is_reported_too() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, script) = open(dir.path(), settings());
    script.next([Fault::FullAfter(10), Fault::None, Fault::FullAfter(3)]);
    assert_eq!(fault_of(outbox.append(Entry::new(1, "lost")).await), DiskFault::Full);
    assert_eq!(fault_of(outbox.append(Entry::new(1, "lost")).await), DiskFault::Full);
    outbox.append(Entry::new(1, "kept")).await.unwrap();
    assert_eq!(payloads_after_reopening(outbox, dir.path()).await, ["kept"]);
}

#[tokio::test]
async fn a_full_segment_goes_on_when_no_new_one_can_begin() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, script) = open(dir.path(), Settings { segment_bytes: 200, ..settings() });
    let long = "x".repeat(300);
    outbox.append(Entry::new(1, long.clone())).await.unwrap();
    script.next([Fault::FullAfter(5)]);
    outbox.append(Entry::new(1, "end of the call")).await.unwrap();
    assert_eq!(segments(dir.path()), 1);
    outbox.append(Entry::new(1, "later")).await.unwrap();
    assert_eq!(segments(dir.path()), 2);
    assert_eq!(
        payloads_after_reopening(outbox, dir.path()).await,
        [long.as_str(), "end of the call", "later"]
    );
}

#[tokio::test]
async fn after_a_failed_sync_a_new_segment_is_begun() {
    for (fault, class) in [(Fault::SyncFails, DiskFault::Sync), (Fault::SyncSaysFull, DiskFault::Full)] {
        let dir = tempfile::tempdir().unwrap();
        let (outbox, script) = open(dir.path(), settings());
        let first = outbox.append(Entry::new(1, "before")).await.unwrap();
        assert_eq!(segments(dir.path()), 1);
        script.next([fault]);
        assert_eq!(fault_of(outbox.append(Entry::new(1, "lost")).await), class);
        let next = outbox.append(Entry::new(1, "after")).await.unwrap();
        assert_eq!(segments(dir.path()), 2);
        assert!(next > first + 1, "the number of the failed record is not used again");
        assert_eq!(payloads_after_reopening(outbox, dir.path()).await, ["before", "after"]);
    }
}

#[tokio::test]
async fn a_detached_record_that_fails_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, script) = open(dir.path(), settings());
    outbox.append(Entry::new(1, "before")).await.unwrap();
    script.next([Fault::FullAfter(0)]);
    outbox.append_detached(Entry::new(1, "lost"));
    outbox.flush().await.unwrap();
    assert_eq!(outbox.stats().detached_failed, 1);
    assert_eq!(payloads_after_reopening(outbox, dir.path()).await, ["before"]);
}

#[tokio::test]
async fn a_record_stays_when_the_rejected_log_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, script) = open(dir.path(), settings());
    let seq = outbox.append(Entry::new(1, "kept")).await.unwrap();
    // The file is made before the first entry is written to it, and kept for the second.
    for faults in [vec![Fault::None, Fault::FullAfter(0)], vec![Fault::SyncFails]] {
        script.next(faults);
        outbox.reject(seq, "malformed").await.unwrap_err();
    }
    assert_eq!((outbox.stats().depth, outbox.rejected_count()), (1, 0));
    outbox.reject(seq, "malformed").await.unwrap();
    assert_eq!((outbox.stats().depth, outbox.rejected_count()), (0, 1));
    assert_eq!(outbox.rejected().await.unwrap()[0].record.payload, b"kept");
}

#[tokio::test]
async fn records_that_come_together_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let patient = Settings { group_wait: Duration::from_secs(30), group_records: 64, ..settings() };
    let (outbox, _) = open(dir.path(), patient);
    // The first goes at once, as the disk is idle; it opens the segment. The next 64 fill a group exactly.
    outbox.append(Entry::new(1, "first")).await.unwrap();
    let appends = (0..64).map(|n| {
        let outbox = outbox.clone();
        tokio::spawn(async move { outbox.append(Entry::new(1, format!("{n}"))).await })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap().unwrap();
    }
    assert_eq!((outbox.stats().commits, outbox.stats().depth), (2, 65));
}

#[tokio::test]
async fn a_flush_does_not_wait_for_the_group_to_fill() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, _) = open(dir.path(), Settings { group_wait: Duration::from_secs(3600), ..settings() });
    for n in 0..10 {
        outbox.append_detached(Entry::new(1, format!("{n}")));
    }
    outbox.flush().await.unwrap();
    assert_eq!((outbox.stats().commits, outbox.stats().depth), (1, 10));
}

fn segments(dir: &Path) -> usize {
    std::fs::read_dir(dir)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|e| e == "seg"))
        .count()
}

fn open_on_bad(dir: &Path, bad: &BadSector, missing: Missing) -> (Outbox, super::Recovered) {
    let disk = FaultyDisk { bad: bad.clone(), ..FaultyDisk::default() };
    Outbox::open_on(dir, missing, settings(), Box::new(disk)).unwrap()
}

fn texts(records: Vec<super::Record>) -> Vec<String> {
    records.into_iter().map(|record| String::from_utf8(record.payload).unwrap()).collect()
}

/// Each is larger than a sector, so that one bad sector is in one or two of them.
fn long(name: &str) -> String {
    format!("{name}{}", ".".repeat(9_000))
}

/// One unreadable record held up all behind it, and kept the directory from being adopted at all.
#[tokio::test]
async fn a_sector_that_cannot_be_read_costs_its_record_and_none_behind_it() {
    let (dir, bad) = (tempfile::tempdir().unwrap(), BadSector::default());
    let own = dir.path().join("own");
    let (outbox, _) = open_on_bad(&own, &bad, Missing::Create);
    for name in ["first", "lost", "third", "fourth"] {
        outbox.append(Entry::new(1, long(name))).await.unwrap();
    }
    *bad.0.lock().unwrap() = 13_000..13_512;
    // While the process lives.
    let read = texts(outbox.pending(0, 2).await.unwrap());
    assert_eq!(read, [long("first"), long("third")]);
    assert_eq!((outbox.stats().depth, outbox.stats().quarantined), (3, 1));
    outbox.acknowledge(1).await.unwrap();
    outbox.close().await;
    // And for whoever adopts it.
    let (outbox, found) = open_on_bad(&own, &bad, Missing::Refuse);
    assert_eq!(texts(found.records), [long("third"), long("fourth")]);
    for seq in [3, 4] {
        outbox.acknowledge(seq).await.unwrap();
    }
    // What could not be read is not thrown away: it may come back.
    let super::Removal::SetAside(kept) = outbox.remove_if_empty().await.unwrap() else {
        panic!("it is gone")
    };
    outbox.close().await;
    *bad.0.lock().unwrap() = 0..0;
    let (outbox, found) = open_on_bad(&kept, &bad, Missing::Refuse);
    assert_eq!(texts(found.records), [long("lost")]);
    outbox.close().await;
}

#[tokio::test]
async fn a_page_of_damaged_records_does_not_end_the_reading() {
    let dir = tempfile::tempdir().unwrap();
    let (outbox, _) = open(dir.path(), settings());
    for name in ["a", "b", "c", "d"] {
        outbox.append(Entry::new(1, long(name))).await.unwrap();
    }
    let mut files = std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.path());
    let segment = files.find(|path| path.extension().is_some_and(|e| e == "seg")).unwrap();
    let file = File::options().write(true).open(segment).unwrap();
    for start in [2_000, 11_000] {
        std::os::unix::fs::FileExt::write_all_at(&file, b"#", start).unwrap();
    }
    assert_eq!(texts(outbox.pending(0, 2).await.unwrap()), [long("c"), long("d")]);
    assert_eq!((outbox.stats().depth, outbox.stats().quarantined), (2, 2));
    outbox.close().await;
}
