//! Plain data that several processes share: what a bot is.

pub mod bot;
pub mod script;
