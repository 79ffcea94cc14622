//! The keyless local voice (flite) and recogniser (pocketsphinx), each in a process of its own.
//!
//! This library is the safe half: the frame protocol and an async client. It loads no C code; the binary
//! `vox-engine` does, one process per call and engine, so that a crash or a leak of a C library costs that
//! process and never the call. The protocol is described in `engines/README.md`.

pub mod binary;
pub mod error;
pub mod flite;
pub mod frame;
pub mod kind;
pub mod message;
mod process;
pub mod sphinx;

pub use binary::{EngineBinary, EngineInfo, check};
pub use error::EngineError;
pub use flite::{FliteClient, FliteEvent, FliteVoice, Speech, synthesise_to_pcm};
pub use kind::EngineKind;
pub use message::{HeardWord, SphinxSettings, Transcript, WordTime};
pub use sphinx::{SphinxClient, SphinxEvent};
