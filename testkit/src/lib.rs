//! The test kit: scripted vendors that are as strict as the real ones, a scripted worker that
//! is asked to place calls, and a TCP proxy that breaks connections.
//!
//! Everything here can be used by itself, also against software that is not Vox's: in a test through this library,
//! from anything else through the `vox-testkit` program.

pub mod campaign;
pub mod carrier;
pub mod chaos;
pub mod collector;
pub mod crm;
mod door;
pub mod exchange;
pub mod exotel;
pub mod livekit;
pub mod mcp;
pub mod metrics;
pub mod provider;
pub mod receiver;
pub mod tool;
pub mod vendor;
pub mod worker;
