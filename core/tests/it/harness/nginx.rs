//! nginx with the settings of a whole host.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use vox_harness::Script;

use super::eventually;

/// It ends with this value.
pub struct Nginx {
    /// `http://…`, or `https://…` where it was given a certificate.
    pub url: String,
    place: PathBuf,
    script: Script,
}

impl Nginx {
    /// Its settings and logs are in `place`; `host` are options of `scripts/nginx/render.sh`.
    pub fn start(place: &Path, host: &[&str]) -> Self {
        fs::create_dir_all(place).unwrap();
        let options = [&["--place", place.to_str().unwrap(), "--"], host].concat();
        let script = Script::run("nginx", &options);
        let mut url = script.address().to_owned();
        if host.contains(&"--certificate") {
            url = url.replacen("http:", "https:", 1);
        }
        Self { url, place: place.to_owned(), script }
    }

    /// Where calls go.
    pub fn calls(&self) -> String {
        self.url.replacen("http", "ws", 1)
    }

    /// Have it read its settings anew, and wait until the processes before have been told to end with their calls.
    pub async fn reload(&self) {
        let before = self.processes();
        self.script.signal(Signal::HUP);
        eventually("nginx has read its settings anew", async || {
            let now = self.processes();
            let is_new = |(pid, name): &&(i32, String)| {
                !before.iter().any(|(old, _)| old == pid) && !name.contains("shutting down")
            };
            let leaving = |(old, _): &(i32, String)| {
                now.iter().all(|(pid, name)| pid != old || name.contains("shutting down"))
            };
            (now.iter().filter(is_new).count() == 2 && before.iter().all(leaving)).then_some(())
        })
        .await;
    }

    /// The addresses of its log, with their status and whom it asked, oldest first.
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.join("access.log")).unwrap_or_default()
    }

    /// Its working processes, with what they call themselves.
    fn processes(&self) -> Vec<(i32, String)> {
        let first = self.script.pids()[0].as_raw_nonzero().get();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
                // The name in brackets may hold anything; state and parent follow it.
                let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok()?;
                let name = fs::read_to_string(entry.path().join("cmdline")).ok()?;
                (parent == first).then_some((pid, name))
            })
            .collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let errors = fs::read_to_string(self.place.join("error.log")).unwrap_or_default();
            let _nobody_reads = writeln!(std::io::stderr(), "nginx's logs:\n{}\n{errors}", self.log());
        }
    }
}
