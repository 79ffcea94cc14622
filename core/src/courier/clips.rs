//! Fixed phrases as sound on disk, so that a greeting needs no voice: one file a phrase, named by all that decides how
//! it sounds. Only what is said alike to every caller is kept: a name or a sum owed is nobody's to find on a disk, and would
//! push out what is needed again.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use vox_shared::model::bot::TtsSettings;
use vox_shared::private;
use vox_shared::wire::config::RuntimeConfig;

use crate::provider::tts::WordMark;
use crate::session::rules::{language, with_fallbacks};
use crate::session::text::{Wording, phrase};
use crate::transport::media;

/// What all clips may take on the disk: about two hours at 8 kHz. Beyond it those go that were not used for longest, down to
/// three quarters.
const MAX_CACHE_BYTES: u64 = 128 * 1024 * 1024;
/// A clip larger than this is not read: five minutes at 24 kHz.
const MAX_CLIP_BYTES: u64 = 16 * 1024 * 1024;
/// A use is noted on the file when the last note is older than this: a write for every call would be wasted.
const NOTE_EVERY: Duration = Duration::from_secs(600);
/// A clip that the disk does not give within this is none: whoever asks for it waits on the line.
const FIND_PATIENCE: Duration = Duration::from_millis(300);
/// Clips that are read or written at a time. While a disk hangs over so many nothing more is begun, and phrases are synthesised.
const HANDS: usize = 4;
/// Owner only.
const FILE_MODE: u32 = 0o600;
/// Where clips lay when those with callers' names were among them.
const FORMER_DIRECTORY: &str = "clips";

/// The cache in a directory shared by the host's workers.
#[derive(Clone, Debug)]
pub struct Clips {
    dir: PathBuf,
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
    wording: Arc<Wording>,
}

impl Stable {
    /// Of this config. Cleans every text, so not for the audio's thread.
    pub fn of(config: &Arc<RuntimeConfig>) -> Self {
        let wording = Wording::of(config, language(config));
        let of_voice = |voice| {
            let phrases = config.stable_phrases.iter();
            phrases.filter_map(|text| spoken(text, config, (&wording, voice))).collect::<Vec<_>>()
        };
        let spoken = (0..=config.tts.fallbacks.len()).map(of_voice).collect();
        Self { spoken, config: config.clone(), wording: Arc::new(wording) }
    }

    /// The spoken text in the bot's voice with this index; `None` when it is not the same for every caller.
    pub fn phrase(&self, voice: usize, rate_hz: u32, text: &str) -> Option<Phrase> {
        let is_stable = self.spoken.get(voice)?.iter().any(|phrase| phrase == text);
        is_stable.then(|| Phrase { config: self.config.clone(), voice, rate_hz, text: text.to_owned() })
    }

    /// The opening message in the bot's first voice.
    pub fn greeting(&self, rate_hz: u32) -> Option<Phrase> {
        self.phrase(0, rate_hz, &spoken(&self.config.opening_message, &self.config, (&self.wording, 0))?)
    }
}

/// What a voice of the bot is given of a fixed text.
fn spoken(text: &str, config: &RuntimeConfig, (wording, voice): (&Wording, usize)) -> Option<String> {
    phrase(text, language(config)).map(|piece| wording.put(&piece, voice).say().to_owned())
}

impl Clips {
    /// The cache in the host's data directory, made if it is missing.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        let dir = data_dir.join("phrases");
        private::directory(&dir)?;
        // A neighbour may be at it, too, or it was never there.
        let _gone = std::fs::remove_dir_all(data_dir.join(FORMER_DIRECTORY));
        Ok(Self { dir, hands: Arc::new(Semaphore::new(HANDS)) })
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
        let mut file = File::open(self.path(key)).ok()?;
        let about = file.metadata().ok()?;
        if about.len() > MAX_CLIP_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(about.len() as usize);
        file.read_to_end(&mut bytes).ok()?;
        note_use(&file, about.modified());
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

    /// Keep a clip. A reader sees the whole file or none.
    fn store(&self, key: &ClipKey, clip: &Clip) -> std::io::Result<()> {
        let words = clip.words.iter().map(|w| (w.text.clone(), w.started_ms, w.ended_ms)).collect();
        let head = serde_json::to_vec(&Head { words })?;
        let mut bytes = u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        bytes.extend(head);
        bytes.extend(media::to_bytes(&clip.pcm));
        let temporary = self.dir.join(format!("{}.{}.tmp", key.0, std::process::id()));
        // Left by a process of the same id that was killed.
        let _fresh = std::fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&temporary)?;
        file.write_all(&bytes)?;
        std::fs::rename(temporary, self.path(key))?;
        self.prune(MAX_CACHE_BYTES)
    }

    /// Remove the files that were not used for longest when all together are larger than `limit` bytes: clips, and what a killed writer left.
    fn prune(&self, limit: u64) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            // A neighbour may have removed it meanwhile.
            let Ok(about) = entry.metadata() else { continue };
            files.push((about.modified()?, about.len(), entry.path()));
        }
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        if total <= limit {
            return Ok(());
        }
        files.sort();
        for (_, length, path) in files {
            if total <= limit / 4 * 3 {
                break;
            }
            let _gone = std::fs::remove_file(path);
            total -= length;
        }
        Ok(())
    }

    /// Where this clip lies.
    pub fn path(&self, key: &ClipKey) -> PathBuf {
        self.dir.join(format!("{}.clip", key.0))
    }
}

/// The time of a clip's last use is that of its file's last change.
fn note_use(file: &File, noted: std::io::Result<SystemTime>) {
    let is_old = noted.is_ok_and(|noted| noted.elapsed().is_ok_and(|age| age > NOTE_EVERY));
    if is_old {
        // A file system that takes no times evicts by age instead.
        let _unsupported = file.set_times(std::fs::FileTimes::new().set_modified(now()));
    }
}

#[expect(clippy::disallowed_methods, reason = "a file's time is the kernel's, not the injected clock's")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let dir = tempfile::tempdir().unwrap();
        let clips = Clips::open(dir.path()).unwrap();
        let voice = TtsSettings::default();
        let key = |n: u64| ClipKey::new(&voice, 8_000, &n.to_string());
        let clip = Clip { pcm: vec![1; 500], words: Vec::new() };
        for n in 0..8 {
            clips.store(&key(n), &clip).unwrap();
            let stored = SystemTime::UNIX_EPOCH + Duration::from_secs(n);
            File::options().write(true).open(clips.path(&key(n))).unwrap().set_modified(stored).unwrap();
        }
        clips.prune(8 * 2_000).unwrap();
        assert!((0..8).all(|n| clips.load(&key(n)).is_some()), "there is room for all");
        // Looking was a use; the greeting of every call is younger than what was said once last year.
        for n in (0..8).filter(|n| *n != 2) {
            let stored = SystemTime::UNIX_EPOCH + Duration::from_secs(n);
            File::options().write(true).open(clips.path(&key(n))).unwrap().set_modified(stored).unwrap();
        }
        clips.prune(4_300).unwrap();
        let left: Vec<u64> = (0..8).filter(|n| clips.path(&key(*n)).exists()).collect();
        assert_eq!(left, [2, 6, 7]);
    }

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
    fn nobody_else_may_read_them_and_what_was_kept_before_is_gone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("clips")).unwrap();
        std::fs::write(dir.path().join("clips/old.clip"), "Hello, Ann.").unwrap();
        let clips = Clips::open(dir.path()).unwrap();
        assert!(!dir.path().join("clips").exists());
        let key = ClipKey::new(&TtsSettings::default(), 8_000, "Hello.");
        clips.store(&key, &Clip { pcm: vec![1], words: Vec::new() }).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&clips.path(&key)), mode(&clips.dir)), (0o600, 0o700));
    }
}
