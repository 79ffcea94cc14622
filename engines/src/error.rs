//! Why an engine could not be used.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

use crate::kind::EngineKind;
use crate::message::MessageError;

/// Every way in which an engine can fail its caller.
#[derive(Debug, Error)]
pub enum EngineError {
    #[error("there is no engine binary at {path}; build it with `cargo build -p vox-engines`")]
    NoBinary { path: PathBuf },
    #[error("{path} could not be started")]
    Spawn { path: PathBuf, source: io::Error },
    /// A library or a model is missing on this machine; `detail` names it.
    #[error("{kind} is not installed: {detail}. Run scripts/install-engines.sh, or: {}", kind.install_command())]
    NotInstalled { kind: EngineKind, detail: String },
    #[error("{kind} refused the request: {message}")]
    Refused { kind: EngineKind, message: String },
    #[error("{kind} failed: {message}")]
    Failed { kind: EngineKind, message: String },
    #[error("{kind} was not ready within {within:?}")]
    StartDeadline { kind: EngineKind, within: Duration },
    #[error("{kind} did not accept or answer a request within {within:?}")]
    Stalled { kind: EngineKind, within: Duration },
    #[error("{kind} sent something that is no message")]
    Protocol { kind: EngineKind, source: MessageError },
    #[error("the pipe to {kind} broke")]
    Pipe { kind: EngineKind, source: io::Error },
    #[error("{kind} ended by itself ({})", status.map_or_else(|| "no status".to_owned(), |status| status.to_string()))]
    Exited { kind: EngineKind, status: Option<ExitStatus> },
    #[error("{limit} syntheses are already waiting; read their events first")]
    TooManyOpen { limit: usize },
    #[error("a text of {size_bytes} bytes is longer than the limit of {limit}; split it")]
    TextTooLong { size_bytes: usize, limit: usize },
    #[error("synthesis {id} is already under way; give each its own id")]
    IdInUse { id: u64 },
}
