//! The audit log, to read and to verify. Nothing here writes to it.

pub mod list;
pub mod verify;
pub mod view;
