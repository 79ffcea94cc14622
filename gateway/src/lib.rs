//! A stand-in for LiveKit's SIP gateway, for tests: LiveKit's internal calls over Redis on one side, telephones on the other. The vendor's
//! own cannot be had from package registries. What it does, and what the vendor's does and this does not, is in `docs/sip.md`.
//!
//! Never report something as tried with the vendor's gateway that was tried with this one.

mod gateway;
mod rpc;

pub use gateway::{Gateway, Reasons, Settings, StartError};
