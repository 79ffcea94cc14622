//! Data that outlive a server, for one that is killed and started again.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Script;

/// One more for each value of this process.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A name under which servers of `scripts/NAME/run.sh` keep their data, as its `--data` takes it. The data go with this value, also when
/// the test fails, and after a process that was killed with the next server that starts. The server ends first: make it later.
pub struct Kept {
    script: &'static str,
    name: String,
}

impl Kept {
    /// By the servers of this script.
    pub fn by(script: &'static str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { script, name: format!("kept{}-{number}", std::process::id()) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What stays is removed when this process is no more.
        let _removed = Command::new(Script::path(self.script)).args(["--remove", &self.name]).status();
    }
}
