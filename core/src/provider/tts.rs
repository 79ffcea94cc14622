//! Voices: text in, audio out, one context per reply.

pub mod asked;
pub mod aura;
pub mod cartesia;
pub mod chatterbox;
pub mod elevenlabs;
pub mod flite;
pub mod flux;
mod parts;
pub mod replies;
pub mod resemble;
mod retired;
pub mod sarvam;
pub mod soniox;
mod sound;
pub mod speech;
mod spelling;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use url::Url;

use super::door::Door;
use super::link::Codec;
use super::{Failure, STREAM_DEPTH, TaskGuard};

/// Names a reply on a voice stream; the session counts them up.
pub type UtteranceId = u64;

/// What goes into a voice.
#[derive(Clone, Debug, PartialEq)]
pub enum TtsInput {
    /// A speakable piece (a sentence or clause) of a reply, in order.
    Speak { utterance: UtteranceId, text: String },
    /// No more text for this reply: `Done` follows its last audio.
    End { utterance: UtteranceId },
    /// The reply was interrupted: no more of its audio is wanted.
    Cancel { utterance: UtteranceId },
}

impl TtsInput {
    /// The reply it is about.
    pub fn utterance(&self) -> UtteranceId {
        match self {
            Self::Speak { utterance, .. } | Self::End { utterance } | Self::Cancel { utterance } => {
                *utterance
            }
        }
    }
}

/// A word and where its audio lies, milliseconds since the reply's first sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WordMark {
    pub text: String,
    pub started_ms: u32,
    pub ended_ms: u32,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub enum TtsEvent {
    /// Connected and authorised.
    Ready,
    /// Audio at the stream's rate, mono.
    Audio { utterance: UtteranceId, pcm: Vec<i16> },
    /// Words of audio that came or is coming, in order; a vendor without times sends none.
    Words { utterance: UtteranceId, words: Vec<WordMark> },
    /// All audio of the reply has been given.
    Done { utterance: UtteranceId },
    /// Characters billed so far for this reply, counted by us where the vendor does not say.
    Usage { characters: u64 },
    /// The stream is over; nothing follows.
    Failed(Failure),
}

impl TtsEvent {
    /// Whose sound, words or end it is.
    pub fn utterance(&self) -> Option<UtteranceId> {
        match self {
            Self::Audio { utterance, .. } | Self::Words { utterance, .. } | Self::Done { utterance } => {
                Some(*utterance)
            }
            Self::Ready | Self::Usage { .. } | Self::Failed(_) => None,
        }
    }
}

/// A running voice; dropping it ends the vendor's session.
#[derive(Debug)]
pub struct TtsStream {
    pub input: mpsc::Sender<TtsInput>,
    pub events: mpsc::Receiver<TtsEvent>,
    pub task: TaskGuard,
}

impl TtsStream {
    /// A voice at `url`, over a WebSocket.
    fn through<C>(door: &Door, url: Url, codec: C) -> Self
    where
        C: Codec<Order = TtsInput, Event = TtsEvent> + 'static,
    {
        let session = door.open(url, codec, STREAM_DEPTH);
        Self { input: session.orders, events: session.events, task: session.task }
    }
}

/// A voice that can be opened any number of times.
pub trait Voice: Send + Sync {
    /// Begin a session whose audio is at `rate_hz` (8000, 16000 or 24000), mono LINEAR16. Returns at once.
    fn open(&self, rate_hz: u32) -> TtsStream;
    /// Vendor's name for events and usage.
    fn name(&self) -> &'static str;
}
