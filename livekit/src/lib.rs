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
//! `docs/livekit-client.md` tells what it does and what it does not.

mod crypto;
mod error;
mod event;
mod leaving;
mod media;
mod options;
mod room;
mod token;
mod wire;

pub use error::{Disconnect, JoinError, PublishError, SendError};
pub use event::{Data, Event, Heard, Kind, Participant, Speaker, Text, Track};
pub use leaving::Leaving;
pub use media::{FRAME, Rate};
pub use options::{Impairment, Mode, Options, Publish, Transport};
pub use room::{
    Events, Microphone, Muted, Packet, Room, Simulation, Sound, Stats, Subscribe, TextHead, TextWriter,
    VoiceStats,
};
pub use token::{AccessToken, Grants};
pub use vox_audio::jitter::Counts;
