//! Campaigns: lists of people whom bots call, and every rule that says whether a number may be rung now. The dialler asks
//! (`/api/v1/dialler`), the bridge decides.

pub mod calendar;
pub mod calls;
pub mod clearance;
pub mod desk;
pub mod figures;
pub mod health;
pub mod import;
pub mod intake;
pub mod number;
pub mod orders;
pub mod outcome;
pub mod phone;
pub mod places;
pub mod preflight;
pub mod proofs;
pub mod rehearsal;
pub mod retry;
pub mod settings;
pub mod status;
pub mod turns;
pub mod why;
pub mod windows;
pub mod zones;
