//! Work that nobody asks for.

pub mod janitor;
pub mod lost_calls;
pub mod relay;
pub mod rotation;
