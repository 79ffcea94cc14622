//! A server, guests in its rooms, and tones to know them by.

pub mod guest;
pub mod server;
pub mod tone;

pub use guest::Guest;
pub use server::LiveKit;
pub use tone::{buzz, loud_frames, overtones, power, tone};
