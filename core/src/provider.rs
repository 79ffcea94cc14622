//! The vendors behind three traits: recogniser, language model, voice. Streams in, events out, both bounded; dropping a
//! stream ends its session. No vendor's name or JSON leaves its own file.

pub mod egress;
mod engine;
mod extra;
pub mod llm;
mod outlet;
pub mod registry;
pub mod stt;
pub mod tts;

use std::time::Duration;

/// How many messages wait in a stream, each way. 64 frames of 20 ms are 1.3 s of audio.
pub const STREAM_DEPTH: usize = 64;
/// Pieces of audio that wait for a recogniser: more than ten seconds of them, so that a replay fits while it connects.
pub const AUDIO_DEPTH: usize = 320;

/// What a vendor's failure means for the caller of the trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Wrong or missing key: permanent.
    Unauthorised,
    /// The request is wrong: permanent.
    Refused,
    /// Too many requests or no credit.
    OverLimit,
    /// The answer could not be understood.
    Malformed,
    /// No connection, cut, or a 5xx.
    Unavailable,
    /// A deadline passed.
    TimedOut,
    /// The address is not allowed by the deployment's egress policy.
    Forbidden,
    /// Something the local machine lacks (an engine, a model file).
    NotInstalled,
}

impl FailureClass {
    /// Whether the same request may work if it is tried again.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::OverLimit | Self::Malformed | Self::Unavailable | Self::TimedOut)
    }
}

/// A vendor failed. `detail` is for logs and the call's events; it holds no key and no spoken word.
#[derive(Clone, Debug, PartialEq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{class:?}: {detail}")]
pub struct Failure {
    pub class: FailureClass,
    pub detail: String,
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without a retry hint.
    pub fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into(), retry_after: None }
    }
}

/// Ends a stream's task when the stream is dropped.
#[derive(Debug)]
pub struct TaskGuard(tokio::task::JoinHandle<()>);

impl TaskGuard {
    /// Guard a task.
    pub fn new(task: tokio::task::JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
