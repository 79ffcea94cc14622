//! The versions of a bot.

pub mod list;
pub mod read;
pub mod restore;
pub mod view;
