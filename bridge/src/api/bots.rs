//! Bots.

pub mod create;
pub mod delete;
pub mod list;
pub mod patch;
pub mod read;
pub mod replace;
pub mod view;
