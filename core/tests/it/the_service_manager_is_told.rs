//! What systemd hears of a worker (`systemd/vox-core@.service`), on a socket as it gives one; and what its own judge says of the units.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixDatagram;
use tokio::time::{Instant, timeout};
use vox_caller::Protocol;

use crate::harness::vendors::Scripts;
use crate::harness::worker::Worker;
use crate::harness::{PATIENCE, Stage, assert_clean};

/// The manager's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        Self(UnixDatagram::bind(path).unwrap())
    }

    async fn next(&self) -> String {
        let mut told = [0; 512];
        let length = timeout(PATIENCE, self.0.recv(&mut told)).await.expect("something is told").unwrap();
        String::from_utf8(told[..length].to_vec()).unwrap()
    }

    /// What is told until this is, whatever else comes before it.
    async fn hears(&self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.next().await.lines().any(|line| line == wanted) {
            assert!(Instant::now() < until, "'{wanted}' is not told");
        }
    }

    /// Drop what was told so far, and say whether anything comes within this time.
    async fn is_silent(&self, time: Duration) -> bool {
        while self.0.try_recv(&mut [0; 512]).is_ok() {}
        timeout(time, self.0.recv(&mut [0; 512])).await.is_err()
    }
}

#[tokio::test]
async fn when_it_serves_lives_hangs_has_a_call_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("notify");
    let manager = Manager::at(&socket);
    let mut stage = Stage::start(Scripts::default()).await;
    stage.worker.stop().await;
    let settings = [("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "500000")];
    stage.worker = Worker::start(&dir.path().join("core"), &stage.bridge.url(), &settings).await;
    manager.hears("READY=1").await;
    for _ in 0..3 {
        manager.hears("WATCHDOG=1").await;
    }
    let pid = Pid::from_raw(i32::try_from(stage.worker.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    assert!(manager.is_silent(Duration::from_secs(2)).await, "one that hangs says nothing");
    kill_process(pid, Signal::CONT).unwrap();
    manager.hears("WATCHDOG=1").await;

    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, "+919800000077").await;
    manager.hears("STATUS=in a call").await;
    stage.worker.terminate();
    manager.hears("STOPPING=1").await;
    assert_clean(&call.finish().await);
    manager.hears("STATUS=free").await;
    stage.worker.ended().await;
    stage.end().await;
}

/// The judge's own scale, from 0 (confined) to 10; above 2.0 it fails.
#[test]
fn the_units_confine_what_they_start() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd");
    for unit in ["vox-core@.service", "vox-bridge.service"] {
        let judge = Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=true", "--threshold=20"])
            .arg(units.join(unit))
            .output()
            .unwrap_or_else(|error| panic!("systemd-analyze: {error}: install it: apt-get install systemd"));
        let told = String::from_utf8_lossy(&judge.stdout).into_owned();
        assert!(judge.status.success() && told.contains("Overall exposure level"), "{unit}: {told}");
    }
}
