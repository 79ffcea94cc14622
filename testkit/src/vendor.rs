//! Scripted vendors: servers that speak a vendor's protocol as strictly as the vendor does, say what a script tells
//! them, and misbehave on demand. Each listens on loopback, records what its clients did, and stops when dropped.

pub mod anthropic;
pub mod assemblyai;
pub mod aura;
pub mod bulbul;
pub mod cartesia;
pub mod chatterbox;
pub mod deepgram;
pub mod elevenlabs;
pub mod faults;
pub mod flux;
pub mod gemini;
mod handshake;
pub mod hearing;
mod host;
mod lies;
mod line;
mod model;
pub mod observe;
pub mod openai;
pub mod resemble;
pub mod sarvam;
mod server;
pub mod soniox;
pub mod soniox_voices;
pub mod speaking;
pub mod speech;
pub mod transcription;
mod wire;

pub use faults::{Cut, Dice, Faults, Lie};
pub use host::{DEFAULT_API_KEY, StartError};
pub use observe::{Ending, Exchange, Observed, Received};
pub use server::{Server, Vendor};
