//! Random histories of appends, acknowledgements, rejections, restarts and crashes against a list in memory.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use vox_shared::outbox::{Entry, Outbox, Record, Seq, Settings};

use crate::outbox_rig::{fast_dir, segments, settings};

const HISTORIES: u32 = 120;
const LONGEST_HISTORY: usize = 60;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    AppendDetached(usize),
    Acknowledge(prop::sample::Index),
    Reject(prop::sample::Index),
    Restart,
    /// The process dies while this many bytes of a frame are written.
    Crash(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..900).prop_map(Step::Append),
        2 => (0usize..900).prop_map(Step::AppendDetached),
        5 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        1 => any::<prop::sample::Index>().prop_map(Step::Reject),
        1 => Just(Step::Restart),
        1 => (0usize..36).prop_map(Step::Crash),
    ]
}

struct History {
    root: tempfile::TempDir,
    dir: PathBuf,
    outbox: Outbox,
    /// What must be in the outbox.
    live: Vec<(Seq, Vec<u8>)>,
    rejected: Vec<Seq>,
    last: Seq,
    payloads: u8,
    crashes: usize,
}

/// Small segments, so that histories cross many of them.
fn small() -> Settings {
    Settings { segment_bytes: 2_000, ..settings() }
}

impl History {
    fn begin() -> Self {
        let root = fast_dir();
        let dir = root.path().join("0");
        let (outbox, _) = Outbox::open(&dir, small()).unwrap();
        Self { root, dir, outbox, live: vec![], rejected: vec![], last: 0, payloads: 0, crashes: 0 }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append(bytes) => {
                let payload = self.payload(bytes);
                let seq = self.outbox.append(Entry::new(3, payload.clone())).await.unwrap();
                assert!(seq > self.last);
                self.last = seq;
                self.live.push((seq, payload));
            }
            Step::AppendDetached(bytes) => {
                let payload = self.payload(bytes);
                self.outbox.append_detached(Entry::new(3, payload.clone()));
                self.outbox.flush().await.unwrap();
                let seq = *self.outbox.watch_durable().borrow();
                assert!(seq > self.last);
                self.last = seq;
                self.live.push((seq, payload));
            }
            Step::Acknowledge(index) if !self.live.is_empty() => {
                let (seq, _) = self.live.remove(index.index(self.live.len()));
                self.outbox.acknowledge(seq).await.unwrap();
            }
            Step::Reject(index) if !self.live.is_empty() => {
                let (seq, _) = self.live.remove(index.index(self.live.len()));
                self.outbox.reject(seq, "malformed").await.unwrap();
                self.rejected.push(seq);
            }
            Step::Acknowledge(_) | Step::Reject(_) => {}
            Step::Restart => {
                self.outbox.clone().close().await;
                self.open(0);
            }
            Step::Crash(torn_bytes) => self.crash(torn_bytes).await,
        }
        self.check().await;
    }

    fn payload(&mut self, bytes: usize) -> Vec<u8> {
        self.payloads = self.payloads.wrapping_add(1);
        vec![self.payloads; bytes]
    }

    /// What the disk holds at this instant goes on as another directory, with an unfinished frame at its end.
    async fn crash(&mut self, torn_bytes: usize) {
        self.crashes += 1;
        let copy = self.root.path().join(self.crashes.to_string());
        copy_dir(&self.dir, &copy);
        let mut torn = 0;
        if let Some(newest) = segments(&copy).pop() {
            let mut bytes = std::fs::read(&newest).unwrap();
            bytes.extend(std::iter::repeat_n(0x5a, torn_bytes));
            std::fs::write(newest, bytes).unwrap();
            torn = torn_bytes as u64;
        }
        self.outbox.clone().close().await;
        self.dir = copy;
        self.open(torn);
    }

    fn open(&mut self, torn_bytes: u64) {
        let (outbox, found) = Outbox::open(&self.dir, small()).unwrap();
        assert_eq!(plain(&found.records), self.live);
        assert_eq!((found.quarantined, found.torn_bytes), (0, torn_bytes));
        self.outbox = outbox;
    }

    async fn check(&self) {
        let stats = self.outbox.stats();
        assert_eq!(stats.depth, self.live.len() as u64);
        assert_eq!(stats.rejected, self.rejected.len() as u64);
        assert_eq!(stats.detached_failed, 0);
        assert_eq!(plain(&self.outbox.pending(0, usize::MAX).await.unwrap()), self.live);
        let rejected = self.outbox.rejected().await.unwrap();
        assert_eq!(rejected.iter().map(|r| r.record.seq).collect::<Vec<_>>(), self.rejected);
        // Every segment but the newest has a record that still needs it.
        assert!(segments(&self.dir).len() <= self.live.len() + 1, "space is given back");
    }
}

fn plain(records: &[Record]) -> Vec<(Seq, Vec<u8>)> {
    records.iter().map(|r| (r.seq, r.payload.clone())).collect()
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap).filter(|e| e.path().is_file()) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn any_history_leaves_exactly_what_was_not_acknowledged() {
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let histories = prop::collection::vec(step(), 1..LONGEST_HISTORY);
    let result = runner.run(&histories, |steps| {
        runtime.block_on(async {
            let mut history = History::begin();
            for step in steps {
                history.take(step).await;
            }
            history.outbox.clone().close().await;
        });
        Ok(())
    });
    result.unwrap();
}
