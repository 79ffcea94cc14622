//! A real S3 server for a test, and a way behind the bridge's back.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use vox_bridge::config::{ADDRESS_LIFETIME, S3Settings};

use crate::harness::client;

/// The bucket that the tests use.
pub const BUCKET: &str = "recordings";

/// A server of this test alone, with an empty bucket. It is gone when this is.
pub struct S3Server {
    pub url: String,
    pid: Pid,
    running: Running,
    /// Where its data stays while it is not running; nothing when it need not.
    kept: Option<PathBuf>,
}

/// The script that runs it; it ends with its input.
struct Running {
    _script: Child,
    _input: ChildStdin,
    _output: Lines<BufReader<ChildStdout>>,
}

/// A server that is not there.
pub fn settings_of_nobody() -> S3Settings {
    // The port is free again at once, and nobody else of this machine's tests is given it so soon.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    S3Settings {
        url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        bucket: BUCKET.into(),
        region: "us-east-1".into(),
        access_key: "testkey".into(),
        secret_key: "testsecret".into(),
        path_style: true,
        link_url: None,
        direct: Some(ADDRESS_LIFETIME),
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/s3/run.sh")
}

async fn run(arguments: &[&str]) -> (Running, Pid, PathBuf, String) {
    let mut script = Command::new(script())
        .args(arguments)
        .arg("--until-eof")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(false)
        .spawn()
        .unwrap();
    let input = script.stdin.take().unwrap();
    let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
    let missing = "no S3 server: install one with scripts/s3/install.sh; what is wrong is told above";
    let pids = lines.next_line().await.unwrap().expect(missing);
    let ready = lines.next_line().await.unwrap().expect(missing);
    let (pid, data) =
        pids.strip_prefix("pids weed=").and_then(|rest| rest.split_once(" data=")).expect(&pids);
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    let url = ready.strip_prefix("ready ").expect(&ready).to_owned();
    (Running { _script: script, _input: input, _output: lines }, pid, data.into(), url)
}

impl S3Server {
    pub async fn start() -> Self {
        let (running, pid, _, url) = run(&[]).await;
        Self::with_bucket(Self { url, pid, running, kept: None }).await
    }

    /// One that can be killed and started again on the same port with the same data.
    pub async fn start_to_be_killed() -> Self {
        let name = format!("kept-{}", vox_shared::ids::SessionId::generate());
        let (running, pid, data, url) = run(&["--data", &name]).await;
        Self::with_bucket(Self { url, pid, running, kept: Some(data) }).await
    }

    async fn with_bucket(self) -> Self {
        let made = self.raw(Method::PUT, "").send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.status());
        self
    }

    /// How a bridge uses it.
    pub fn settings(&self) -> S3Settings {
        self.settings_at(&self.url)
    }

    /// The same by another address.
    pub fn settings_at(&self, url: &str) -> S3Settings {
        S3Settings { url: url.parse().unwrap(), ..settings_of_nobody() }
    }

    /// A request that nobody signs, to the bucket or what is in it.
    pub fn raw(&self, method: Method, key: &str) -> RequestBuilder {
        client().request(method, format!("{}/{BUCKET}{key}", self.url))
    }

    /// Whether parts of an upload are there that are no object yet.
    pub async fn has_unfinished(&self) -> bool {
        let listed = self.raw(Method::GET, "?uploads").send().await.unwrap();
        assert_eq!(listed.status(), StatusCode::OK);
        listed.text().await.unwrap().contains("<UploadId>")
    }

    /// It keeps its connections and answers nothing.
    pub fn pause(&self) {
        kill_process(self.pid, Signal::STOP).unwrap();
    }

    pub fn go_on(&self) {
        kill_process(self.pid, Signal::CONT).unwrap();
    }

    /// SIGKILL.
    pub fn kill(&self) {
        kill_process(self.pid, Signal::KILL).unwrap();
    }

    /// After [`kill`](Self::kill): with the same data, at the same address.
    pub async fn restart(&mut self) {
        let (name, port) =
            (self.kept.as_ref().unwrap().file_name().unwrap(), self.url.rsplit_once(':').unwrap().1);
        let (running, pid, _, url) = run(&["--data", name.to_str().unwrap(), "--port", port]).await;
        assert_eq!(url, self.url);
        (self.running, self.pid) = (running, pid);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // A paused one would not notice that its script has ended.
        let _ = kill_process(self.pid, Signal::KILL);
        if let Some(kept) = &self.kept {
            let _ = std::fs::remove_dir_all(kept);
        }
    }
}

/// Ask again and again until it is so.
pub async fn eventually<F: Future<Output = bool>>(within: Duration, mut is_so: impl FnMut() -> F) -> bool {
    let began = Instant::now();
    while !is_so().await {
        if began.elapsed() > within {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}
