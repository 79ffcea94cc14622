//! A LiveKit room client for voice: one Opus track out, everybody's voice in, data, texts and keys of phones, without libwebrtc.
//!
//! ```no_run
//! use vox_livekit::{Event, Options, Publish, Room};
//!
//! # async fn call(token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let (room, mut events) = Room::join("wss://livekit.example", token, Options::default()).await?;
//! let voice = room.publish(Publish::default()).await?;
//! let mut sound = events.sound().expect("taken once");
//! while let Some(heard) = sound.next().await {
//!     // `heard.mix`: 20 ms of everybody at 16 kHz. What is written is said to everybody.
//!     voice.write(vec![0; voice.rate().frame()]).await?;
//!     # let _ = heard;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `docs/livekit-client.md` tells what it does and what it does not. Without the feature `room` there are the server's API, tokens and
//! webhooks alone, for programs that are in no room.
#![cfg_attr(not(feature = "room"), allow(dead_code))]

#[cfg(feature = "room")]
mod crypto;
mod error;
mod event;
#[cfg(feature = "room")]
pub mod hearing;
mod leaving;
#[cfg(feature = "room")]
mod media;
#[cfg(feature = "room")]
mod options;
#[cfg(feature = "room")]
mod room;
pub mod service;
#[cfg(feature = "room")]
#[doc(hidden)]
pub mod strangers;
mod token;
#[cfg(feature = "room")]
mod turn;
pub mod webhook;
#[cfg(feature = "room")]
mod wire;

pub use error::{Disconnect, JoinError, PublishError, SendError};
pub use event::{Data, Event, Heard, Kind, Participant, Speaker, Text, Track};
pub use leaving::Leaving;
#[cfg(feature = "room")]
pub use media::{FRAME, Rate};
#[cfg(feature = "room")]
pub use options::{Impairment, Mode, NoTransport, Options, Publish, Transport};
#[cfg(feature = "room")]
pub use room::impair::Impair;
#[cfg(feature = "room")]
pub use room::{
    Events, Microphone, Muted, Packet, RelayStats, Room, Simulation, Sound, Stats, Subscribe, TextHead,
    TextWriter, VoiceStats,
};
pub use token::{AccessToken, Grants};
#[cfg(feature = "room")]
pub use vox_audio::jitter::Counts;
