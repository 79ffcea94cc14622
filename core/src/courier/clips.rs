//! Fixed phrases as sound on disk, so that a greeting needs no voice: one file a phrase, named by all that decides how
//! it sounds. Only what is said alike to every caller is kept: a name or a sum owed is nobody's to find on a disk, and would
//! push out what is needed again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use vox_shared::ids::SoundId;
use vox_shared::model::bot::TtsSettings;
use vox_shared::wire::config::RuntimeConfig;

use super::cabinet::Cabinet;
use crate::provider::tts::WordMark;
use crate::session::rules::{language, with_fallbacks};
use crate::session::text::{Wording, phrase};
use crate::transport::media;

/// What all clips may take on the disk: about two hours at 8 kHz. Beyond it those go that were not used for longest, down to
/// three quarters.
const MAX_CACHE_BYTES: u64 = 128 * 1024 * 1024;
/// A clip larger than this is not read: five minutes at 24 kHz.
const MAX_CLIP_BYTES: u64 = 16 * 1024 * 1024;
/// A clip that the disk does not give within this is none: whoever asks for it waits on the line.
const FIND_PATIENCE: Duration = Duration::from_millis(300);
/// Clips that are read or written at a time. While a disk hangs over so many nothing more is begun, and phrases are synthesised.
const HANDS: usize = 4;
/// Where clips lay when those with callers' names were among them.
const FORMER_DIRECTORY: &str = "clips";

/// The cache in a directory shared by the host's workers.
#[derive(Clone, Debug)]
pub struct Clips {
    kept: Cabinet,
    hands: Arc<Semaphore>,
}

/// A phrase as sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    pub pcm: Vec<i16>,
    pub words: Vec<WordMark>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    words: Vec<(String, u32, u32)>,
}

/// Names a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipKey(String);

impl ClipKey {
    /// The phrase in this voice at this rate.
    pub fn new(voice: &TtsSettings, rate_hz: u32, text: &str) -> Self {
        let mut hash = Sha256::new();
        let extra = serde_json::to_string(&voice.extra).unwrap_or_default();
        for part in
            [&voice.provider, &voice.model, &voice.voice, &voice.language, &extra, &rate_hz.to_string(), text]
        {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    fn file(&self) -> String {
        format!("{}.clip", self.0)
    }
}

/// A phrase that may be kept, with all that decides how it sounds.
#[derive(Clone, Debug)]
pub struct Phrase {
    config: Arc<RuntimeConfig>,
    voice: usize,
    rate_hz: u32,
    /// As the voice is given it.
    pub text: String,
}

impl Phrase {
    /// Its name in the cache: a hash, so not for the audio's thread.
    pub fn key(&self) -> ClipKey {
        let voices = with_fallbacks(&self.config.tts, |s| s, |s| &s.fallbacks);
        ClipKey::new(voices.get(self.voice).unwrap_or(&voices[0]), self.rate_hz, &self.text)
    }
}

/// What of a call may be kept: the phrases that are the same for every caller, in the words that the voice is given.
#[derive(Clone, Debug)]
pub struct Stable {
    config: Arc<RuntimeConfig>,
    /// Of each voice.
    spoken: Arc<[Vec<String>]>,
    /// Of each voice, what a person has recorded.
    recorded: Arc<[Vec<(String, SoundId)>]>,
    wording: Arc<Wording>,
}

impl Stable {
    /// Of this config. Cleans every text, so not for the audio's thread.
    pub fn of(config: &Arc<RuntimeConfig>) -> Self {
        let wording = Wording::of(config, language(config));
        let of_voice = |voice| {
            let phrases = config.stable_phrases.iter();
            phrases.filter_map(|text| spoken_text(text, config, (&wording, voice))).collect::<Vec<_>>()
        };
        let spoken = (0..=config.tts.fallbacks.len()).map(of_voice).collect();
        let recorded_of = |voice| {
            let recorded = config.sounds.recorded.iter();
            let said = recorded.filter_map(|one| {
                Some((spoken_text(&one.text, config, (&wording, voice))?, one.sound.clone()))
            });
            said.collect::<Vec<_>>()
        };
        let recorded = (0..=config.tts.fallbacks.len()).map(recorded_of).collect();
        Self { spoken, recorded, config: config.clone(), wording: Arc::new(wording) }
    }

    /// The spoken text in the bot's voice with this index; `None` when it is not the same for every caller.
    pub fn phrase(&self, voice: usize, rate_hz: u32, text: &str) -> Option<Phrase> {
        let is_stable = self.spoken.get(voice)?.iter().any(|phrase| phrase == text);
        is_stable.then(|| Phrase { config: self.config.clone(), voice, rate_hz, text: text.to_owned() })
    }

    /// What a person has recorded of this text, as the voice with this index would be given it.
    pub fn recorded(&self, voice: usize, text: &str) -> Option<&SoundId> {
        let recorded = self.recorded.get(voice)?.iter().find(|(said, _)| said == text);
        recorded.map(|(_, id)| id)
    }

    /// The opening message, if a person has recorded it.
    pub fn recorded_greeting(&self) -> Option<(&str, &SoundId)> {
        let text = spoken_text(&self.config.opening_message, &self.config, (&self.wording, 0))?;
        let recorded = self.recorded.first()?.iter().find(|(said, _)| *said == text)?;
        Some((&recorded.0, &recorded.1))
    }

    /// The opening message in the bot's first voice.
    pub fn greeting(&self, rate_hz: u32) -> Option<Phrase> {
        self.phrase(0, rate_hz, &spoken_text(&self.config.opening_message, &self.config, (&self.wording, 0))?)
    }
}

/// What a voice of the bot is given of a fixed text.
fn spoken_text(text: &str, config: &RuntimeConfig, (wording, voice): (&Wording, usize)) -> Option<String> {
    phrase(text, language(config)).map(|piece| wording.put(&piece, voice).say().to_owned())
}

impl Clips {
    /// The cache in the host's data directory, made if it is missing.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        let kept = Cabinet::open(data_dir.join("phrases"), MAX_CACHE_BYTES)?;
        // A neighbour may be at it, too, or it was never there.
        let _gone = std::fs::remove_dir_all(data_dir.join(FORMER_DIRECTORY));
        Ok(Self { kept, hands: Arc::new(Semaphore::new(HANDS)) })
    }

    /// Look for a phrase, where the disk may take its time.
    pub async fn find(&self, phrase: Phrase) -> Option<Clip> {
        let look = async {
            let hand = self.hands.clone().acquire_owned().await.ok()?;
            let clips = self.clone();
            let reading = spawn_blocking(move || {
                let _until_read = hand;
                clips.load(&phrase.key())
            });
            reading.await.ok().flatten()
        };
        timeout(FIND_PATIENCE, look).await.ok().flatten()
    }

    /// Keep a phrase for later calls, without waiting for the disk.
    pub fn keep(&self, phrase: Phrase, clip: Clip) {
        let Ok(hand) = self.hands.clone().try_acquire_owned() else {
            return tracing::warn!("the disk is busy with phrases; one is not kept");
        };
        let clips = self.clone();
        spawn_blocking(move || {
            let _until_written = hand;
            if let Err(error) = clips.store(&phrase.key(), &clip) {
                tracing::warn!(%error, "a phrase could not be kept; it will be synthesised again");
            }
        });
    }

    /// The clip, if it is there and whole. Reads the disk: small files, from the page cache after the first call.
    fn load(&self, key: &ClipKey) -> Option<Clip> {
        let bytes = self.kept.read(&key.file(), MAX_CLIP_BYTES)?;
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let head: Head = serde_json::from_slice(rest.get(..length)?).ok()?;
        let pcm = media::from_bytes(&rest[length..]).ok()?;
        let words = head.words.into_iter().map(|(text, started_ms, ended_ms)| WordMark {
            text,
            started_ms,
            ended_ms,
        });
        (!pcm.is_empty()).then(|| Clip { pcm, words: words.collect() })
    }

    fn store(&self, key: &ClipKey, clip: &Clip) -> std::io::Result<()> {
        let words = clip.words.iter().map(|w| (w.text.clone(), w.started_ms, w.ended_ms)).collect();
        let head = serde_json::to_vec(&Head { words })?;
        let mut bytes = u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        bytes.extend(head);
        bytes.extend(media::to_bytes(&clip.pcm));
        self.kept.write(&key.file(), &bytes)
    }

    /// Where this clip lies.
    pub fn path(&self, key: &ClipKey) -> PathBuf {
        self.kept.path(&key.file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_found_again_only_for_the_same_voice_rate_and_text() {
        let dir = tempfile::tempdir().unwrap();
        let clips = Clips::open(dir.path()).unwrap();
        let voice = TtsSettings::default();
        let key = ClipKey::new(&voice, 8_000, "Hello.");
        assert_eq!(clips.load(&key), None);
        let words = vec![WordMark { text: "Hello.".into(), started_ms: 0, ended_ms: 400 }];
        let clip = Clip { pcm: vec![1, -2, 3], words };
        clips.store(&key, &clip).unwrap();
        assert_eq!(clips.load(&key), Some(clip));
        assert_eq!(clips.load(&ClipKey::new(&voice, 16_000, "Hello.")), None);
        let other = TtsSettings { voice: "kal".into(), ..TtsSettings::default() };
        assert_eq!(clips.load(&ClipKey::new(&other, 8_000, "Hello.")), None);
        std::fs::write(clips.path(&key), b"\xff\xff\xff\xffgarbage").unwrap();
        assert_eq!(clips.load(&key), None, "a damaged clip is no clip");
    }

    #[test]
    fn only_what_is_said_alike_to_every_caller_is_a_phrase_to_keep() {
        let config = serde_json::json!({
            "session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "Hello, Ann.",
            "stable_phrases": ["Are you *still* there?", ""],
        });
        let config: Arc<RuntimeConfig> = Arc::new(serde_json::from_value(config).unwrap());
        let stable = Stable::of(&config);
        assert!(stable.phrase(0, 8_000, "Are you still there?").is_some(), "as it is spoken");
        assert!(stable.phrase(0, 8_000, "Hello, Ann.").is_none() && stable.greeting(8_000).is_none());
        assert!(stable.phrase(0, 8_000, "").is_none());
    }

    #[test]
    fn what_a_person_has_recorded_is_found_as_the_voice_would_be_given_it() {
        let config = serde_json::json!({
            "session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "Hello, this is *Asha*.",
            "sounds": {"recorded": [{"text": "Hello, this is *Asha*.", "sound": "snd_1"}, {"text": "Goodbye.", "sound": "snd_2"}]},
        });
        let stable = Stable::of(&Arc::new(serde_json::from_value(config).unwrap()));
        let greeting = stable.recorded_greeting().map(|(text, id)| (text, id.as_str()));
        assert_eq!(greeting, Some(("Hello, this is Asha.", "snd_1")));
        assert_eq!(stable.recorded(0, "Goodbye.").map(SoundId::as_str), Some("snd_2"));
        assert!(stable.recorded(0, "Good evening.").is_none() && stable.recorded(1, "Goodbye.").is_none());
    }

    #[test]
    fn what_was_kept_before_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("clips")).unwrap();
        std::fs::write(dir.path().join("clips/old.clip"), "Hello, Ann.").unwrap();
        Clips::open(dir.path()).unwrap();
        assert!(!dir.path().join("clips").exists());
    }
}
