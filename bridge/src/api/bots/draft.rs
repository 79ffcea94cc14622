//! The draft of a bot.

pub mod delete;
pub mod patch;
pub mod read;
pub mod replace;
pub mod view;
