//! A whole platform, started by the program itself, and ended when the test is over.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A debug build on a busy machine takes its time.
const START_DEADLINE: Duration = Duration::from_secs(90);
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// The program under test.
pub fn vox() -> Command {
    Command::new(env!("CARGO_BIN_EXE_vox"))
}

/// Run it to its end.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    vox().args(arguments).stdin(Stdio::null()).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `vox up` on a directory of its own.
pub struct Up {
    child: Child,
    printed: Arc<Mutex<String>>,
    pub directory: tempfile::TempDir,
    pub ready: Value,
}

impl Up {
    /// Start, and wait until calls can be answered.
    pub fn start(workers: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_in(directory, workers)
    }

    pub fn start_in(directory: tempfile::TempDir, workers: u16) -> Self {
        Self::start_onto(directory, workers, Stdio::piped())
    }

    /// With its output going elsewhere.
    pub fn start_onto(directory: tempfile::TempDir, workers: u16, stdout: Stdio) -> Self {
        Self::start_with(directory, (workers, stdout), &[])
    }

    /// With a simulated carrier, whose telephones are so much faster than life.
    pub fn rehearse(workers: u16, speed: u16) -> Self {
        let more = ["--simulated-carrier", "--speed", &speed.to_string()].map(str::to_owned);
        Self::start_with(tempfile::tempdir().unwrap(), (workers, Stdio::piped()), &more)
    }

    fn start_with(directory: tempfile::TempDir, (workers, stdout): (u16, Stdio), more: &[String]) -> Self {
        for program in ["vox-bridge", "vox-core", "vox-engine"] {
            let path = Path::new(env!("CARGO_BIN_EXE_vox")).with_file_name(program);
            assert!(path.is_file(), "{program} is missing: cargo build --workspace --bins");
        }
        let ready_file = directory.path().join("ready.json");
        let mut child = vox()
            .args(["up", "--port", "0", "--bridge-port", "0", "--workers", &workers.to_string()])
            .args(more)
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .stdin(Stdio::null())
            .stdout(stdout)
            .spawn()
            .unwrap();
        let printed = child.stdout.take().map(collect).unwrap_or_default();
        let mut up = Self { child, printed, directory, ready: Value::Null };
        up.ready = up.wait_for(&ready_file);
        up
    }

    fn wait_for(&mut self, ready_file: &Path) -> Value {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Ok(found) = std::fs::read_to_string(ready_file) {
                return serde_json::from_str(&found).expect("the file is whole when it is there");
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.ready))
    }

    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Wait until something was printed.
    pub fn prints(&self, what: &str) {
        self.eventually(what, || self.printed().contains(what));
    }

    /// Wait until something is so.
    pub fn eventually(&self, what: &str, mut so: impl FnMut() -> bool) {
        let deadline = Instant::now() + START_DEADLINE;
        while !so() {
            assert!(Instant::now() < deadline, "not in time: {what}\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is answered at the calls' address; empty when nobody does.
    pub fn get(&self, path: &str) -> String {
        get(self.text("calls_url"), path)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Ask it to stop and wait for the end; says whether it was content.
    pub fn stop(mut self) -> (bool, tempfile::TempDir) {
        self.signal(Signal::TERM);
        let code = self.end();
        (code == Some(0), std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap()))
    }

    /// Wait for the end.
    pub fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + STOP_DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not stop:\n{}", self.printed());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            self.signal(Signal::TERM);
            // A second signal stops at once.
            let _ = self.child.wait();
        }
    }
}

/// An answer, head and body; empty when nobody answers.
pub fn get(url: &str, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(url.trim_start_matches("http://")) else { return String::new() };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answer = String::new();
    // A connection that breaks while the other side comes up is an empty answer.
    let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Everything it prints, as it comes.
fn collect(stdout: ChildStdout) -> Arc<Mutex<String>> {
    let printed = Arc::new(Mutex::new(String::new()));
    let (lines, to) = (BufReader::new(stdout), Arc::clone(&printed));
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let mut all = to.lock().unwrap();
            all.push_str(&line);
            all.push('\n');
        }
    });
    printed
}

/// The processes of a worker or the bridge, found by the directory in their environment.
pub fn processes_of(data_dir: &Path) -> Vec<(u32, String)> {
    let needle = data_dir.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(needle.len()).any(|window| window == needle) {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push((pid, name.trim().to_owned()));
        }
    }
    found
}
