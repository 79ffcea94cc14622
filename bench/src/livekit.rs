//! The benchmark of calls in LiveKit rooms: what they cost and how soon they begin, beside the same calls over a WebSocket and beside the
//! vendor's own agent; and what becomes of them when the network is bad.
//!
//! For each level the same callers talk to the same workers, with the same vendors, first over `/ws` and then each in a room of a real
//! LiveKit server. In a room the caller is a visitor with our own client, in the benchmark's process.

use std::{io, path::PathBuf, sync::Arc};

use serde::Serialize;
use serde_json::Value;
use vox_caller::Protocol;
use vox_engines::EngineError;
use vox_testkit::livekit::{LiveKit, LiveKitError};

use crate::calls::{
    self, BenchError, Delays, Door, Entries, Ground, Level, Machine, Road, Rooms, run_level, speech,
};

mod agent;
mod impaired;
mod markdown;
mod relay;
mod table;
mod trouble;
mod words;

pub use agent::{AgentError, AgentLevel, Agents};
pub use impaired::{Impaired, Row};
pub use words::Kept;

/// What to measure with which programs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Levels, seconds and programs; the protocol of the calls beside those in rooms.
    pub calls: calls::Settings,
    /// `scripts/livekit/run.sh`.
    pub script: PathBuf,
    /// Where `scripts/livekit/agent/install.sh` put the vendor's agent; without it there are no figures of it.
    pub agent: Option<PathBuf>,
    /// Calls at once, of the vendor's agent.
    pub agent_levels: Vec<u32>,
    /// Only this trouble, by its name in the table.
    pub only: Option<String>,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Calls(#[from] BenchError),
    #[error("the LiveKit server does not run")]
    LiveKit(#[from] LiveKitError),
    #[error("the vendor's agent does not run")]
    Agent(#[from] AgentError),
    #[error("vox-engine is not beside this program; build it first: cargo build --release -p vox-engines")]
    NoEngine,
    #[error("the local voice or recogniser failed; install them with scripts/install-engines.sh")]
    Engine(#[from] EngineError),
    #[error("the benchmark's files or sockets failed")]
    Io(#[from] io::Error),
}

/// Everything that was measured of calls on a good network.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub protocol: String,
    /// What the callers spoke with.
    pub voice: String,
    pub delays: Delays,
    pub pairs: Vec<Pair>,
    pub agents: Option<Agents>,
}

/// So many calls at once, over sockets and in rooms.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    pub calls: u32,
    pub socket: Level,
    pub room: Level,
    pub entries: Entries,
}

/// Measure; `progress` is told what is being done.
///
/// # Errors
/// When a program, the weights or the server are missing, or something does not start. Calls that fail are figures, not errors.
pub async fn run(settings: &Settings, mut progress: impl FnMut(&str)) -> Result<Report, MeasureError> {
    let machine = Machine::here(&settings.calls.programs);
    let socket = Road::Socket(settings.calls.protocol);
    let (clips, voice) = speech(settings.calls.protocol.rate_hz()).await.map_err(BenchError::from)?;
    let server = LiveKit::start(&settings.script, &[]).await?;
    let door = Door::of(&server);
    let ground = Box::pin(Ground::prepare(&settings.calls, clips, door.settings())).await?;
    let rooms = Arc::new(Rooms::new(door, server.pid, ground.secret())?);
    let room = Road::Room(rooms.clone());
    progress("the first calls");
    Box::pin(ground.warm_up(&[&socket, &room])).await?;
    let mut pairs = Vec::with_capacity(settings.calls.levels.len());
    for &calls in &settings.calls.levels {
        progress(&format!("{calls} calls at once over sockets"));
        let over_sockets = Box::pin(run_level(&ground, &socket, calls)).await?;
        progress(&format!("{calls} calls at once in rooms"));
        let in_rooms = Box::pin(run_level(&ground, &room, calls)).await?;
        pairs.push(Pair { calls, socket: over_sockets, room: in_rooms, entries: rooms.take_entries() });
    }
    server.stop().await;
    let agents = match &settings.agent {
        Some(home) => Some(Box::pin(agent::run(&ground, settings, home, &mut progress)).await?),
        None => None,
    };
    let protocol = settings.calls.protocol.to_string();
    Ok(Report { machine, protocol, voice: voice.to_owned(), delays: ground.delays, pairs, agents })
}

/// Put calls through bad networks; `progress` is told what is being done.
///
/// # Errors
/// As [`run`]; and when the local voice and recogniser are missing.
pub async fn impair(settings: &Settings, progress: impl FnMut(&str)) -> Result<Impaired, MeasureError> {
    Box::pin(impaired::run(settings, progress)).await
}

impl Settings {
    /// The protocol that calls in rooms stand beside: the one that carriers' figures are of.
    pub const BESIDE: Protocol = Protocol::Ws;
}

impl Report {
    /// Everything as one JSON object.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Impaired {
    /// Everything as one JSON object.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
