//! Work that nobody asks for.

pub mod janitor;
