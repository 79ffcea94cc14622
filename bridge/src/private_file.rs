//! Files that only this user may read, written so that a reader sees all of them or nothing.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

/// Readable and writable by the owner.
const PRIVATE: u32 = 0o600;

/// Write a value as one line of JSON: a durable temporary file, renamed into place. Blocks.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = Path::new(&part);
    // Left by a process of the same id that was killed; a file of another mode must not be reused.
    let _ = std::fs::remove_file(part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(part)?;
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(part, path)?;
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_private_and_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        for n in 0..2 {
            write_json(&path, &serde_json::json!({ "n": n })).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"n\":1}\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no part is left");
    }
}
