//! What this machine must have: programs, models, engines, disk, descriptors.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};
use vox_engines::{EngineBinary, EngineKind, check};

use super::Finding;
use crate::installation;

/// Below this calls are refused soon: the outbox has a quota and recordings grow by 1 MB a minute.
const MIN_FREE_BYTES: u64 = 200 * 1024 * 1024;
/// Below this it is time to think of it.
const GOOD_FREE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Descriptors of one process: sockets of callers, files, pipes of children.
const GOOD_OPEN_FILES: u64 = 1024;
const BUILD: &str = "build all programs with `cargo build --release --workspace --bins`";

/// The programs beside this one.
pub fn programs() -> Vec<Finding> {
    let names = [installation::BRIDGE, installation::CORE, installation::ENGINE];
    let missing: Vec<&str> = names.into_iter().filter(|name| installation::program(name).is_err()).collect();
    vec![if missing.is_empty() {
        Finding::ok("programs", names.join(", "))
    } else {
        Finding::fail("programs", format!("missing beside this one: {}", missing.join(", ")), BUILD)
    }]
}

/// The speech detector's weights.
pub fn models(named: Option<&Path>) -> Finding {
    match installation::models(named) {
        Ok(directory) => Finding::ok("models", directory.join(installation::WEIGHTS).display().to_string()),
        Err(missing) => Finding::fail("models", missing.to_string(), "run scripts/fetch-models.sh"),
    }
}

/// The local voice and recogniser. Without them the demo bots do not work; bots with cloud vendors do.
pub async fn engines() -> Vec<Finding> {
    let Some(binary) = EngineBinary::beside_current_exe() else {
        return vec![Finding::fail("local engines", "the program vox-engine is missing", BUILD)];
    };
    let mut findings = Vec::new();
    for kind in [EngineKind::Flite, EngineKind::Pocketsphinx] {
        findings.push(match check(&binary, kind).await {
            Ok(info) => Finding::ok(kind.name(), info.version),
            Err(error) => Finding::warn(kind.name(), error.to_string(), "run scripts/install-engines.sh"),
        });
    }
    findings
}

/// Whether state can be kept, and how much of it.
pub fn disk(data_dir: &Path) -> Vec<Finding> {
    let place = nearest(data_dir);
    let shown = data_dir.display();
    let write = match writable(&place, place == data_dir) {
        Ok(()) => Finding::ok("data directory", format!("{shown} can be written")),
        Err(error) => Finding::fail(
            "data directory",
            format!("{} cannot be written: {error}", place.display()),
            "run as its owner, or choose another with --data-dir",
        ),
    };
    vec![write, free_space(&place)]
}

fn free_space(place: &Path) -> Finding {
    let name = "disk space";
    let mend = "make room, or choose a data directory on another disk with --data-dir";
    match statvfs(place) {
        Ok(found) => {
            let free_bytes = found.f_bavail.saturating_mul(found.f_frsize);
            let detail = format!("{:.1} GB free", free_bytes as f64 / 1e9);
            match free_bytes {
                0..MIN_FREE_BYTES => Finding::fail(name, detail, mend),
                MIN_FREE_BYTES..GOOD_FREE_BYTES => Finding::warn(name, detail, mend),
                _ => Finding::ok(name, detail),
            }
        }
        Err(error) => Finding::warn(name, format!("cannot be told: {error}"), mend),
    }
}

/// The directory itself, or the deepest one above it that is there.
fn nearest(data_dir: &Path) -> PathBuf {
    let whole = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    if data_dir.is_dir() {
        return data_dir.to_owned();
    }
    whole.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/")).to_owned()
}

/// In the directory a file is really written; above it nothing is left behind.
fn writable(place: &Path, is_own: bool) -> std::io::Result<()> {
    if !is_own {
        return Ok(access(place, Access::WRITE_OK | Access::EXEC_OK)?);
    }
    let file = place.join(format!(".doctor.{}", std::process::id()));
    fs::write(&file, b"x")?;
    fs::remove_file(&file)
}

/// How many files a process may have open.
pub fn open_files() -> Finding {
    let name = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < GOOD_OPEN_FILES => {
            let mend = format!("raise the limit: ulimit -n {GOOD_OPEN_FILES}");
            Finding::warn(name, format!("a process may open {limit}"), mend)
        }
        Some(limit) => Finding::ok(name, format!("a process may open {limit}")),
        None => Finding::ok(name, "no limit"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_yet_is_judged_by_the_one_above() {
        let directory = tempfile::tempdir().unwrap();
        let findings = disk(&directory.path().join("a/b"));
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
        let file = directory.path().join("file");
        fs::write(&file, "x").unwrap();
        let findings = disk(&file.join("below"));
        assert_eq!(findings[0].level, Level::Fail, "a file is no directory: {findings:?}");
    }
}
