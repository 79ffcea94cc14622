//! How the children are started: which program, which settings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::child::Spec;
use super::home::{Home, SIMULATED_LIVEKIT};
use crate::installation::{self, Missing};

/// Address that the bridge listens on.
pub const BRIDGE_ADDR: &str = "VOX_BRIDGE_ADDR";
/// How lines are reached from outside.
pub const MEDIA_URL: &str = "VOX_MEDIA_URL";
/// The LiveKit server.
pub const LIVEKIT_URL: &str = "LIVEKIT_URL";
/// Address that the bridge's metrics are on.
const BRIDGE_METRICS: &str = "VOX_BRIDGE_METRICS_LISTEN";

/// Whether campaigns can be run, and over whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Campaigns {
    /// Nobody has named a LiveKit server.
    None,
    Real,
    /// Over a simulated carrier at this port of loopback.
    Simulated {
        port: u16,
    },
}

/// The programs and the models.
#[derive(Clone, Debug)]
pub struct Programs {
    bridge: PathBuf,
    core: PathBuf,
    /// Campaigns need it, and calls do not: the build for a first call leaves it out.
    dialler: Option<PathBuf>,
    pub engine: PathBuf,
    models: PathBuf,
    testkit: Option<PathBuf>,
}

/// The simulated carrier's key.
const SIMULATED_KEY: &str = "vox";
/// Settings of another LiveKit server.
const OTHER_LIVEKIT: [&str; 2] = ["LIVEKIT_API_SECRET", "LIVEKIT_PUBLIC_URL"];

impl Programs {
    /// All of them, or what to do about the first that is missing.
    pub fn find(models: Option<&Path>, campaigns: Campaigns) -> Result<Self, Missing> {
        let dialler = installation::program(installation::DIALLER);
        let is_simulated = matches!(campaigns, Campaigns::Simulated { .. });
        let with_testkit = is_simulated.then(|| installation::program(installation::TESTKIT));
        Ok(Self {
            testkit: with_testkit.transpose()?,
            bridge: installation::program(installation::BRIDGE)?,
            core: unless(is_simulated, installation::program(installation::CORE))?,
            dialler: if is_simulated { Some(dialler?) } else { dialler.ok() },
            engine: unless(is_simulated, installation::program(installation::ENGINE))?,
            models: unless(is_simulated, installation::models(models))?,
        })
    }

    /// The bridge on its embedded engines.
    pub fn bridge(&self, home: &Home, port: u16) -> Spec {
        let set: [(&str, OsString); 7] = [
            (BRIDGE_ADDR, bridge_addr(port)),
            // Several platforms may run on a machine. The ready file tells which port it is.
            (BRIDGE_METRICS, bridge_addr(0)),
            ("VOX_DATA_DIR", home.bridge_dir().into()),
            ("JWT_SECRET_FILE", home.secret_file("jwt").into()),
            ("VOXCORE_SECRET_FILE", home.secret_file("internal").into()),
            ("VOX_TOOLS_SECRET_FILE", home.secret_file("tools").into()),
            ("VOX_PARENT_DEATH", "1".into()),
        ];
        Spec {
            program: self.bridge.clone(),
            arguments: vec!["--ready-file".into(), home.bridge_file().into()],
            set: BTreeMap::from(set),
            unset: vec!["JWT_SECRET", "VOXCORE_SECRET", "VOX_TOOLS_SECRET"],
        }
    }

    /// Worker `number` of `workers`.
    pub fn worker(&self, home: &Home, number: u16, workers: u16, bridge_url: &str) -> Spec {
        let set: [(&str, OsString); 12] = [
            ("VOXCORE_WORKER_ID", worker_name(number).into()),
            ("VOXCORE_ADDR", "127.0.0.1:0".into()),
            ("VOXCORE_SOCKET_DIR", home.worker_sockets().into()),
            ("VOXCORE_DISPATCH", home.dispatch(0).workers.into()),
            ("VOXCORE_DATA_DIR", home.core_dir().into()),
            ("VOX_MODELS_DIR", self.models.clone().into()),
            ("VOX_ENGINE", self.engine.clone().into()),
            ("VOX_BRIDGE_URL", bridge_url.into()),
            ("VOXCORE_SECRET_FILE", home.secret_file("internal").into()),
            ("VOXCORE_WORKERS", workers.to_string().into()),
            ("VOXCORE_PARENT_DEATH", "1".into()),
            ("MAX_CONCURRENT_CALLS", "1".into()),
        ];
        Spec {
            program: self.core.clone(),
            arguments: Vec::new(),
            set: BTreeMap::from(set),
            unset: vec!["JWT_SECRET", "VOXCORE_SECRET", "VOX_TOOLS_SECRET"],
        }
    }

    /// The dialler, if it was built. The LiveKit server is that of our own environment.
    pub fn dialler(&self, home: &Home, bridge_url: &str) -> Option<Spec> {
        let set: [(&str, OsString); 4] = [
            // Several platforms may run on a machine. Its log tells which port it is.
            ("VOX_DIALLER_LISTEN", bridge_addr(0)),
            ("VOX_BRIDGE_URL", bridge_url.into()),
            ("VOXCORE_SECRET_FILE", home.secret_file("internal").into()),
            ("VOX_PARENT_DEATH", "1".into()),
        ];
        Some(Spec {
            program: self.dialler.clone()?,
            arguments: Vec::new(),
            set: BTreeMap::from(set),
            unset: vec!["JWT_SECRET", "VOXCORE_SECRET", "VOX_TOOLS_SECRET"],
        })
    }
}

/// What real workers need. A rehearsal has none.
fn unless(is_simulated: bool, found: Result<PathBuf, Missing>) -> Result<PathBuf, Missing> {
    if is_simulated { Ok(found.unwrap_or_default()) } else { found }
}

/// Where the simulated carrier is, for whoever asks LiveKit.
pub fn simulated_livekit(spec: &mut Spec, home: &Home, port: u16) {
    let set: [(&str, OsString); 3] = [
        ("LIVEKIT_URL", format!("ws://127.0.0.1:{port}").into()),
        ("LIVEKIT_API_KEY", SIMULATED_KEY.into()),
        ("LIVEKIT_API_SECRET_FILE", home.secret_file(SIMULATED_LIVEKIT).into()),
    ];
    spec.set.extend(set);
    spec.unset.extend(OTHER_LIVEKIT);
}

impl Programs {
    /// The simulated carrier at this port, with its workers.
    pub fn carrier(
        &self,
        home: &Home,
        port: u16,
        (bridge_url, workers, speed): (&str, u16, f64),
    ) -> Option<Spec> {
        let arguments: Vec<OsString> = vec![
            "carrier".into(),
            "--stop-with-parent".into(),
            "--port".into(),
            port.to_string().into(),
            "--key".into(),
            SIMULATED_KEY.into(),
            "--secret-file".into(),
            home.secret_file(SIMULATED_LIVEKIT).into(),
            "--speed".into(),
            speed.to_string().into(),
            "--journal".into(),
            home.log_file("carrier-journal").into(),
            "--webhook".into(),
            format!("{bridge_url}/api/v1/livekit/webhook").into(),
            "--bridge".into(),
            bridge_url.into(),
            "--workers-secret-file".into(),
            home.secret_file("internal").into(),
            "--workers".into(),
            workers.to_string().into(),
        ];
        let unset = vec!["JWT_SECRET", "VOXCORE_SECRET", "VOX_TOOLS_SECRET"];
        Some(Spec { program: self.testkit.clone()?, arguments, set: BTreeMap::new(), unset })
    }
}

/// The name of a worker, which is also its id.
pub fn worker_name(number: u16) -> String {
    format!("w{number}")
}

/// Loopback with this port.
pub fn bridge_addr(port: u16) -> OsString {
    format!("127.0.0.1:{port}").into()
}
