//! Whose the directory is: `flock` on a file in it, which the kernel lets go when the holder dies.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::error::OpenError;
use super::segment::{FILE_MODE, sync_dir};

/// The lock file's name within the outbox's directory.
pub(super) const LOCK_FILE: &str = "lock";

const DIR_MODE: u32 = 0o700;

/// A lock may be seen held for an instant while [`neighbours`] probes it, and the directory may vanish while it is being
/// locked; so a refusal is believed only after this many tries.
const LOCK_TRIES: u32 = 10;
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// Suffix of directories that hold nothing to deliver, only rejected or damaged records for a person to look at.
pub(super) const REMAINS_SUFFIX: &str = ".remains";

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct DirLock {
    _file: File,
}

/// What to do about a directory that does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Refuse,
}

enum Attempt {
    Locked(DirLock),
    Held,
    Vanished,
}

/// Take the lock of `dir`.
pub(super) fn acquire(dir: &Path, missing: Missing) -> Result<DirLock, OpenError> {
    let mut last = Attempt::Held;
    for _ in 0..LOCK_TRIES {
        if missing == Missing::Create {
            create_dir(dir).map_err(|source| OpenError::Io {
                doing: "creating",
                path: dir.to_owned(),
                source,
            })?;
        }
        last = attempt(dir).map_err(|source| OpenError::Io {
            doing: "locking",
            path: dir.to_owned(),
            source,
        })?;
        match last {
            Attempt::Locked(lock) => return Ok(lock),
            Attempt::Vanished if missing == Missing::Refuse => break,
            Attempt::Held | Attempt::Vanished => std::thread::sleep(LOCK_RETRY),
        }
    }
    match last {
        Attempt::Vanished => Err(OpenError::Gone(dir.to_owned())),
        _ => Err(OpenError::Held(dir.to_owned())),
    }
}

fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// One try. The lock counts only if, once taken, the file that was locked still is the one that bears the name:
/// whoever removes an outbox unlinks the lock file while holding it.
fn attempt(dir: &Path) -> io::Result<Attempt> {
    let path = dir.join(LOCK_FILE);
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(&path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Attempt::Vanished),
        other => other?,
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Attempt::Held),
        other => other?,
    }
    let locked = file.metadata()?;
    match std::fs::metadata(&path) {
        Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {
            Ok(Attempt::Locked(DirLock { _file: file }))
        }
        Ok(_) => Ok(Attempt::Vanished),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Attempt::Vanished),
        Err(error) => Err(error),
    }
}

/// The outboxes of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Those that no live process holds, sorted by name. Each may be taken by somebody else before it is opened:
    /// [`super::Outbox::adopt`] decides.
    pub orphans: Vec<PathBuf>,
    /// Those that have an owner.
    pub held: Vec<PathBuf>,
}

/// The outboxes directly below `parent`.
pub fn neighbours(parent: &Path) -> io::Result<Neighbours> {
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Neighbours::default()),
        other => other?,
    };
    let mut found = Neighbours::default();
    for entry in entries {
        let entry = entry?;
        let is_settled = entry.file_name().to_string_lossy().contains(REMAINS_SUFFIX);
        if is_settled || !entry.file_type()?.is_dir() {
            continue;
        }
        match is_unheld(&entry.path()) {
            Ok(true) => found.orphans.push(entry.path()),
            Ok(false) => found.held.push(entry.path()),
            // Another user's, for example: it must not hide the others.
            Err(error) => {
                tracing::warn!(%error, path = %entry.path().display(), "an outbox cannot be looked at");
            }
        }
    }
    found.orphans.sort();
    Ok(found)
}

/// The directories below `parent` in which only rejected or damaged records are left
/// ([`super::Removal::SetAside`]), sorted by name; [`super::read_rejected`] reads them.
pub fn remains(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(REMAINS_SUFFIX) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Probes with a shared lock, so that two probes at once do not take each other for an owner.
fn is_unheld(dir: &Path) -> io::Result<bool> {
    let file = match File::open(dir.join(LOCK_FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
