//! What the caller will say, made ready before the bot waits for it.

use vox_caller::Clip;
use vox_engines::{EngineBinary, FliteVoice, synthesise_to_pcm};

use super::CallError;
use crate::arguments::{CallArguments, Voice};

/// Where the caller's words come from.
#[derive(Debug)]
pub enum Script {
    /// One line after the other, each when the bot has finished.
    Lines(Vec<Clip>),
    /// A recording, in real time from the answer on.
    Recording(Clip),
    /// Lines as they are typed, spoken at once.
    Typed(Speaker),
    /// The microphone.
    #[cfg(feature = "mic")]
    Microphone,
}

/// Speaks text with the local voice.
#[derive(Clone, Debug)]
pub struct Speaker {
    binary: EngineBinary,
    voice: FliteVoice,
}

impl Speaker {
    /// The voice of `vox-engine`, which is beside this program.
    pub fn new(voice: Voice) -> Result<Self, CallError> {
        let binary = EngineBinary::beside_current_exe().ok_or(CallError::NoEngine)?;
        let voice = match voice {
            Voice::Kal => FliteVoice::Kal8k,
            Voice::Slt => FliteVoice::Slt16k,
        };
        Ok(Self { binary, voice })
    }

    pub async fn speak(&self, text: &str) -> Result<Clip, CallError> {
        let speech = synthesise_to_pcm(&self.binary, self.voice, text).await?;
        Ok(Clip::new(speech.pcm, speech.rate)?)
    }
}

/// Read or synthesise everything that is known before the call.
pub async fn prepare(arguments: &CallArguments) -> Result<Script, CallError> {
    if arguments.mic {
        return microphone();
    }
    if let Some(path) = &arguments.wav {
        // At the line's rate before the call: a long recording would keep the line waiting.
        return Ok(Script::Recording(Clip::from_wav(path)?.at_rate(arguments.via.rate_hz())));
    }
    let speaker = Speaker::new(arguments.voice)?;
    if arguments.say.is_empty() {
        return Ok(Script::Typed(speaker));
    }
    let mut lines = Vec::with_capacity(arguments.say.len());
    for text in &arguments.say {
        lines.push(speaker.speak(text).await?);
    }
    Ok(Script::Lines(lines))
}

#[cfg(feature = "mic")]
fn microphone() -> Result<Script, CallError> {
    Ok(Script::Microphone)
}

#[cfg(not(feature = "mic"))]
fn microphone() -> Result<Script, CallError> {
    Err(CallError::NoMicrophone)
}
