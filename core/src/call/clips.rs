//! Fixed phrases as sound on disk, so that a greeting needs no voice: one file a phrase, named by all that decides how
//! it sounds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vox_shared::model::bot::TtsSettings;

use crate::provider::tts::WordMark;
use crate::transport::media;

/// What all clips may take on the disk: about two hours at 8 kHz. Beyond it the oldest go, down to three quarters.
const MAX_CACHE_BYTES: u64 = 128 * 1024 * 1024;
/// A clip larger than this is not read: five minutes at 24 kHz.
const MAX_CLIP_BYTES: u64 = 16 * 1024 * 1024;

/// The cache in a directory shared by the host's workers.
#[derive(Clone, Debug)]
pub struct Clips {
    dir: PathBuf,
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

impl Clips {
    /// The cache in `dir`, which is made if it is missing.
    pub fn open(dir: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// The clip, if it is there and whole. Reads the disk: small files, from the page cache after the first call.
    pub fn load(&self, key: &ClipKey) -> Option<Clip> {
        let path = self.path(key);
        if std::fs::metadata(&path).ok()?.len() > MAX_CLIP_BYTES {
            return None;
        }
        let bytes = std::fs::read(path).ok()?;
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
    pub fn store(&self, key: &ClipKey, clip: &Clip) -> std::io::Result<()> {
        let words = clip.words.iter().map(|w| (w.text.clone(), w.started_ms, w.ended_ms)).collect();
        let head = serde_json::to_vec(&Head { words })?;
        let mut bytes = u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        bytes.extend(head);
        bytes.extend(media::to_bytes(&clip.pcm));
        let temporary = self.dir.join(format!("{}.{}.tmp", key.0, std::process::id()));
        std::fs::write(&temporary, bytes)?;
        std::fs::rename(temporary, self.path(key))?;
        self.prune(MAX_CACHE_BYTES)
    }

    /// Remove the oldest files when all together are larger than `limit` bytes: clips, and what a killed writer left.
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

    fn path(&self, key: &ClipKey) -> PathBuf {
        self.dir.join(format!("{}.clip", key.0))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_oldest_clips_make_room() {
        let dir = tempfile::tempdir().unwrap();
        let clips = Clips::open(dir.path()).unwrap();
        let voice = TtsSettings::default();
        let key = |n: u64| ClipKey::new(&voice, 8_000, &n.to_string());
        let clip = Clip { pcm: vec![1; 500], words: Vec::new() };
        for n in 0..8 {
            clips.store(&key(n), &clip).unwrap();
            let stored = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n);
            File::options().write(true).open(clips.path(&key(n))).unwrap().set_modified(stored).unwrap();
        }
        clips.prune(8 * 2_000).unwrap();
        assert!((0..8).all(|n| clips.load(&key(n)).is_some()), "there is room for all");
        clips.prune(4_300).unwrap();
        let left: Vec<u64> = (0..8).filter(|n| clips.load(&key(*n)).is_some()).collect();
        assert_eq!(left, [5, 6, 7]);
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
}
