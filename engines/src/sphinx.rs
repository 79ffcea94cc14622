//! The client of the pocketsphinx recogniser.

use crate::binary::{EngineBinary, failed};
use crate::error::EngineError;
use crate::flite::error_chain;
use crate::kind::EngineKind;
use crate::message::{MAX_AUDIO_SAMPLES, Readiness, Reply, Request, SphinxSettings, Transcript};
use crate::process::EngineProcess;

/// What a recogniser says. Each `finalize` is answered with exactly one `Final`, unless the engine ends first.
#[derive(Debug, Clone, PartialEq)]
pub enum SphinxEvent {
    /// What the utterance seems to be so far; may change. At most five a second, and only when it changed.
    Partial { text: String },
    /// The utterance that `finalize` ended.
    Final(Transcript),
    /// The engine has ended and no event follows.
    Failed { message: String },
}

/// A running pocketsphinx process. Dropping it ends the process.
#[derive(Debug)]
pub struct SphinxClient {
    process: EngineProcess,
    readiness: Readiness,
    ended: bool,
}

impl SphinxClient {
    /// Start a recogniser and wait until it can hear: a fraction of a second with a grammar alone, a
    /// second or two with the large-vocabulary model.
    ///
    /// # Errors
    /// [`EngineError::NotInstalled`] names what to install, [`EngineError::Refused`] what is wrong with the
    /// settings; others if the process does not start or answer.
    pub async fn spawn(binary: &EngineBinary, settings: SphinxSettings) -> Result<Self, EngineError> {
        let kind = EngineKind::Pocketsphinx;
        let mut process = EngineProcess::spawn(binary, kind, binary.command(kind))?;
        // A process that ended already says why in its reply, which `ready` reads.
        let _ = process.send(Request::Configure(settings)).await;
        let readiness = process.ready().await?;
        Ok(Self { process, readiness, ended: false })
    }

    /// Expected phrases that cannot be recognised because the dictionary lacks one of their words.
    #[must_use]
    pub fn skipped_phrases(&self) -> &[String] {
        &self.readiness.skipped_phrases
    }

    /// The words the dictionary lacks.
    #[must_use]
    pub fn unknown_words(&self) -> &[String] {
        &self.readiness.unknown_words
    }

    /// Send the next piece of the caller's audio, at the rate of the settings. Starts an utterance if none is
    /// open.
    ///
    /// # Errors
    /// [`EngineError::Exited`] and [`EngineError::Stalled`] mean that the recogniser is lost.
    pub async fn audio(&self, pcm: &[i16]) -> Result<(), EngineError> {
        for piece in pcm.chunks(MAX_AUDIO_SAMPLES) {
            self.process.send(Request::Hear(piece.to_vec())).await?;
        }
        Ok(())
    }

    /// End the utterance; its `Final` follows, with an empty text if there was no audio.
    ///
    /// # Errors
    /// As [`Self::audio`].
    pub async fn finalize(&self) -> Result<(), EngineError> {
        self.process.send(Request::Finalize).await
    }

    /// The next event; `None` once the engine has ended, after a `Failed` that says why. Safe to cancel.
    pub async fn next_event(&mut self) -> Option<SphinxEvent> {
        while !self.ended {
            let reply = match self.process.next().await {
                Some(Ok(reply)) => reply,
                Some(Err(error)) => return Some(self.end(&error)),
                None => {
                    let error = EngineError::Exited { kind: EngineKind::Pocketsphinx, status: None };
                    return Some(self.end(&error));
                }
            };
            match reply {
                Reply::Partial { text } => return Some(SphinxEvent::Partial { text }),
                Reply::Final(transcript) => return Some(SphinxEvent::Final(transcript)),
                Reply::Failed(failure) => return Some(self.end(&failed(EngineKind::Pocketsphinx, failure))),
                Reply::Ready(_) | Reply::Spoken { .. } | Reply::Words { .. } | Reply::Done { .. } => {}
            }
        }
        None
    }

    fn end(&mut self, error: &EngineError) -> SphinxEvent {
        self.ended = true;
        SphinxEvent::Failed { message: error_chain(error) }
    }
}
