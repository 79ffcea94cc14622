//! A worker as a process of its own, the real control plane in this one, and the three vendors' scripted servers.
//!
//! A test ends its stage with [`Stage::end`], which asks the worker to stop and looks for leftovers: processes, sockets
//! at the vendors, undelivered records, recordings that were not uploaded.

pub mod bridge;
pub mod bridge_process;
pub mod nginx;
pub mod raw;
pub mod rooms;
pub mod sound;
pub mod vendors;
pub mod worker;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use vox_caller::{Call, Clip, Options, Protocol, Report, Rule, connect, synthetic};
use vox_shared::model::bot::BotSettings;

use bridge::Bridge;
use vendors::{Scripts, Vendors};
use worker::Worker;

/// What the test bot says first.
pub const GREETING: &str = "Good day, how can I help?";
/// Longer than anything that is expected to happen takes.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that will come true.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An HTTP client for tests.
pub fn client() -> reqwest::Client {
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Everything a call needs.
pub struct Stage {
    pub bridge: Bridge,
    pub vendors: Vendors,
    pub worker: Worker,
    core_data: PathBuf,
    _data: TempDir,
    has_ended: bool,
}

impl Stage {
    /// A stage whose vendors follow these scripts.
    pub async fn start(scripts: Scripts) -> Self {
        Self::start_with(scripts, &[]).await
    }

    /// The same with more settings of the worker.
    pub async fn start_with(scripts: Scripts, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let bridge = Bridge::start_beside(&data.path().join("bridge"), settings).await;
        let vendors = Vendors::start(scripts).await;
        let worker = Worker::start(&data.path().join("core"), &bridge.url(), settings).await;
        Self { bridge, vendors, worker, core_data: data.path().join("core"), _data: data, has_ended: false }
    }

    /// The same with a worker that finds names by this DNS server alone. Wants root.
    pub async fn start_with_names(scripts: Scripts, nameserver: Ipv4Addr, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let bridge = Bridge::start(&data.path().join("bridge")).await;
        let vendors = Vendors::start(scripts).await;
        let root = data.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let worker = Worker::start_below((&root, nameserver), &bridge.url(), settings).await;
        Self { bridge, vendors, worker, core_data: root.join("data"), _data: data, has_ended: false }
    }

    /// The worker's data directory.
    pub fn core_data(&self) -> PathBuf {
        self.core_data.clone()
    }

    /// Store the usual bot with changes; answers its id.
    pub async fn bot(&self, change: impl FnOnce(&mut BotSettings)) -> String {
        let mut settings = self.vendors.bot();
        change(&mut settings);
        self.bridge.insert_bot(settings).await
    }

    /// Options of a call to this bot. `caller` names the call: its record is found by it.
    pub async fn options(&self, protocol: Protocol, bot: &str, caller: &str) -> Options {
        let mut options = Options::new(protocol, &self.worker.url()).unwrap();
        options.bot_id = Some(bot.to_owned());
        caller.clone_into(&mut options.caller_id);
        if protocol == Protocol::Talk {
            options.ticket = Some(self.bridge.ticket(bot).await.into());
            options.query.push(("caller_id".into(), caller.into()));
        }
        options
    }

    /// Place a call. A worker that is still putting its last call away is asked again.
    pub async fn dial(&self, protocol: Protocol, bot: &str, caller: &str) -> Call {
        let until = Instant::now() + PATIENCE;
        loop {
            match connect(self.options(protocol, bot, caller).await).await {
                Ok(call) => return call,
                Err(error) if error.kind() == "refused_503" && Instant::now() < until => {
                    sleep(LOOK_EVERY).await
                }
                Err(error) => panic!("the call did not come about: {error}\n{}", self.worker.log()),
            }
        }
    }

    /// The terminal record of the one call of this caller.
    pub async fn record(&self, caller: &str) -> Value {
        self.bridge.record(caller).await.unwrap_or_else(|why| panic!("{why}\n{}", self.worker.log()))
    }

    /// Stop everything; nothing may be left.
    pub async fn end(mut self) {
        self.has_ended = true;
        self.worker.stop().await;
        self.vendors.assert_no_leftovers().await;
        assert_eq!(files_in(&self.core_data().join("outbox")), Vec::<String>::new(), "undelivered records");
        assert_eq!(files_in(&self.core_data().join("recordings")), Vec::<String>::new(), "recordings");
        self.bridge.stop().await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A failed test leaves what it leaves; the worker's process is killed with its handle.
        assert!(self.has_ended || std::thread::panicking(), "end the stage, so that leftovers are seen");
    }
}

/// The names of what lies in a directory.
pub fn files_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

/// Something to say that lasts about a quarter of a second per syllable.
pub fn speech(syllables: u32) -> Clip {
    synthetic(7, syllables)
}

/// Wait until something has come true.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "it does not come true: {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// What only a timer that is late can break: judged by the tests of `timing.rs`, which have the machine to themselves.
fn is_timing(rule: Rule) -> bool {
    matches!(rule, Rule::Starved | Rule::TooFarAhead)
}

/// The carrier has nothing to complain of that is a matter of truth, however busy the machine is.
pub fn assert_clean(report: &Report) {
    let broken: Vec<_> = report.violations.iter().filter(|v| !is_timing(v.rule)).collect();
    assert!(broken.is_empty(), "{}: {broken:#?}", report.protocol);
}

/// The carrier has nothing to complain of, its clock included.
pub fn assert_in_time(report: &Report) {
    assert!(report.violations.is_empty(), "{}: {:#?}", report.protocol, report.violations);
}

/// The lines of one speaker in a record.
pub fn lines<'a>(record: &'a Value, speaker: &str) -> Vec<&'a Value> {
    let all = record["transcript"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|line| line["speaker"] == speaker).collect()
}

/// What one speaker said.
pub fn texts(record: &Value, speaker: &str) -> Vec<String> {
    lines(record, speaker).iter().map(|line| line["text"].as_str().unwrap_or_default().to_owned()).collect()
}
