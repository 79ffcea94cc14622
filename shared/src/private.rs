//! What a process writes is for its own user alone: databases, recordings, outboxes and logs hold what callers said, and
//! keys. The umask of whoever starts the process does not decide that.

use rustix::fs::Mode;
use rustix::process::umask;

/// Let every file and directory that this process makes from now on be its user's only (0600, 0700). For the first lines of
/// `main`, before anything is opened; children inherit it.
pub fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}
