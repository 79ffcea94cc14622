//! The dialler: leases parts of campaigns from the bridge, paces them, and rings each contact at most once for each attempt. It keeps no
//! state of its own; `docs/campaigns.md` tells operators what it does, `docs/decisions/0084-the-dialler.md` why so.

pub mod attempt;
mod beat;
pub mod breaker;
pub mod bridge;
pub mod check;
pub mod desk;
pub mod engine;
pub mod fuse;
mod leases;
mod line;
pub mod metrics;
pub mod outcome;
pub mod pacing;
pub mod pulse;
pub mod rooms;
pub mod settings;
pub mod surface;
