//! Recognisers: caller's audio in, words out.

pub mod assemblyai;
pub mod deepgram;
mod filler;
mod fit;
mod floor;
pub mod flux;
mod owed;
mod pieces;
pub mod pocketsphinx;
mod reading;
pub mod sarvam;
pub mod soniox;
pub mod transcription;
#[cfg(test)]
mod tried;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use url::Url;
use vox_shared::wire::result::Word;

use super::door::Door;
use super::link::Codec;
use super::{AUDIO_DEPTH, Failure, TaskGuard};

/// How long a vendor may take to say its last words and the seconds billed.
const GOODBYE_WAIT: Duration = Duration::from_millis(500);

/// What a recogniser that says nothing else takes at once of what was heard before it was opened.
pub const REPLAY_MOST: Duration = Duration::from_secs(10);

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
    /// The recogniser thinks that the utterance has probably ended, with these words. It may take that back.
    EagerEnd { text: String },
    /// It has not ended after all.
    EagerEndRevoked,
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

impl SttStream {
    /// A recognition at `url`, over a WebSocket.
    fn through<C>(door: &Door, url: Url, codec: C) -> Self
    where
        C: Codec<Order = SttInput, Event = SttEvent> + 'static,
    {
        let session = door.open(url, codec, AUDIO_DEPTH);
        Self { input: session.orders, events: session.events, task: session.task }
    }
}

/// A recogniser that can be opened any number of times.
pub trait Recogniser: Send + Sync {
    /// Begin a session at `rate_hz` (8000, 16000 or 24000), mono LINEAR16. Returns at once; `Ready` or `Failed` follows.
    /// Audio sent before `Ready` is kept (bounded by [`super::AUDIO_DEPTH`]) and sent when the session stands.
    fn open(&self, rate_hz: u32) -> SttStream;
    /// The most that it takes at once of what was heard before it was opened.
    fn replay_most(&self) -> Duration {
        REPLAY_MOST
    }
    /// Vendor's name for events and usage.
    fn name(&self) -> &'static str;
}
