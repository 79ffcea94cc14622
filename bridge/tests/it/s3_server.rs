//! A real S3 server for a test, and a way behind the bridge's back.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode};
use rustix::process::Signal;
use vox_bridge::config::{ADDRESS_LIFETIME, S3Settings};
use vox_harness::{Kept, Script, free_address};

use crate::harness::client;

/// The bucket that the tests use.
pub const BUCKET: &str = "recordings";

/// A server of this test alone, with an empty bucket. It is gone when this is.
pub struct S3Server {
    pub url: String,
    // None between a kill and the next start.
    script: Option<Script>,
    // Its data, for one that is started again. Last: the server ends first.
    kept: Option<Kept>,
}

/// A server that is not there.
pub fn settings_of_nobody() -> S3Settings {
    let port = free_address().port();
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

/// On a thread of its own: a bridge of the test goes on meanwhile.
async fn run(options: &[&str]) -> Script {
    let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    let start = move || Script::run("s3", &options.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(start).await.expect("an S3 server for the test")
}

impl S3Server {
    pub async fn start() -> Self {
        let script = run(&[]).await;
        Self::with_bucket(Self { url: script.address().to_owned(), script: Some(script), kept: None }).await
    }

    /// One that can be killed and started again on the same port with the same data.
    pub async fn start_to_be_killed() -> Self {
        let kept = Kept::by("s3");
        let script = run(&["--data", kept.name()]).await;
        let url = script.address().to_owned();
        Self::with_bucket(Self { url, script: Some(script), kept: Some(kept) }).await
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
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(script) = &self.script {
            script.signal(signal);
        }
    }

    /// After [`kill`](Self::kill): with the same data, at the same address.
    pub async fn restart(&mut self) {
        let kept = self.kept.as_ref().expect("it is one that may be killed");
        // It has its data until its script has ended.
        let port = self.script.take().expect("it was started").port().to_string();
        let script = run(&["--data", kept.name(), "--port", &port]).await;
        assert_eq!(script.address(), self.url);
        self.script = Some(script);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.kill();
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
