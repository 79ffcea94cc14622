//! The files of an outbox's directory.
//!
//! ```text
//! lock                                 whose it is
//! 0000000007-00000000000000000042.seg  records, from sequence number 42 on
//! 0000000007.ack                       which of them are acknowledged
//! 0000000009-00000000000000000001.rej  rejected records with their reasons
//! quarantine/                          copies of damaged stretches
//! ```

use std::io;
use std::path::{Path, PathBuf};

use super::Seq;

/// Directory of damaged stretches.
pub(super) const QUARANTINE_DIR: &str = "quarantine";

/// The numbered files of a directory, each list ascending.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Number, lowest sequence number, path.
    pub segments: Vec<(u64, Seq, PathBuf)>,
    pub rejected: Vec<(u64, PathBuf)>,
    pub acks: Vec<(u64, PathBuf)>,
}

impl Listing {
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let Some((number, first)) = numbers_of(&path) else { continue };
            match path.extension().and_then(|e| e.to_str()) {
                Some("seg") => found.segments.push((number, first, path)),
                Some("rej") => found.rejected.push((number, path)),
                Some("ack") => found.acks.push((number, path)),
                _ => {}
            }
        }
        found.segments.sort();
        found.rejected.sort();
        found.acks.sort();
        Ok(found)
    }

    /// The highest number in use.
    pub(super) fn last_number(&self) -> u64 {
        let segments = self.segments.iter().map(|(n, ..)| *n);
        let rejected = self.rejected.iter().map(|(n, _)| *n);
        let acks = self.acks.iter().map(|(n, _)| *n);
        segments.chain(rejected).chain(acks).max().unwrap_or(0)
    }
}

fn numbers_of(path: &Path) -> Option<(u64, Seq)> {
    let stem = path.file_stem()?.to_str()?;
    match stem.split_once('-') {
        Some((number, first)) => Some((number.parse().ok()?, first.parse().ok()?)),
        None => Some((stem.parse().ok()?, 0)),
    }
}

pub(super) fn segment(dir: &Path, number: u64, first_seq: Seq) -> PathBuf {
    dir.join(format!("{number:010}-{first_seq:020}.seg"))
}

pub(super) fn rejected(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}-{:020}.rej", 1))
}

pub(super) fn acks(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.ack"))
}
