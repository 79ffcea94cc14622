//! Placing calls.

pub mod call;
pub mod dial;
pub(in crate::api) mod place;
