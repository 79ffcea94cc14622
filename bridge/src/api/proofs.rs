//! The chain of what campaigns did, for whoever has to account for them.

pub mod export;
pub mod verify;
