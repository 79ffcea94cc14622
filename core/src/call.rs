//! One call, from the first message of the line to its record on disk.

pub mod actor;
mod asked;
pub mod beside;
pub mod billed;
pub mod callback;
pub mod detector;
pub mod ears;
pub mod feed;
pub mod life;
pub mod lookout;
pub mod mcp;
pub mod meter;
pub mod mouth;
pub mod orders;
mod pace;
mod permits;
mod pipeline;
pub mod record;
#[cfg(feature = "livekit")]
pub mod rejoin;
pub mod screener;
pub mod spoken;
pub mod successor;
pub mod switch;
pub mod tools;
pub mod veil;
pub mod vendors;
