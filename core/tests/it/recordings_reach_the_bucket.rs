//! Recordings on their way from a worker to the bucket: the line is cut, the worker is killed. What is in the bucket
//! is not sent again, and what is served is what was recorded.

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vox_shared::clock::Clock;
use vox_shared::outbox::{Entry, Outbox, Settings};
use vox_shared::wire::journal::{JournalRecord, RecordingFile};
use vox_shared::wire::proof::Proof;
use vox_shared::wire::result::{CallResult, DisconnectedBy};
use vox_testkit::chaos::ChaosProxy;

use crate::harness::bridge::Bridge;
use crate::harness::worker::Worker;
use crate::harness::{eventually, files_in};
use crate::s3_server::S3Server;

/// Three parts, the last of them smaller.
const SIZE: usize = 20_000_000;
/// Two of them, and some of the third.
const TWO_PARTS: u64 = 18_000_000;
/// A part takes about a second.
const BYTES_PER_S: u64 = 8_000_000;

struct Stage {
    server: S3Server,
    proxy: ChaosProxy,
    bridge: Bridge,
    bot: String,
    data: TempDir,
}

impl Stage {
    /// The bucket is reached through a line that can be cut, by bridge and workers alike.
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = S3Server::start().await;
        let target = server.url.strip_prefix("http://").unwrap().parse().unwrap();
        let proxy = ChaosProxy::start(target).await.unwrap();
        let s3 = server.settings_at(&proxy.url());
        let bridge = Bridge::start_with(&data.path().join("bridge"), Some(s3)).await;
        let bot = bridge.insert_bot(Default::default()).await;
        Self { server, proxy, bridge, bot, data }
    }

    fn core(&self) -> std::path::PathBuf {
        self.data.path().join("core")
    }

    async fn worker(&self) -> Worker {
        Worker::start(&self.core(), &self.bridge.url(), &[]).await
    }

    /// What a worker leaves that is killed when a call has ended: its result, and the order to upload.
    async fn leave(&self, call: &str, content: &[u8]) {
        let (core, key) = (self.core(), format!("20261120-{call}.wav"));
        let recordings = core.join("recordings");
        std::fs::create_dir_all(&recordings).unwrap();
        std::fs::write(recordings.join(&key), content).unwrap();
        let claim = Some(format!("claim-of-{call}-0123456789abcdef0123"));
        let proof = Proof { claim, ..Proof::default() };
        let mut result = CallResult::bare(call.parse().unwrap(), DisconnectedBy::Customer);
        result.bot_id = Some(self.bot.parse().unwrap());
        result.caller_id = Some(call.to_owned());
        (result.recording_key, result.proof) = (Some(key.clone()), proof.clone());
        let upload = RecordingFile {
            session_id: call.parse().unwrap(),
            file: key.clone(),
            key,
            bridge_url: self.bridge.url(),
            traceparent: None,
            proof,
        };
        let (outbox, _) =
            Outbox::open(&core.join("outbox").join(call), Settings::new(Clock::system())).unwrap();
        for record in [JournalRecord::Result(Box::new(result)), JournalRecord::Recording(upload)] {
            outbox.append(Entry::new(1, serde_json::to_vec(&record).unwrap())).await.unwrap();
        }
        outbox.close().await;
    }

    /// When it is in the bucket: the record of the call.
    async fn uploaded(&self, call: &str) -> Value {
        let recordings = self.core().join("recordings");
        eventually("it is uploaded", async || files_in(&recordings).is_empty().then_some(())).await;
        self.bridge.record(call).await.unwrap()
    }

    fn sent(&self) -> u64 {
        self.proxy.counters().upstream_bytes
    }
}

fn content(seed: u8) -> Vec<u8> {
    (0..SIZE as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed).collect()
}

fn hash(content: &[u8]) -> Vec<u8> {
    Sha256::digest(content).to_vec()
}

/// 20 MB over a line on which each part takes a second: it is to be killed and cut in the midst of them.
#[tokio::test]
async fn what_is_in_the_bucket_is_not_sent_again() {
    let stage = Stage::start().await;
    let was = content(1);
    stage.leave("call_1", &was).await;
    stage.proxy.change(|conditions| conditions.bytes_per_s = Some(BYTES_PER_S));
    let worker = stage.worker().await;
    eventually("two parts are there", async || (stage.sent() > TWO_PARTS).then_some(())).await;
    kill(&worker);
    drop(worker);
    // The socket of a worker that was killed tells the host that it is unreachable; no other worker is to look at it here.
    std::fs::remove_dir_all(stage.core().join("sockets")).unwrap();
    let before = stage.sent();
    assert!(before < SIZE as u64, "it was killed too late: {before}");

    let mut worker = stage.worker().await;
    let record = stage.uploaded("call_1").await;
    let again = stage.sent() - before;
    // The third part, and what was on its way of it when the worker was killed; another part would be 8.4 MB more.
    assert!(again < 8_000_000, "parts that were there were sent again: {again} bytes");
    assert!(hash(&stage.bridge.recording(&record).await) == hash(&was));
    worker.stop().await;

    // The line is cut in the midst of the second part.
    let was = content(2);
    stage.leave("call_2", &was).await;
    let before = stage.sent();
    stage.proxy.cut_after(12_000_000);
    let mut worker = stage.worker().await;
    let record = stage.uploaded("call_2").await;
    let sent = stage.sent() - before;
    assert!(sent < 28_000_000, "the first part was sent again: {sent} bytes");
    assert!(hash(&stage.bridge.recording(&record).await) == hash(&was));
    assert!(!stage.server.has_unfinished().await);
    worker.stop().await;
    assert!(is_sealed(&stage.server, "call_2").await);
    let mut bridge = stage.bridge;
    bridge.stop().await;
}

async fn is_sealed(server: &S3Server, call: &str) -> bool {
    let object = server.raw(reqwest::Method::GET, &format!("/recordings/20261120-{call}.wav"));
    let answer = object.header("range", "bytes=0-7").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
    answer.bytes().await.unwrap().as_ref() == b"VOXSEAL1"
}

fn kill(worker: &Worker) {
    kill_process(Pid::from_raw(i32::try_from(worker.pid()).unwrap()).unwrap(), Signal::KILL).unwrap();
}
