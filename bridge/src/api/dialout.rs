//! Placing calls.

pub mod call;
pub mod dial;
mod place;
