//! Legal holds: calls that nobody deletes.

pub mod lift;
pub mod place;
