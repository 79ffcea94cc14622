//! Placing calls.

pub mod call;
pub mod dialout;
mod place;
