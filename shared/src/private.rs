//! What a process writes is its user's alone: what callers said, whom they are, and the keys of a tenant's vendors.

use std::fs::{DirBuilder, Permissions, set_permissions};
use std::io::Result;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Mode;

/// Of a directory that only its owner may enter.
const DIRECTORY_MODE: u32 = 0o700;

/// Let every file, directory and socket that this process makes from now on be its user's only, whatever mask the service
/// manager left. For the first lines of `main`, before anything is opened; children inherit it.
pub fn keep_files_private() {
    let _former = rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Make a directory, and those above it that are missing, or take it over: nobody else may enter it from now on.
pub fn directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
    set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_directory_that_others_could_enter_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("a/b"));
        std::fs::create_dir(&old).unwrap();
        set_permissions(&old, Permissions::from_mode(0o755)).unwrap();
        for path in [&old, &new] {
            directory(path).unwrap();
            assert_eq!(mode(path), 0o700);
        }
    }
}
