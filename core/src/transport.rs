//! The lines a call comes in on. Each carrier's protocol is a pure codec; one pump moves its messages.

pub mod exotel;
pub mod line;
pub mod pcm;
pub mod socket;
pub mod talk;
pub mod ws;
