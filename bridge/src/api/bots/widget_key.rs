//! The public key of a bot's widget.

pub mod remove;
pub mod renew;
