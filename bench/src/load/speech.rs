//! What the callers say: given recordings, the local voice, or speech-like sound made in code.

use std::path::{Path, PathBuf};

use thiserror::Error;
use vox_caller::{Clip, ClipError, synthetic};
use vox_engines::{EngineBinary, EngineError, FliteVoice, synthesise_to_pcm};

/// Where the callers' speech comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// Sentences of the local voice where its engine is beside this program, else synthetic sound.
    #[default]
    Auto,
    /// Sentences of the local voice.
    Flite,
    /// Sound with the rhythm and spectrum of speech and no words; a recogniser makes nothing of it.
    Synthetic,
}

/// Why there is nothing to say.
#[derive(Debug, Error)]
pub enum SpeechError {
    #[error("the recording {path} cannot be used")]
    Recording { path: PathBuf, source: ClipError },
    #[error("the recording {0} is silent")]
    Silent(PathBuf),
    #[error(
        "vox-engine is not beside this program; build it (cargo build -p vox-engines) or use --voice synthetic"
    )]
    NoEngine,
    #[error("the local voice failed; use --voice synthetic or give recordings")]
    Voice(#[from] EngineError),
    #[error("the local voice gave no audio")]
    Empty(#[from] ClipError),
}

/// Things to say that fit most bots and end no conversation.
const SENTENCES: [&str; 8] = [
    "Hello, I have a question.",
    "What are your opening hours on Saturday?",
    "Yes, that is right.",
    "Could you please repeat that?",
    "I would like to come tomorrow in the morning.",
    "How much does it cost?",
    "No, I do not think so.",
    "Can you tell me more about that, please?",
];
/// Syllables of the synthetic clips: from a short answer to a long question.
const SYLLABLES: [u32; 6] = [4, 9, 6, 12, 5, 8];

/// Clips at the line's rate: the recordings if there are any, else the voice's.
///
/// # Errors
/// When a recording cannot be read or is silent, or a voice that was asked for is not there.
pub async fn clips(recordings: &[PathBuf], voice: Voice, rate_hz: u32) -> Result<Vec<Clip>, SpeechError> {
    if !recordings.is_empty() {
        return recordings.iter().map(|path| recording(path, rate_hz)).collect();
    }
    let engine = EngineBinary::beside_current_exe();
    match (voice, engine) {
        (Voice::Synthetic, _) | (Voice::Auto, None) => Ok(synthetic_clips(rate_hz)),
        (Voice::Flite, None) => Err(SpeechError::NoEngine),
        (Voice::Flite, Some(engine)) => spoken(&engine, rate_hz).await,
        // The engine may be there without its library.
        (Voice::Auto, Some(engine)) => {
            Ok(spoken(&engine, rate_hz).await.unwrap_or_else(|_| synthetic_clips(rate_hz)))
        }
    }
}

fn recording(path: &Path, rate_hz: u32) -> Result<Clip, SpeechError> {
    let clip =
        Clip::from_wav(path).map_err(|source| SpeechError::Recording { path: path.to_path_buf(), source })?;
    let clip = clip.at_rate(rate_hz);
    if clip.audible().is_none() {
        return Err(SpeechError::Silent(path.to_path_buf()));
    }
    Ok(clip)
}

async fn spoken(engine: &EngineBinary, rate_hz: u32) -> Result<Vec<Clip>, SpeechError> {
    let mut clips = Vec::with_capacity(SENTENCES.len());
    for sentence in SENTENCES {
        let speech = synthesise_to_pcm(engine, FliteVoice::Kal8k, sentence).await?;
        clips.push(Clip::new(speech.pcm, speech.rate)?.at_rate(rate_hz));
    }
    Ok(clips)
}

fn synthetic_clips(rate_hz: u32) -> Vec<Clip> {
    (1..).zip(SYLLABLES).map(|(seed, syllables)| synthetic(seed, syllables).at_rate(rate_hz)).collect()
}
