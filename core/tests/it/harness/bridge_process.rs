//! The control plane as a process of its own, to be frozen and killed. It serves what [`super::bridge::Bridge`] has stored, where that
//! was served.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use tokio::process::{Child, Command};
use vox_bridge::config::TEST_MASTER_KEY;

use super::bridge::{Bridge, config};
use super::eventually;

/// `vox-bridge` over this directory, with the settings of every bridge here; killed when its handle is dropped. The address is the caller's.
pub fn command(data: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_vox-core")).with_file_name("vox-bridge");
    assert!(program.exists(), "build it first: cargo build -p vox-bridge");
    let auth = config(data).auth;
    let tools = auth.tools_secret.expect("tests have one");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("JWT_SECRET", auth.jwt_secret.expose_secret())
        .env("VOXCORE_SECRET", auth.internal_secret.expose_secret())
        .env("VOX_TOOLS_SECRET", tools.expose_secret())
        .env("VOX_MASTER_KEY", TEST_MASTER_KEY)
        // What the limits are for is tested at the bridge.
        .env("VOX_REQUESTS_PER_MINUTE", "100000")
        .env("VOX_REQUESTS_AT_ONCE", "1000")
        .env("VOX_BRIDGE_METRICS_LISTEN", "127.0.0.1:0")
        .env("VOX_DATA_DIR", data)
        .env("LOG_LEVEL", "warn")
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A running `vox-bridge`. Killed when dropped.
pub struct BridgeProcess(Child);

impl BridgeProcess {
    /// Start one in the place of a bridge that has gone away, and wait until it is ready.
    pub async fn start(of: &Bridge) -> Self {
        Self::start_with(of, Stdio::null(), &[]).await
    }

    /// The same with more settings, and its log going there.
    pub async fn start_with(of: &Bridge, log: impl Into<Stdio>, settings: &[(&str, &str)]) -> Self {
        let ready = of.data().join("ready.json");
        let _none_yet = std::fs::remove_file(&ready);
        let mut command = command(of.data());
        command.arg("--ready-file").arg(&ready).env("VOX_BRIDGE_ADDR", of.addr().to_string());
        let child = command.envs(settings.iter().copied()).stderr(log).spawn().unwrap();
        eventually("the bridge is ready", async || ready.exists().then_some(())).await;
        Self(child)
    }

    /// It takes connections and answers nothing from now on.
    pub fn freeze(&self) {
        let pid = self.0.id().expect("it was not waited for");
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::STOP).unwrap();
    }

    /// Ask it to stop, and wait for its end in good order.
    pub async fn stop(mut self) {
        let pid = self.0.id().expect("it was not waited for");
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::TERM).unwrap();
        assert!(self.0.wait().await.unwrap().success());
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.0.kill().await.unwrap();
    }
}
