//! Where damaged stretches go: a copy a file, so that a person can look at what was lost.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::names::QUARANTINE_DIR;
use super::segment::FILE_MODE;

/// The quarantine of one outbox.
#[derive(Debug)]
pub(super) struct Quarantine {
    dir: PathBuf,
    files: u64,
    bytes: u64,
}

impl Quarantine {
    /// What was set aside earlier.
    pub(super) fn of(outbox: &Path) -> io::Result<Self> {
        let mut found = Self { dir: outbox.join(QUARANTINE_DIR), files: 0, bytes: 0 };
        let entries = match std::fs::read_dir(&found.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.path().extension().is_some_and(|e| e == "bad") {
                found.files += 1;
                found.bytes += entry.metadata()?.len();
            }
        }
        Ok(found)
    }

    pub(super) fn files(&self) -> u64 {
        self.files
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Keep a copy under a name that tells where it was; `false` when an earlier start already did.
    pub(super) fn keep(&mut self, segment: u64, start: usize, bytes: &[u8]) -> io::Result<bool> {
        let path = self.dir.join(format!("{segment:010}-{start:010}.bad"));
        if path.exists() {
            return Ok(false);
        }
        if !self.dir.is_dir() {
            DirBuilder::new().mode(0o700).create(&self.dir)?;
        }
        let unfinished = path.with_extension("part");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &path)?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(true)
    }
}
