//! The vendors behind three traits: recogniser, language model, voice. Streams in, events out, both bounded; dropping a
//! stream ends its session. No vendor's name or JSON leaves its own file.

pub mod accounts;
pub mod budget;
mod door;
mod engine;
mod extra;
pub mod health;
pub mod link;
pub mod llm;
mod outlet;
pub mod registry;
pub mod stt;
pub mod tts;

pub use vox_egress as egress;
pub use vox_egress::{Failure, FailureClass};

/// How many messages wait in a stream, each way. 64 frames of 20 ms are 1.3 s of audio.
pub const STREAM_DEPTH: usize = 64;
/// Pieces of audio that wait for a recogniser: more than ten seconds of them, so that a replay fits while it connects.
pub const AUDIO_DEPTH: usize = 320;

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
