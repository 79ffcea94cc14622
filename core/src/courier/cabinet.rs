//! Files on the host's disk that its workers share and that can be had again: named by all that decides what is in them, the ones that
//! were not used for longest go when there are too many.

use std::fs::{File, FileTimes, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use vox_shared::private;

/// A use is noted on the file when the last note is older than this: a write for every call would be wasted.
const NOTE_EVERY: Duration = Duration::from_secs(600);
/// Owner only.
const FILE_MODE: u32 = 0o600;

/// A directory of them. Cheap to clone. Everything here reads or writes the disk: not for the audio's thread.
#[derive(Clone, Debug)]
pub(super) struct Cabinet {
    dir: PathBuf,
    /// What all may take, bytes. Beyond it the least used go, down to three quarters.
    most: u64,
    written: Arc<AtomicU64>,
}

impl Cabinet {
    /// In this directory, made if it is missing.
    pub fn open(dir: PathBuf, most: u64) -> std::io::Result<Self> {
        private::directory(&dir)?;
        Ok(Self { dir, most, written: Arc::default() })
    }

    /// Where a file of this name is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The file, if it is there and no larger than `most` bytes. Looking is a use.
    pub fn read(&self, name: &str, most: u64) -> Option<Vec<u8>> {
        let mut file = File::open(self.path(name)).ok()?;
        let about = file.metadata().ok()?;
        if about.len() > most {
            return None;
        }
        let mut bytes = Vec::with_capacity(about.len() as usize);
        file.read_to_end(&mut bytes).ok()?;
        note_use(&file, about.modified());
        Some(bytes)
    }

    /// Keep a file. A reader sees the whole of it or none.
    pub fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = self.path(&format!("{name}.{}-{number}.tmp", std::process::id()));
        // Left by a process of the same id that was killed.
        let _fresh = std::fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&temporary)?;
        file.write_all(bytes)?;
        std::fs::rename(temporary, self.path(name))?;
        self.prune()
    }

    /// What a killed writer left goes with the rest.
    fn prune(&self) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            // A neighbour may have removed it meanwhile.
            let Ok(about) = entry.metadata() else { continue };
            files.push((about.modified()?, about.len(), entry.path()));
        }
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        if total <= self.most {
            return Ok(());
        }
        files.sort();
        for (_, length, path) in files {
            if total <= self.most / 4 * 3 {
                break;
            }
            let _gone = std::fs::remove_file(path);
            total -= length;
        }
        Ok(())
    }
}

/// The time of a file's last use is that of its last change.
fn note_use(file: &File, noted: std::io::Result<SystemTime>) {
    let is_old = noted.is_ok_and(|noted| noted.elapsed().is_ok_and(|age| age > NOTE_EVERY));
    if is_old {
        // A file system that takes no times evicts by age instead.
        let _unsupported = file.set_times(FileTimes::new().set_modified(now()));
    }
}

#[expect(clippy::disallowed_methods, reason = "a file's time is the kernel's, not the injected clock's")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn made_at(cabinet: &Cabinet, name: &str, secs: u64) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        File::options().write(true).open(cabinet.path(name)).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let dir = tempfile::tempdir().unwrap();
        let cabinet = Cabinet::open(dir.path().join("kept"), 8_000).unwrap();
        let name = |n: u64| format!("{n}.kept");
        for n in 0..8 {
            cabinet.write(&name(n), &[1; 1_000]).unwrap();
            made_at(&cabinet, &name(n), n);
        }
        assert!((0..8).all(|n| cabinet.has(&name(n))), "there is room for all");
        assert_eq!(cabinet.read(&name(2), 1_000).map(|bytes| bytes.len()), Some(1_000));
        assert_eq!(cabinet.read(&name(2), 999), None, "too large");
        cabinet.write(&name(8), &[1; 1_000]).unwrap();
        let left: Vec<u64> = (0..9).filter(|n| cabinet.has(&name(*n))).collect();
        assert_eq!(left, [2, 4, 5, 6, 7, 8], "looking was a use");
    }

    #[test]
    fn writers_do_not_meet_and_nobody_else_may_read() {
        let dir = tempfile::tempdir().unwrap();
        let cabinet = Cabinet::open(dir.path().join("kept"), 1 << 20).unwrap();
        std::thread::scope(|scope| {
            for n in 0..8_u8 {
                let cabinet = &cabinet;
                scope.spawn(move || (0..20).for_each(|_| cabinet.write("one", &[n; 10_000]).unwrap()));
            }
        });
        let whole = cabinet.read("one", 1 << 20).unwrap();
        assert!(whole.len() == 10_000 && whole.iter().all(|byte| *byte == whole[0]));
        assert_eq!(std::fs::read_dir(&cabinet.dir).unwrap().count(), 1, "nothing is left beside it");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cabinet.path("one")), mode(&cabinet.dir)), (0o600, 0o700));
    }
}
