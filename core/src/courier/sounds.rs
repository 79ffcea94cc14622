//! Sounds of bots on the host's disk: fetched from the bridge once, kept at the rates of the lines that played them, and read when a call
//! wants them. A sound never changes, so its id says it all. One that cannot be had in time is done without.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use vox_audio::resample::resample;
use vox_audio::wav::{Wav, WavError};
use vox_shared::ids::{SessionId, SoundId};
use vox_shared::model::bot::SoundSettings;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::proof::Proof;

use super::cabinet::Cabinet;
use crate::bridge::{Bridge, DeliveryError};
use crate::media::bed::seamless;
use crate::transport::media;

/// What all sounds may take on the disk. Beyond it those go that were not used for longest, down to three quarters.
const MAX_SHELF_BYTES: u64 = 256 * 1024 * 1024;
/// Sounds that are fetched at a time, of all calls of this worker.
const FETCHES: usize = 2;
/// A file larger than this is not read: five minutes at 48 kHz.
const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// The sounds of the host, in a directory that its workers share.
#[derive(Clone, Debug)]
pub struct Shelf {
    kept: Cabinet,
    fetches: Arc<Semaphore>,
    /// Whoever wants what another is fetching waits for that.
    turns: Arc<Mutex<HashMap<String, Weak<Turn<()>>>>>,
}

/// The sounds of one call's bot. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sounds {
    shelf: Shelf,
    bridge: Bridge,
    of: Arc<Of>,
}

#[derive(Debug)]
struct Of {
    session_id: SessionId,
    proof: Proof,
    settings: SoundSettings,
}

/// Why a sound cannot be had.
#[derive(Debug, thiserror::Error)]
enum NoSound {
    #[error("the bridge did not give it: {0}")]
    Bridge(#[from] DeliveryError),
    #[error(transparent)]
    NoWav(#[from] WavError),
    #[error("the work on it broke off")]
    BrokeOff,
}

impl Shelf {
    /// The shelf in the host's data directory, made if it is missing.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        let kept = Cabinet::open(data_dir.join("sounds"), MAX_SHELF_BYTES)?;
        Ok(Self { kept, fetches: Arc::new(Semaphore::new(FETCHES)), turns: Arc::default() })
    }

    /// Those that a call's config names.
    pub fn of_call(&self, config: &RuntimeConfig, bridge: Bridge, claim: Option<String>) -> Sounds {
        let call_token = config.call_token.as_ref().map(|token| token.expose().to_owned());
        let proof = Proof { call_token, claim, bridge_url: None };
        let (session_id, settings) = (config.session_id.clone(), config.sounds.clone());
        Sounds { shelf: self.clone(), bridge, of: Arc::new(Of { session_id, proof, settings }) }
    }

    fn load(&self, id: &SoundId, rate_hz: u32) -> Option<Vec<i16>> {
        let bytes = self.kept.read(&file(id, rate_hz), MAX_FILE_BYTES)?;
        media::from_bytes(&bytes).ok().filter(|pcm| !pcm.is_empty())
    }

    fn keep(&self, id: &SoundId, rate_hz: u32, pcm: &[i16]) -> std::io::Result<()> {
        self.kept.write(&file(id, rate_hz), &media::to_bytes(pcm))
    }

    fn turn(&self, id: &SoundId, rate_hz: u32) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let name = file(id, rate_hz);
        let known = turns.get(&name).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(name, Arc::downgrade(&turn));
            turn
        })
    }
}

fn file(id: &SoundId, rate_hz: u32) -> String {
    format!("{id}-{rate_hz}.pcm")
}

impl Sounds {
    /// What the bot has of them.
    pub fn settings(&self) -> &SoundSettings {
        &self.of.settings
    }

    /// Have those on the disk that are not yet: the next call at the latest finds them there.
    pub async fn fetch_all(self, rate_hz: u32) {
        let (kept, of) = (self.shelf.kept.clone(), self.of.clone());
        let missing = spawn_blocking(move || {
            let named = of.settings.named().map(|(_, id)| id.clone());
            named.filter(|id| !kept.has(&file(id, rate_hz))).collect::<Vec<_>>()
        });
        let mut fetching = JoinSet::new();
        for id in missing.await.unwrap_or_default() {
            let sounds = self.clone();
            fetching.spawn(async move { sounds.get(&id, rate_hz).await.is_some() });
        }
        while fetching.join_next().await.is_some() {}
    }

    /// A sound at this rate, mono, 16 bit: from the disk, or from the bridge.
    pub async fn get(&self, id: &SoundId, rate_hz: u32) -> Option<Vec<i16>> {
        let got = self.try_get(id, rate_hz).await;
        got.inspect_err(|error| tracing::warn!(sound.id = %id, %error, "a sound is done without")).ok()
    }

    /// The same, made to be played over and over.
    pub async fn get_seamless(&self, id: &SoundId, rate_hz: u32) -> Option<Arc<[i16]>> {
        let pcm = self.get(id, rate_hz).await?;
        let turned = spawn_blocking(move || seamless(pcm, rate_hz)).await.ok()?;
        (!turned.is_empty()).then(|| turned.into())
    }

    async fn try_get(&self, id: &SoundId, rate_hz: u32) -> Result<Vec<i16>, NoSound> {
        if let Some(pcm) = self.load(id, rate_hz).await? {
            return Ok(pcm);
        }
        let turn = self.shelf.turn(id, rate_hz);
        let _turn = turn.lock().await;
        let _place = self.shelf.fetches.acquire().await;
        // Somebody else may have fetched it while we waited.
        if let Some(pcm) = self.load(id, rate_hz).await? {
            return Ok(pcm);
        }
        let Of { session_id, proof, .. } = &*self.of;
        let wav = self.bridge.sound(session_id, id, proof).await?;
        let (shelf, id) = (self.shelf.clone(), id.clone());
        let made = spawn_blocking(move || {
            let pcm = decoded(wav.into(), &id, rate_hz)?;
            // Without a disk it is fetched again for the next call.
            if let Err(error) = shelf.keep(&id, rate_hz, &pcm) {
                tracing::warn!(sound.id = %id, %error, "a sound could not be kept on the disk");
            }
            Ok(pcm)
        });
        made.await.map_err(|_| NoSound::BrokeOff)?
    }

    async fn load(&self, id: &SoundId, rate_hz: u32) -> Result<Option<Vec<i16>>, NoSound> {
        let (shelf, id) = (self.shelf.clone(), id.clone());
        spawn_blocking(move || shelf.load(&id, rate_hz)).await.map_err(|_| NoSound::BrokeOff)
    }
}

/// From the bridge's form to a line's.
fn decoded(wav: Vec<u8>, id: &SoundId, rate_hz: u32) -> Result<Vec<i16>, NoSound> {
    let wav = Wav::of_bytes(wav, Path::new(id.as_str()))?;
    let its_rate = wav.rate_hz;
    Ok(resample(&wav.mixed(), its_rate, rate_hz))
}

/// How long a phrase that a person has recorded is waited for; then the voice says it.
pub const RECORDED_PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use vox_audio::wav::WavWriter;

    use super::*;

    #[test]
    fn a_sound_is_kept_at_the_rate_of_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path()).unwrap();
        let id: SoundId = "snd_1".parse().unwrap();
        let sent_file = dir.path().join("sent.wav");
        let mut sent = WavWriter::create(&sent_file, 16_000, 1).unwrap();
        sent.write_mono(&[1_000; 3_200]).unwrap();
        sent.finish().unwrap();
        let pcm = decoded(std::fs::read(&sent_file).unwrap(), &id, 8_000).unwrap();
        assert_eq!(pcm.len(), 1_600);
        shelf.keep(&id, 8_000, &pcm).unwrap();
        assert_eq!(shelf.load(&id, 8_000), Some(pcm));
        assert_eq!(shelf.load(&id, 16_000), None);
        std::fs::write(shelf.kept.path(&file(&id, 16_000)), b"x").unwrap();
        assert_eq!(shelf.load(&id, 16_000), None, "half a sample is no sound");
        assert!(decoded(b"hello".to_vec(), &id, 8_000).is_err());
    }
}
