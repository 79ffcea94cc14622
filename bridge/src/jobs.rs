//! Work that nobody asks for.

pub mod custody;
pub mod deleted_bots;
pub mod janitor;
pub mod lost_calls;
pub mod relay;
pub mod rotation;
pub mod usage;
