//! The breaker: a trunk that fails is left alone. What a carrier says of too many calls, first calls that all fail, a bot that never speaks,
//! and numbers that are labelled are the bridge's to judge: it sees all diallers.

mod trunk;
mod trunks;

pub use trunk::{Gate, Trunk};
pub use trunks::{Change, Offer, Trunks};
