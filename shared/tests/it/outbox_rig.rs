//! What the outbox tests have in common.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use vox_shared::clock::Clock;
use vox_shared::outbox::{Outbox, Recovered, Settings};

/// A manual clock, and no waiting for a group to fill.
pub fn settings() -> Settings {
    Settings { group_wait: Duration::ZERO, ..Settings::new(Clock::manual(Timestamp::UNIX_EPOCH)) }
}

/// A directory in memory where there is one: tests that open thousands of logs need not wear a disk.
pub fn fast_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Open, close, and say what was found.
pub async fn look(dir: &Path) -> Recovered {
    let (outbox, found) = Outbox::open(dir, settings()).unwrap();
    outbox.close().await;
    found
}

/// The segment files, oldest first.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "seg")).collect();
    segments.sort();
    segments
}
