//! Finding `vox-engine` and asking it what this machine can do.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::timeout;

use crate::error::EngineError;
use crate::kind::EngineKind;
use crate::message::{Failure, FailureKind};

/// File name of the engine binary.
const BINARY_NAME: &str = "vox-engine";

/// How long a check may take: it loads the libraries and a voice or a model once.
const CHECK_DEADLINE: Duration = Duration::from_secs(15);

/// What `vox-engine <kind> --check` found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    pub kind: EngineKind,
    /// The library's version, as far as the library tells.
    pub version: String,
    /// The library files that were loaded.
    pub libraries: Vec<String>,
    /// Voices that can speak; empty for a recogniser.
    pub voices: Vec<String>,
    /// Where the acoustic model, dictionary and language model are; `None` for a voice.
    pub model_dir: Option<PathBuf>,
}

/// The answer of `--check`, one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckAnswer {
    Found(EngineInfo),
    Failed(Failure),
}

/// Where the engine binary is, and where it shall look for libraries and models if not in the usual places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineBinary {
    path: PathBuf,
    library_dir: Option<PathBuf>,
    model_dir: Option<PathBuf>,
}

impl EngineBinary {
    /// The binary at this path.
    ///
    /// # Errors
    /// [`EngineError::NoBinary`] if there is no file.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, EngineError> {
        let path = path.into();
        if !path.is_file() {
            return Err(EngineError::NoBinary { path });
        }
        Ok(Self { path, library_dir: None, model_dir: None })
    }

    /// The binary that was installed or built next to the running program.
    ///
    /// Test programs of cargo live one directory below the programs they test, so that one is tried too.
    #[must_use]
    pub fn beside_current_exe() -> Option<Self> {
        let exe = std::env::current_exe().ok()?;
        let dir = exe.parent()?;
        [Some(dir), dir.parent().filter(|_| dir.ends_with("deps"))]
            .into_iter()
            .flatten()
            .find_map(|dir| Self::at(dir.join(BINARY_NAME)).ok())
    }

    /// Load the C libraries from this directory instead of where the system's loader looks.
    #[must_use]
    pub fn with_library_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { library_dir: Some(dir.into()), ..self }
    }

    /// Read the recogniser's model from this directory (laid out like Debian's `model/en-us`).
    #[must_use]
    pub fn with_model_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { model_dir: Some(dir.into()), ..self }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command that starts this engine, with no arguments of its own yet.
    pub(crate) fn command(&self, kind: EngineKind) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(kind.name());
        if let Some(dir) = &self.library_dir {
            command.arg("--library-dir").arg(dir);
        }
        if let Some(dir) = self.model_dir.as_ref().filter(|_| kind == EngineKind::Pocketsphinx) {
            command.arg("--model-dir").arg(dir);
        }
        // The C libraries write diagnostics, words among them, to stderr: they go nowhere.
        command.stderr(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// Ask an engine whether it could work here; loads its libraries, voice or model once and ends.
///
/// # Errors
/// [`EngineError::NotInstalled`] names what is missing and the command that installs it; the others mean that
/// the binary itself does not work.
pub async fn check(binary: &EngineBinary, kind: EngineKind) -> Result<EngineInfo, EngineError> {
    let mut command = binary.command(kind);
    command.arg("--check").stdin(Stdio::null());
    let output = timeout(CHECK_DEADLINE, command.output())
        .await
        .map_err(|_| EngineError::StartDeadline { kind, within: CHECK_DEADLINE })?
        .map_err(|source| EngineError::Spawn { path: binary.path.clone(), source })?;
    match serde_json::from_slice::<CheckAnswer>(&output.stdout) {
        Ok(CheckAnswer::Found(info)) => Ok(info),
        Ok(CheckAnswer::Failed(failure)) => Err(failed(kind, failure)),
        Err(_) => Err(EngineError::Exited { kind, status: Some(output.status) }),
    }
}

/// The caller's error for a failure that an engine reported.
pub(crate) fn failed(kind: EngineKind, failure: Failure) -> EngineError {
    match failure.kind {
        FailureKind::NotInstalled => EngineError::NotInstalled { kind, detail: failure.message },
        FailureKind::BadRequest => EngineError::Refused { kind, message: failure.message },
        FailureKind::Engine => EngineError::Failed { kind, message: failure.message },
    }
}
