//! Secrets at rest. What a document holds in one of the places of [`places::SECRETS`] is kept as AES-256-GCM under a data key of
//! its tenant, and the data keys are kept wrapped by the master key, which is in no store. An engine in front of the real one
//! ([`Sealed`]) seals on the way in and opens on the way out, so no store above it can forget to. Decision 0032 says why.

mod aead;
mod data_keys;
mod envelope;
pub mod file;
pub mod master;
pub mod notes;
mod places;
pub mod rotation;
mod sealed;

pub use data_keys::{DATA_KEYS, Vault};
pub use places::{SECRETS, Secrets};
pub use sealed::{STATE, Sealed};
