//! What diallers ask: see `campaign/calls.rs`. The shapes are those of `vox_shared::wire::dialler`.

pub mod attempts;
pub mod campaigns;
pub mod claims;
pub mod leases;
pub mod permits;
pub mod recoveries;
pub mod rooms;
