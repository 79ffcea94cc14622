//! Messages: what the frames between a client and its engine mean.
//!
//! Audio travels as raw little-endian 16-bit samples, everything else as JSON. Requests go to the engine,
//! replies come from it; their kind bytes do not overlap, so a crossed pipe is noticed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::frame::{Frame, FrameError};

/// Longest text of one synthesis request, bytes of UTF-8: some ten minutes of speech.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Most phrases a recogniser is asked to expect; a grammar of more is no help over free recognition.
pub const MAX_PHRASES: usize = 500;

/// Longest expected phrase, bytes.
pub const MAX_PHRASE_BYTES: usize = 200;

/// Most samples in one audio frame: a second at 16 kHz. Callers send 20 ms.
pub const MAX_AUDIO_SAMPLES: usize = 16_000;

mod kind {
    pub const CONFIGURE: u8 = 1;
    pub const SYNTHESISE: u8 = 2;
    pub const CANCEL: u8 = 3;
    pub const HEAR: u8 = 4;
    pub const FINALIZE: u8 = 5;

    pub const READY: u8 = 65;
    pub const SPOKEN: u8 = 66;
    pub const WORDS: u8 = 67;
    pub const DONE: u8 = 68;
    pub const FAILED: u8 = 69;
    pub const PARTIAL: u8 = 70;
    pub const FINAL: u8 = 71;
}

/// When one word of the given text is heard, counted from the first sample of its synthesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordTime {
    /// As written in the text, with its punctuation: the words in order are the text without its spaces.
    pub text: String,
    pub start_ms: u32,
    pub end_ms: u32,
}

/// One recognised word, counted from the first sample of its utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardWord {
    pub text: String,
    pub start_ms: u32,
    pub end_ms: u32,
    /// 0 to 1; see [`Transcript::confidence`].
    pub confidence: f32,
}

/// What was understood of one utterance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// Lower-case words separated by spaces; empty if nothing (expected) was said.
    pub text: String,
    /// 0 to 1. How much better the words explain the sound than arbitrary phones do: an order, not a
    /// probability.
    pub confidence: f32,
    pub words: Vec<HeardWord>,
}

/// What a recogniser is to listen for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SphinxSettings {
    /// Samples per second of the audio that will be sent: 8000 or 16000.
    pub rate: u32,
    /// Phrases the bot expects, in plain words ("yes", "tomorrow morning", "7"); `<digits>` stands for a
    /// spoken number read digit by digit. Anything else is answered with an empty text.
    pub expected: Vec<String>,
    /// Also (with no `expected`: only) recognise open speech with the large-vocabulary model. It is tried where
    /// no expected phrase fits, costs several times the work and memory, and errs in every third word or so.
    pub free: bool,
}

/// Why an engine gave up, by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A library or a model file is missing: install packages.
    NotInstalled,
    /// The request was not understood or outside the limits: mend the caller.
    BadRequest,
    /// The C library reported a failure: try again, then another engine.
    Engine,
}

/// A failure as an engine reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The synthesis that failed; `None` if the engine as a whole did.
    pub id: Option<u64>,
    pub kind: FailureKind,
    pub message: String,
}

/// What an engine says once it can work.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Readiness {
    /// Expected phrases that were left out because the dictionary lacks one of their words.
    pub skipped_phrases: Vec<String>,
    /// The words that were missing.
    pub unknown_words: Vec<String>,
}

/// From the client to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// First request to a recogniser, once.
    Configure(SphinxSettings),
    Synthesise {
        id: u64,
        text: String,
    },
    Cancel {
        id: u64,
    },
    Hear(Vec<i16>),
    Finalize,
}

/// From the engine to the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Ready(Readiness),
    Spoken { id: u64, rate: u32, pcm: Vec<i16> },
    Words { id: u64, words: Vec<WordTime> },
    Done { id: u64 },
    Failed(Failure),
    Partial { text: String },
    Final(Transcript),
}

/// Why a frame is no message.
#[derive(Debug, Error)]
pub enum MessageError {
    #[error("framing failed")]
    Frame(#[from] FrameError),
    #[error("kind {kind} is not one of this direction's messages")]
    UnknownKind { kind: u8 },
    #[error("the body of kind {kind} is not the JSON it should be")]
    Json { kind: u8, source: serde_json::Error },
    #[error("an audio body of {size_bytes} bytes is not whole 16-bit samples within the limit")]
    Audio { size_bytes: usize },
}

#[derive(Serialize, Deserialize)]
struct SynthesiseBody {
    id: u64,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct IdBody {
    id: u64,
}

#[derive(Serialize, Deserialize)]
struct WordsBody {
    id: u64,
    words: Vec<WordTime>,
}

#[derive(Serialize, Deserialize)]
struct PartialBody {
    text: String,
}

impl Request {
    /// The frame's bytes on the wire.
    ///
    /// # Errors
    /// [`MessageError::Frame`] if the message is longer than a frame may be.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        match self {
            Self::Configure(settings) => json_frame(kind::CONFIGURE, settings),
            Self::Synthesise { id, text } => {
                json_frame(kind::SYNTHESISE, &SynthesiseBody { id: *id, text: text.clone() })
            }
            Self::Cancel { id } => json_frame(kind::CANCEL, &IdBody { id: *id }),
            Self::Hear(pcm) => Ok(Frame { kind: kind::HEAR, body: pcm_bytes(pcm) }.encode()?),
            Self::Finalize => Ok(Frame { kind: kind::FINALIZE, body: Vec::new() }.encode()?),
        }
    }

    /// What a frame from the client asks for.
    ///
    /// # Errors
    /// [`MessageError`] if it asks for nothing known.
    pub fn decode(frame: &Frame) -> Result<Self, MessageError> {
        match frame.kind {
            kind::CONFIGURE => Ok(Self::Configure(from_json(frame)?)),
            kind::SYNTHESISE => {
                let SynthesiseBody { id, text } = from_json(frame)?;
                Ok(Self::Synthesise { id, text })
            }
            kind::CANCEL => Ok(Self::Cancel { id: from_json::<IdBody>(frame)?.id }),
            kind::HEAR => Ok(Self::Hear(pcm_samples(&frame.body)?)),
            kind::FINALIZE => Ok(Self::Finalize),
            kind => Err(MessageError::UnknownKind { kind }),
        }
    }
}

impl Reply {
    /// The frame's bytes on the wire.
    ///
    /// # Errors
    /// [`MessageError::Frame`] if the message is longer than a frame may be.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        match self {
            Self::Ready(readiness) => json_frame(kind::READY, readiness),
            Self::Spoken { id, rate, pcm } => {
                let body = [&id.to_le_bytes()[..], &rate.to_le_bytes()[..], &pcm_bytes(pcm)[..]].concat();
                Ok(Frame { kind: kind::SPOKEN, body }.encode()?)
            }
            Self::Words { id, words } => {
                json_frame(kind::WORDS, &WordsBody { id: *id, words: words.clone() })
            }
            Self::Done { id } => json_frame(kind::DONE, &IdBody { id: *id }),
            Self::Failed(failure) => json_frame(kind::FAILED, failure),
            Self::Partial { text } => json_frame(kind::PARTIAL, &PartialBody { text: text.clone() }),
            Self::Final(transcript) => json_frame(kind::FINAL, transcript),
        }
    }

    /// What a frame from the engine says.
    ///
    /// # Errors
    /// [`MessageError`] if it says nothing known.
    pub fn decode(frame: &Frame) -> Result<Self, MessageError> {
        match frame.kind {
            kind::READY => Ok(Self::Ready(from_json(frame)?)),
            kind::SPOKEN => spoken(&frame.body),
            kind::WORDS => {
                let WordsBody { id, words } = from_json(frame)?;
                Ok(Self::Words { id, words })
            }
            kind::DONE => Ok(Self::Done { id: from_json::<IdBody>(frame)?.id }),
            kind::FAILED => Ok(Self::Failed(from_json(frame)?)),
            kind::PARTIAL => Ok(Self::Partial { text: from_json::<PartialBody>(frame)?.text }),
            kind::FINAL => Ok(Self::Final(from_json(frame)?)),
            kind => Err(MessageError::UnknownKind { kind }),
        }
    }
}

fn spoken(body: &[u8]) -> Result<Reply, MessageError> {
    let too_short = || MessageError::Audio { size_bytes: body.len() };
    let (id, rest) = body.split_first_chunk::<8>().ok_or_else(too_short)?;
    let (rate, pcm) = rest.split_first_chunk::<4>().ok_or_else(too_short)?;
    Ok(Reply::Spoken { id: u64::from_le_bytes(*id), rate: u32::from_le_bytes(*rate), pcm: pcm_samples(pcm)? })
}

fn json_frame(kind: u8, body: &impl Serialize) -> Result<Vec<u8>, MessageError> {
    let body = serde_json::to_vec(body).map_err(|source| MessageError::Json { kind, source })?;
    Ok(Frame { kind, body }.encode()?)
}

fn from_json<T: DeserializeOwned>(frame: &Frame) -> Result<T, MessageError> {
    serde_json::from_slice(&frame.body).map_err(|source| MessageError::Json { kind: frame.kind, source })
}

fn pcm_bytes(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn pcm_samples(bytes: &[u8]) -> Result<Vec<i16>, MessageError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > MAX_AUDIO_SAMPLES {
        return Err(MessageError::Audio { size_bytes: bytes.len() });
    }
    Ok(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameParser;

    fn frame_of(wire: &[u8]) -> Frame {
        let mut parser = FrameParser::default();
        parser.push(wire);
        parser.next_frame().unwrap().unwrap()
    }

    #[test]
    fn every_request_reads_back_as_it_was_written() {
        let settings = SphinxSettings { rate: 8000, expected: vec!["yes".to_owned()], free: true };
        for request in [
            Request::Configure(settings),
            Request::Synthesise { id: u64::MAX, text: "Grüß Gott, \"you\"".to_owned() },
            Request::Cancel { id: 7 },
            Request::Hear(vec![0, 1, -1, i16::MIN, i16::MAX]),
            Request::Finalize,
        ] {
            assert_eq!(Request::decode(&frame_of(&request.encode().unwrap())).unwrap(), request);
        }
    }

    #[test]
    fn every_reply_reads_back_as_it_was_written() {
        let word = WordTime { text: "now".to_owned(), start_ms: 3, end_ms: 250 };
        let heard = HeardWord { text: "now".to_owned(), start_ms: 3, end_ms: 250, confidence: 0.5 };
        for reply in [
            Reply::Ready(Readiness { skipped_phrases: vec!["a".to_owned()], unknown_words: vec![] }),
            Reply::Spoken { id: 9, rate: 16_000, pcm: vec![5, -5] },
            Reply::Words { id: 9, words: vec![word] },
            Reply::Done { id: 9 },
            Reply::Failed(Failure { id: None, kind: FailureKind::Engine, message: "why".to_owned() }),
            Reply::Partial { text: "no".to_owned() },
            Reply::Final(Transcript { text: "now".to_owned(), confidence: 0.5, words: vec![heard] }),
        ] {
            assert_eq!(Reply::decode(&frame_of(&reply.encode().unwrap())).unwrap(), reply);
        }
    }

    #[test]
    fn what_is_no_message_is_refused_and_never_guessed() {
        let request = |kind: u8, body: &[u8]| Request::decode(&Frame { kind, body: body.to_vec() });
        let reply = |kind: u8, body: &[u8]| Reply::decode(&Frame { kind, body: body.to_vec() });
        assert!(matches!(request(0, b""), Err(MessageError::UnknownKind { kind: 0 })));
        assert!(matches!(request(kind::SPOKEN, &[0; 12]), Err(MessageError::UnknownKind { .. })));
        assert!(matches!(request(kind::HEAR, &[0; 3]), Err(MessageError::Audio { size_bytes: 3 })));
        assert!(matches!(
            request(kind::HEAR, &[0; 2 * MAX_AUDIO_SAMPLES + 2]),
            Err(MessageError::Audio { .. })
        ));
        assert!(matches!(request(kind::SYNTHESISE, b"{\"id\":-1}"), Err(MessageError::Json { .. })));
        assert!(matches!(reply(kind::SPOKEN, &[0; 11]), Err(MessageError::Audio { .. })));
        assert!(matches!(reply(kind::HEAR, &[]), Err(MessageError::UnknownKind { .. })));
    }
}
