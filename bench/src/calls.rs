//! The benchmark of calls: real workers, real sockets, talking callers, scripted vendors with known delays.
//!
//! For each level of load it starts as many workers as there are calls, as real processes, lets them idle, calls each of
//! them once and talks for a while, now and then over the bot. The vendors are processes of their own, so that their
//! work is not taken for the workers'. The control plane answers from memory: it is not what is measured here.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;
use vox_caller::{Clip, ConnectError, OptionsError, Protocol};

use crate::load::{SpeechError, Voice, clips};

mod bars;
mod callers;
mod figures;
mod level;
mod machine;
mod markdown;
mod once;
mod plane;
mod rooms;
mod table;
mod tls;
mod vendors;
mod workers;

pub use bars::{Bar, Verdict};
pub use figures::Talk;
pub use level::{Level, MachineLoad};
pub use machine::Machine;
pub use once::{Detector, Once};
pub use rooms::Entries;
pub use vendors::Delays;

pub(crate) use callers::{Road, call_in_room, plan, short_call};
pub(crate) use figures::heard;
pub(crate) use level::{MIB, run as run_level};
pub(crate) use plane::Plane;
pub(crate) use rooms::{Door, Rooms, Stay, Summons};
pub(crate) use table::{Table, two};
pub(crate) use tls::Identity;
pub(crate) use vendors::{Cast, MODELS, Part, RECOGNISERS, VOICES, Vendors};
pub(crate) use workers::{Nursery, Worker};

/// Bytes of the secret that workers and control plane share.
const SECRET_BYTES: usize = 32;
const WARM_UP_DEADLINE: Duration = Duration::from_secs(20);

/// The bot that callers ask for; the control plane gives every name the same config.
const BOT: &str = "bot_bench";

/// What to measure with which programs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Calls at once, one level after another.
    pub levels: Vec<u32>,
    /// How long each level is counted.
    pub talk: Duration,
    pub protocol: Protocol,
    /// Where `vox-core` lies.
    pub programs: PathBuf,
    /// The test kit's program: it plays the vendors.
    pub testkit: PathBuf,
    /// Where the detector's weights lie.
    pub models: PathBuf,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(
        "{0} is missing; build it first: cargo build --release -p vox-core -p vox-testkit -p vox-bench -p vox-engines"
    )]
    NoProgram(PathBuf),
    #[error("{0} is missing; fetch it first: scripts/fetch-models.sh")]
    NoWeights(PathBuf),
    #[error("{program} could not be started")]
    Spawn { program: PathBuf, source: io::Error },
    #[error("a worker did not come up; the end of its log:\n{log}")]
    NoWorker { log: String },
    #[error("the scripted {0} did not say where it listens")]
    SilentVendor(&'static str),
    #[error("the scripted model gave no sentence")]
    NoSentence,
    #[error("a worker did not deliver the record of its call")]
    NoRecord,
    #[error("the callers have nothing to say")]
    Speech(#[from] SpeechError),
    #[error("the line's options are wrong")]
    Options(#[from] OptionsError),
    #[error("a worker could not be called in a room: {0}")]
    NoCall(String),
    #[error("a worker could not be called")]
    Connect(#[from] ConnectError),
    #[error("a request could not be made")]
    Model(#[from] reqwest::Error),
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    #[error("the benchmark's files or sockets failed")]
    Io(#[from] io::Error),
}

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub protocol: String,
    /// What the callers spoke with.
    pub voice: String,
    pub delays: Delays,
    pub once: Once,
    pub levels: Vec<Level>,
}

/// What all levels stand on. Its processes end when it is dropped.
pub(crate) struct Ground {
    pub(crate) talk: Duration,
    pub(crate) clips: Vec<Clip>,
    pub(crate) delays: Delays,
    pub(crate) plane: Plane,
    pub(crate) vendors: Vendors,
    pub(crate) nursery: Nursery,
    work: TempDir,
}

/// Measure; `progress` is told what is being done.
///
/// # Errors
/// When a program or the weights are missing, or something does not start. Calls that fail are figures, not errors.
pub async fn run(settings: Settings, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let machine = Machine::here(&settings.programs);
    let (clips, voice) = speech(settings.protocol.rate_hz()).await?;
    let ground = Box::pin(Ground::prepare(&settings, clips, Vec::new())).await?;
    progress("starts, greetings and the detector");
    let once = Box::pin(once::run(&ground, settings.protocol)).await?;
    let road = Road::Socket(settings.protocol);
    let mut levels = Vec::with_capacity(settings.levels.len());
    for &calls in &settings.levels {
        progress(&format!("{calls} calls at once"));
        levels.push(Box::pin(level::run(&ground, &road, calls)).await?);
    }
    let protocol = settings.protocol.to_string();
    Ok(Report { machine, protocol, voice: voice.to_owned(), delays: ground.delays, once, levels })
}

/// The local voice where it is installed: a detector is made for voices.
pub(crate) async fn speech(rate_hz: u32) -> Result<(Vec<Clip>, &'static str), SpeechError> {
    match clips(&[], Voice::Flite, rate_hz).await {
        Ok(clips) => Ok((clips, "the local voice (flite)")),
        Err(_) => Ok((clips(&[], Voice::Synthetic, rate_hz).await?, "synthetic sound")),
    }
}

impl Ground {
    /// Start what all levels need; workers get `more` settings.
    pub(crate) async fn prepare(
        settings: &Settings,
        clips: Vec<Clip>,
        more: Vec<(&'static str, String)>,
    ) -> Result<Self, BenchError> {
        Box::pin(Self::with(settings, clips, (Cast::USUAL, None), more)).await
    }

    /// With these vendors; with a certificate they are behind TLS, which the workers trust, and calls have tools and fall-backs.
    pub(crate) async fn with(
        settings: &Settings,
        clips: Vec<Clip>,
        (cast, identity): (Cast, Option<&Identity>),
        mut more: Vec<(&'static str, String)>,
    ) -> Result<Self, BenchError> {
        let (core, models) = checked(settings)?;
        let work = TempDir::new()?;
        for dir in [CLIPS, LOGS] {
            fs::create_dir(work.path().join(dir))?;
        }
        let secret = SecretString::from(random_hex());
        if let Some(identity) = identity {
            more.push(("SSL_CERT_FILE", identity.certificate_file(work.path())?.display().to_string()));
        }
        let vendors = Vendors::start(&settings.testkit, work.path(), (cast, identity)).await?;
        let delays = vendors.delays().await?;
        let config = if identity.is_some() { vendors.laden_config() } else { vendors.config() };
        let plane = Plane::start(secret.clone(), config).await?;
        let nursery = Nursery {
            core,
            models,
            logs: work.path().join(LOGS),
            bridge_url: plane.url().to_owned(),
            secret,
            more,
        };
        Ok(Self { talk: settings.talk, clips, delays, plane, vendors, nursery, work })
    }

    /// What workers ask of whoever orders something of them.
    pub(crate) fn secret(&self) -> SecretString {
        self.nursery.secret.clone()
    }

    /// A place for files that go with it.
    pub(crate) fn work(&self) -> &Path {
        self.work.path()
    }

    /// Call a worker once on each of these roads, so that the greeting's sound is kept for the levels.
    ///
    /// # Errors
    /// When a call does not come about, or leaves no record.
    pub(crate) async fn warm_up(&self, roads: &[&Road]) -> Result<(), BenchError> {
        let data = self.data_dir("warm-up")?;
        self.plane.forget();
        let workers = self.nursery.start(1, &data, &self.plane).await?;
        for (calls, road) in (1..).zip(roads) {
            Box::pin(short_call(road, &workers[0], &self.clips[0])).await?;
            let delivered = self.plane.wait_for(WARM_UP_DEADLINE, |told| told.results.len() >= calls).await;
            if !delivered {
                return Err(BenchError::NoRecord);
            }
        }
        Ok(self.keep_clips(&data)?)
    }

    /// A fresh data directory of a host, with the greetings of earlier calls: a level must not adopt the outboxes of
    /// the one before.
    pub(crate) fn data_dir(&self, name: &str) -> io::Result<PathBuf> {
        let data = self.work.path().join(name);
        copy_files(&self.work.path().join(CLIPS), &data.join(CLIPS))?;
        Ok(data)
    }

    /// Keep the greetings that the workers of `data` have cached.
    fn keep_clips(&self, data: &Path) -> io::Result<()> {
        copy_files(&data.join(CLIPS), &self.work.path().join(CLIPS))
    }
}

/// The worker's program and the directory of its weights, which must be there.
pub(crate) fn checked(settings: &Settings) -> Result<(PathBuf, PathBuf), BenchError> {
    let core = settings.programs.join("vox-core");
    if !core.is_file() {
        return Err(BenchError::NoProgram(core));
    }
    let weights = settings.models.join("silero_vad_v6.bin");
    if !weights.is_file() {
        return Err(BenchError::NoWeights(weights));
    }
    Ok((fs::canonicalize(core)?, fs::canonicalize(&settings.models)?))
}

/// The workers' name for their phrase cache.
const CLIPS: &str = "phrases";
const LOGS: &str = "logs";

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

pub(crate) fn random_hex() -> String {
    let mut bytes = [0u8; SECRET_BYTES];
    rand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Report {
    /// Everything as one JSON object, the bars with their verdicts included.
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value["bars"] = serde_json::to_value(self.bars()).unwrap_or_default();
        value
    }
}

#[cfg(test)]
mod tests;
