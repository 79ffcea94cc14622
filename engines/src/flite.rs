//! The client of the flite voice.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::timeout;

use crate::binary::{EngineBinary, failed};
use crate::error::EngineError;
use crate::kind::EngineKind;
use crate::message::{MAX_TEXT_BYTES, Reply, Request, WordTime};
use crate::process::EngineProcess;

/// Most syntheses asked for and not yet done; a call asks for a sentence or two ahead.
pub const MAX_OPEN: usize = 32;

/// How long a one-shot synthesis may take. The voices run at 80 to 800 times real time.
const ONE_SHOT_DEADLINE: Duration = Duration::from_secs(30);

/// The two voices that are worth their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FliteVoice {
    /// `cmu_us_kal`, a man, diphones, 8 kHz: the clearest on a telephone line and nearly free.
    Kal8k,
    /// `cmu_us_slt`, a woman, statistical, 16 kHz: more pleasant, ten times the work.
    Slt16k,
}

impl FliteVoice {
    /// The name `vox-engine flite --voice` takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kal8k => "kal",
            Self::Slt16k => "slt",
        }
    }

    /// Samples per second of its audio.
    #[must_use]
    pub const fn rate(self) -> u32 {
        match self {
            Self::Kal8k => 8_000,
            Self::Slt16k => 16_000,
        }
    }
}

/// What a voice says about the texts it was given. Every id that was accepted ends with exactly one `Done`
/// or `Failed`, unless the engine itself ends first.
#[derive(Debug, Clone, PartialEq)]
pub enum FliteEvent {
    /// The words of the audio that follows, before that audio; one event per sentence.
    Words { id: u64, words: Vec<WordTime> },
    /// The next piece of audio, at most 100 ms.
    Audio { id: u64, pcm: Vec<i16>, rate: u32 },
    /// Spoken to the end, or cancelled.
    Done { id: u64 },
    /// This text could not be spoken; with no id the engine has ended and no event follows.
    Failed { id: Option<u64>, message: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Yes,
    Cancelled,
}

/// A running flite process. Dropping it ends the process.
#[derive(Debug)]
pub struct FliteClient {
    process: EngineProcess,
    open: HashMap<u64, Wanted>,
    ended: bool,
}

impl FliteClient {
    /// Start a voice and wait until it can speak.
    ///
    /// # Errors
    /// [`EngineError::NotInstalled`] names what to install; others if the process does not start or answer.
    pub async fn spawn(binary: &EngineBinary, voice: FliteVoice) -> Result<Self, EngineError> {
        let mut command = binary.command(EngineKind::Flite);
        command.arg("--voice").arg(voice.name());
        let mut process = EngineProcess::spawn(binary, EngineKind::Flite, command)?;
        process.ready().await?;
        Ok(Self { process, open: HashMap::new(), ended: false })
    }

    /// Ask for a text to be spoken; texts are spoken in the order they came. The id is the caller's and must
    /// not be in use.
    ///
    /// # Errors
    /// [`EngineError::TooManyOpen`], [`EngineError::TextTooLong`] and [`EngineError::IdInUse`] leave everything
    /// as it was; [`EngineError::Exited`] and [`EngineError::Stalled`] mean that the voice is lost.
    pub async fn synthesise(&mut self, id: u64, text: &str) -> Result<(), EngineError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(EngineError::TextTooLong { size_bytes: text.len(), limit: MAX_TEXT_BYTES });
        }
        if self.open.contains_key(&id) {
            return Err(EngineError::IdInUse { id });
        }
        if self.open.len() >= MAX_OPEN {
            return Err(EngineError::TooManyOpen { limit: MAX_OPEN });
        }
        self.process.send(Request::Synthesise { id, text: text.to_owned() }).await?;
        self.open.insert(id, Wanted::Yes);
        Ok(())
    }

    /// Stop speaking this text. No further audio or words of it are delivered, only its `Done`. An id that is
    /// unknown or done is ignored: a cancel may always cross with the end.
    ///
    /// # Errors
    /// [`EngineError::Exited`] and [`EngineError::Stalled`] mean that the voice is lost.
    pub async fn cancel(&mut self, id: u64) -> Result<(), EngineError> {
        let Some(wanted) = self.open.get_mut(&id) else { return Ok(()) };
        *wanted = Wanted::Cancelled;
        self.process.send(Request::Cancel { id }).await
    }

    /// The next event; `None` once the engine has ended, after a `Failed` that says why. Safe to cancel.
    pub async fn next_event(&mut self) -> Option<FliteEvent> {
        while !self.ended {
            let reply = match self.process.next().await {
                Some(Ok(reply)) => reply,
                Some(Err(error)) => return Some(self.end(error)),
                None => return Some(self.end(EngineError::Exited { kind: EngineKind::Flite, status: None })),
            };
            if let Some(event) = self.event(reply) {
                return Some(event);
            }
        }
        None
    }

    fn end(&mut self, error: EngineError) -> FliteEvent {
        self.ended = true;
        FliteEvent::Failed { id: None, message: error_chain(&error) }
    }

    /// What the caller is told of a reply: nothing of what it cancelled.
    fn event(&mut self, reply: Reply) -> Option<FliteEvent> {
        let wanted = |id: u64| self.open.get(&id) == Some(&Wanted::Yes);
        match reply {
            Reply::Words { id, words } => wanted(id).then_some(FliteEvent::Words { id, words }),
            Reply::Spoken { id, rate, pcm } => wanted(id).then_some(FliteEvent::Audio { id, pcm, rate }),
            Reply::Done { id } => self.open.remove(&id).map(|_| FliteEvent::Done { id }),
            Reply::Failed(failure) => match failure.id {
                Some(id) => {
                    self.open.remove(&id);
                    Some(FliteEvent::Failed { id: Some(id), message: failure.message })
                }
                None => Some(self.end(failed(EngineKind::Flite, failure))),
            },
            Reply::Ready(_) | Reply::Partial { .. } | Reply::Final(_) => None,
        }
    }
}

/// An error with its causes in one line, for an event that carries text.
pub(crate) fn error_chain(error: &EngineError) -> String {
    let mut causes = VecDeque::from([error.to_string()]);
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push_back(cause.to_string());
        source = cause.source();
    }
    Vec::from(causes).join(": ")
}

/// A whole text as one piece of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    pub pcm: Vec<i16>,
    /// Samples per second.
    pub rate: u32,
    pub words: Vec<WordTime>,
}

/// Speak one text with a process of its own: for greetings kept in a cache and callers made of text.
///
/// # Errors
/// As [`FliteClient::spawn`] and [`FliteClient::synthesise`]; [`EngineError::Failed`] if the voice could not
/// speak it, [`EngineError::Stalled`] if it took too long.
pub async fn synthesise_to_pcm(
    binary: &EngineBinary,
    voice: FliteVoice,
    text: &str,
) -> Result<Speech, EngineError> {
    let kind = EngineKind::Flite;
    let mut client = FliteClient::spawn(binary, voice).await?;
    client.synthesise(1, text).await?;
    timeout(ONE_SHOT_DEADLINE, collect(&mut client, voice))
        .await
        .map_err(|_| EngineError::Stalled { kind, within: ONE_SHOT_DEADLINE })?
}

async fn collect(client: &mut FliteClient, voice: FliteVoice) -> Result<Speech, EngineError> {
    let kind = EngineKind::Flite;
    let mut speech = Speech { pcm: Vec::new(), rate: voice.rate(), words: Vec::new() };
    while let Some(event) = client.next_event().await {
        match event {
            FliteEvent::Words { words, .. } => speech.words.extend(words),
            FliteEvent::Audio { pcm, rate, .. } => {
                speech.rate = rate;
                speech.pcm.extend(pcm);
            }
            FliteEvent::Done { .. } => return Ok(speech),
            FliteEvent::Failed { message, .. } => return Err(EngineError::Failed { kind, message }),
        }
    }
    Err(EngineError::Exited { kind, status: None })
}
