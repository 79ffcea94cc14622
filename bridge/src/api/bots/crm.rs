//! The CRM of a bot.

pub mod read;
pub mod remove;
pub mod replace;
pub mod test;
pub mod view;
