//! The gateway: calls from telephones into rooms, and out of rooms to telephones.

mod attributes;
mod inbound;
mod outbound;
mod pin;
mod reasons;
mod seat;
mod sound;
mod talk;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use vox_sip::{Agent, BindError, Calls, Codec, Hold};

pub use reasons::Reasons;

use crate::rpc::{Bus, BusError, Client, CreateRequest, Served, Server};

/// How long a call may ring that is told nothing else.
const RINGING: Duration = Duration::from_secs(180);

/// What a gateway is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `redis://…`, the one that the LiveKit server has.
    pub redis: String,
    /// `ws://…`
    pub livekit: String,
    pub key: String,
    pub secret: String,
    /// Where telephones reach it, UDP and TCP. Port 0: a free one.
    pub listen: SocketAddr,
    pub rtp_ports: RangeInclusive<u16>,
    /// Which reasons a participant leaves with whose call failed.
    pub reasons: Reasons,
    /// A line is dead that is silent for so long from its beginning, and later.
    pub first_sound_within: Duration,
    pub sound_within: Duration,
}

impl Settings {
    /// On loopback, beside a server.
    pub fn new(redis: &str, livekit: &str, key: &str, secret: &str) -> Self {
        Self {
            redis: redis.to_owned(),
            livekit: livekit.to_owned(),
            key: key.to_owned(),
            secret: secret.to_owned(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            rtp_ports: 30_000..=39_999,
            reasons: Reasons::New,
            first_sound_within: Duration::from_secs(30),
            sound_within: Duration::from_secs(15),
        }
    }
}

/// A gateway does not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Redis(#[from] BusError),
    #[error(transparent)]
    Sip(#[from] BindError),
}

/// What all calls share.
struct Shared {
    settings: Settings,
    agent: Agent,
    /// The server's side of trunks and rules.
    io: Client,
    /// Ours, for calls and transfers.
    server: Server,
}

/// A gateway that runs, until this is dropped.
pub struct Gateway {
    shared: Arc<Shared>,
    calls: JoinHandle<()>,
    _created: Served,
}

impl Gateway {
    /// Begin. The server finds it through Redis from now on.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let bus = Bus::connect(&settings.redis).await?;
        let io = Client::new(bus.clone(), "IOInfo").await?;
        let server = Server::new(bus, "SIPInternal");
        let (agent, calls) = Agent::bind(vox_sip::Settings {
            listen: settings.listen,
            rtp_ports: settings.rtp_ports.clone(),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            user_agent: "vox-gateway (stand-in)".to_owned(),
            realm: "LiveKit".to_owned(),
            user: "livekit".to_owned(),
            // Our tag is the call's id, as the vendor's gateway has it.
            tag_prefix: "SCL_".to_owned(),
            first_sound_within: settings.first_sound_within,
            sound_within: settings.sound_within,
            hold: Hold::KeepTalking,
            ..vox_sip::Settings::default()
        })
        .await?;
        let shared = Arc::new(Shared { settings, agent, io, server });
        let here = Arc::clone(&shared);
        let create = move |request: CreateRequest| outbound::create(Arc::clone(&here), request);
        let created = shared.server.serve("CreateSIPParticipant", "", create).await?;
        let calls = tokio::spawn(answer(Arc::clone(&shared), calls));
        Ok(Self { shared, calls, _created: created })
    }

    /// Where telephones reach it.
    pub fn address(&self) -> SocketAddr {
        self.shared.agent.address()
    }

    /// End it: calls are hung up.
    pub async fn stop(self) {
        self.shared.agent.close().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.calls.abort();
    }
}

async fn answer(shared: Arc<Shared>, mut calls: Calls) {
    while let Some(incoming) = calls.next().await {
        tokio::spawn(Box::pin(inbound::serve(Arc::clone(&shared), incoming)));
    }
}
