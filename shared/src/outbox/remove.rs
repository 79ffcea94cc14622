//! The end of an outbox's directory.

use std::io;
use std::path::PathBuf;

use super::StoreError;
use super::lock::{LOCK_FILE, REMAINS_SUFFIX};
use super::names::{Listing, QUARANTINE_DIR};
use super::segment::sync_dir;
use super::store::Store;

/// Names tried for a directory that is set aside.
const REMAINS_TRIES: u32 = 10_000;

/// What became of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Nothing was left in it; it is gone and the outbox closed.
    Removed,
    /// Only rejected or damaged records were left: it was renamed to this, where [`super::remains`] lists it, and the
    /// outbox is closed.
    SetAside(PathBuf),
    /// So many records are not acknowledged; the outbox stays open.
    NotEmpty(u64),
}

impl Store {
    /// Remove the directory unless something in it is still needed. The lock is held throughout and its file unlinked
    /// last: whoever waits for it then finds that the file it locked bears no name, and gives up.
    pub(super) fn remove_if_empty(&mut self) -> Result<Removal, StoreError> {
        if self.depth() > 0 {
            return Ok(Removal::NotEmpty(self.depth()));
        }
        let failed = |source| StoreError::Remove { path: self.dir.clone(), source };
        let is_pinned = self.segments.values().any(|segment| segment.is_pinned);
        if is_pinned || self.rejected_count() > 0 || self.quarantined_count() > 0 {
            return self.rename_to_remains().map(Removal::SetAside).map_err(failed);
        }
        self.delete_files().map_err(failed)?;
        Ok(Removal::Removed)
    }

    fn rename_to_remains(&self) -> io::Result<PathBuf> {
        let name = self.dir.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
        for n in 0..REMAINS_TRIES {
            let suffix = if n == 0 { String::new() } else { format!("-{n}") };
            let target = self.dir.with_file_name(format!("{name}{REMAINS_SUFFIX}{suffix}"));
            match std::fs::rename(&self.dir, &target) {
                Ok(()) => return Ok(target),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn delete_files(&self) -> io::Result<()> {
        // Segments before their acknowledgements: the other way round a crash in between would deliver again.
        let listing = Listing::of(&self.dir)?;
        let segments = listing.segments.iter().map(|(_, _, path)| path);
        let others = listing.acks.iter().chain(&listing.rejected).map(|(_, path)| path);
        for path in segments.chain(others) {
            std::fs::remove_file(path)?;
        }
        // Ignored: mostly there is none, and one that is not empty keeps the directory below.
        let _ = std::fs::remove_dir_all(self.dir.join(QUARANTINE_DIR));
        std::fs::remove_file(self.dir.join(LOCK_FILE))?;
        match std::fs::remove_dir(&self.dir) {
            // Not empty: a new owner came as soon as the lock's name was free, and the directory is theirs now.
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => return Err(error),
            _ => {}
        }
        match self.dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
            _ => Ok(()),
        }
    }
}
