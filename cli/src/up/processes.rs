//! How the children are started: which program, which settings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::child::Spec;
use super::home::Home;
use crate::installation::{self, Missing};

/// Address that the bridge listens on.
pub const BRIDGE_ADDR: &str = "VOX_BRIDGE_ADDR";
/// How lines are reached from outside.
pub const MEDIA_URL: &str = "VOX_MEDIA_URL";
/// Address that the bridge's metrics are on.
const BRIDGE_METRICS: &str = "VOX_BRIDGE_METRICS_LISTEN";

/// The programs and the models.
#[derive(Clone, Debug)]
pub struct Programs {
    bridge: PathBuf,
    core: PathBuf,
    pub engine: PathBuf,
    models: PathBuf,
}

impl Programs {
    /// All of them, or what to do about the first that is missing.
    pub fn find(models: Option<&Path>) -> Result<Self, Missing> {
        Ok(Self {
            bridge: installation::program(installation::BRIDGE)?,
            core: installation::program(installation::CORE)?,
            engine: installation::program(installation::ENGINE)?,
            models: installation::models(models)?,
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
}

/// The name of a worker, which is also its id.
pub fn worker_name(number: u16) -> String {
    format!("w{number}")
}

/// Loopback with this port.
pub fn bridge_addr(port: u16) -> OsString {
    format!("127.0.0.1:{port}").into()
}
