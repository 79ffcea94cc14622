//! Places on a server that several test processes use at once.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::path::PathBuf;

use rand::distr::{Alphanumeric, SampleString};
use vox_shared::env::Env;

/// A place that an earlier test may have used, and none does now.
pub struct Claimed {
    /// The lowest that was free: there are about as many as tests run at once.
    pub number: usize,
    /// The same for whoever claims this number at this server.
    pub name: String,
}

/// A place at this server. It is this process's until it ends, however it ends.
pub fn claim(server: &str) -> Claimed {
    let mut hasher = DefaultHasher::new();
    server.hash(&mut hasher);
    // Of servers that end with this run.
    let of_run = Env::of_process().text("TEST_PLACES").map(PathBuf::from);
    let root = of_run.unwrap_or_else(std::env::temp_dir);
    let dir = root.join(format!("vox-test-places-{:016x}", hasher.finish()));
    std::fs::create_dir_all(&dir).unwrap();
    for number in 0.. {
        let path = dir.join(number.to_string());
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
        if file.try_lock().is_err() {
            continue;
        }
        let mut name = String::new();
        file.read_to_string(&mut name).unwrap();
        if name.is_empty() {
            name = fresh_name();
            file.write_all(name.as_bytes()).unwrap();
        }
        // The lock goes with the process, not with this value: what still runs of a test may still write.
        std::mem::forget(file);
        return Claimed { number, name };
    }
    unreachable!("there are more numbers than processes")
}

/// Nobody else has it.
pub fn fresh_name() -> String {
    format!("vox_test_{}", Alphanumeric.sample_string(&mut rand::rng(), 12).to_lowercase())
}
