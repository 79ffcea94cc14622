//! What a process writes is its user's alone: what callers said, whom they are, and the keys of a tenant's vendors.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, set_permissions};
use std::io::{ErrorKind, Result, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Mode;

/// Of a directory that only its owner may enter.
const DIRECTORY_MODE: u32 = 0o700;
/// Of a file that only its owner may read and write.
const FILE_MODE: u32 = 0o600;

/// Let every file, directory and socket that this process makes from now on be its user's only, whatever mask the service
/// manager left. For the first lines of `main`, before anything is opened; children inherit it.
pub fn keep_files_private() {
    let _former = rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Make a directory, and those above it that are missing, or take it over: nobody else may enter it from now on. For a
/// directory of the program's own; one that a person named is only made.
pub fn directory(path: &Path) -> Result<()> {
    make_directory(path)?;
    set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))
}

/// Make a directory, and those above it, for this user alone. One that is there already keeps its mode.
pub fn make_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Close a file to others, if there is one: a version without [`keep_files_private`] may have made it.
pub fn close_to_others(path: &Path) -> Result<()> {
    match set_permissions(path, Permissions::from_mode(FILE_MODE)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Write a file so that a reader, and a crash, sees the old one or all of the new one: a durable temporary file, renamed
/// into place. Blocks.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = Path::new(&part);
    // Left by a process of the same id that was killed; its mode may be another.
    let _ = std::fs::remove_file(part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(part, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The same with a value as one line of JSON.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    write(path, &line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_others_could_read_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("a/b"));
        std::fs::create_dir(&old).unwrap();
        set_permissions(&old, Permissions::from_mode(0o755)).unwrap();
        make_directory(&old).unwrap();
        assert_eq!(mode(&old), 0o755, "a directory that is only made keeps its mode");
        for path in [&old, &new] {
            directory(path).unwrap();
            assert_eq!(mode(path), 0o700);
        }
        let file = dir.path().join("file");
        close_to_others(&file).unwrap();
        std::fs::write(&file, "x").unwrap();
        set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        close_to_others(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn files_are_private_and_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        write(&path, b"something longer than what follows").unwrap();
        write_json(&path, &serde_json::json!({ "n": 1 })).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"n\":1}\n");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no part is left");
    }
}
