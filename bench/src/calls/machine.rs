//! Where and of what the figures are: the machine and the commit.

use std::{fs, path::Path, process::Command};

use serde::Serialize;
use vox_shared::clock::Clock;

/// The surroundings of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    pub processor: String,
    pub cores: u32,
    pub memory_gib: f64,
    pub kernel: String,
    /// Short commit, `+` behind it when files differ from it.
    pub commit: String,
    /// `release` or `debug`, after the directory of the programs.
    pub profile: String,
    /// Day of the run.
    pub date: String,
}

impl Machine {
    /// The head of a page of the documentation that `just bench {name}` writes.
    pub(crate) fn surroundings(&self, name: &str) -> String {
        format!(
            "| machine | |\n| --- | --- |\n| processor | {}, {} cores |\n| memory | {:.0} GiB |\n| kernel | {} |\n\
             | commit | `{}`, {} profile |\n| date | {} |\n\nTo repeat: `just bench {name}`.\n",
            self.processor, self.cores, self.memory_gib, self.kernel, self.commit, self.profile, self.date,
        )
    }

    /// This machine, and the checkout that this program is run in.
    pub(crate) fn here(programs: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let now = Clock::system().now().to_string();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(0, |cores| cores.get() as u32),
            memory_gib: memory_gib(&read("/proc/meminfo")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            profile: programs
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            date: now.split('T').next().unwrap_or_default().to_owned(),
        }
    }
}

/// The first `name : value` of the text.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    };
    text.lines().find_map(value)
}

fn memory_gib(meminfo: &str) -> f64 {
    let kib = field(meminfo, "MemTotal").and_then(|value| value.split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / (1024.0 * 1024.0)
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = git(&["rev-parse", "--short", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if is_clean { head } else { format!("{head}+") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lists_are_read() {
        assert_eq!(
            field("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n", "model name"),
            Some("Some CPU @ 2 GHz")
        );
        assert_eq!(memory_gib("MemTotal:       2097152 kB\nMemFree: 1 kB\n"), 2.0);
    }
}
