//! Recognisers: caller's audio in, words out.

pub mod deepgram;
pub mod pocketsphinx;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use vox_shared::wire::result::Word;

use super::{Failure, TaskGuard};

/// What goes into a recogniser.
#[derive(Clone, Debug)]
pub enum SttInput {
    /// Mono samples at the stream's rate, any length; usually one 20 ms frame.
    Audio(Arc<[i16]>),
    /// The caller's turn is over: give the final words now.
    Finalize,
}

/// What comes out. Times are milliseconds of audio since the stream's first sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SttEvent {
    /// Connected and authorised.
    Ready,
    /// The recogniser heard speech begin.
    SpeechStarted { at_ms: u64 },
    /// Words so far of the current piece; replaces the partial before it.
    Partial { text: String },
    /// Words that will not change. `from_finalize` when it answers [`SttInput::Finalize`]; `utterance_end` when the
    /// recogniser itself thinks the utterance is over. The text may be empty.
    Final {
        text: String,
        confidence: Option<f32>,
        words: Vec<Word>,
        from_finalize: bool,
        utterance_end: bool,
    },
    /// The recogniser's second sign that the utterance is over.
    UtteranceEnd,
    /// Audio billed on this stream, seconds, where the vendor says so.
    Usage { seconds: f64 },
    /// The stream is over; nothing follows.
    Failed(Failure),
}

/// A running recognition. Dropping it ends the vendor's session (the task sends the vendor's goodbye if it can).
#[derive(Debug)]
pub struct SttStream {
    pub input: mpsc::Sender<SttInput>,
    pub events: mpsc::Receiver<SttEvent>,
    pub task: TaskGuard,
}

/// A recogniser that can be opened any number of times.
pub trait Recogniser: Send + Sync {
    /// Begin a session at `rate_hz` (8000, 16000 or 24000), mono LINEAR16. Returns at once; `Ready` or `Failed` follows.
    /// Audio sent before `Ready` is kept (bounded by [`super::AUDIO_DEPTH`]) and sent when the session stands.
    fn open(&self, rate_hz: u32) -> SttStream;
    /// Vendor's name for events and usage.
    fn name(&self) -> &'static str;
}
