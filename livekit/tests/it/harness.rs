//! A server, a cable to it, guests in its rooms, and tones to know them by.

pub mod cable;
pub mod guest;
pub mod server;
pub mod tone;

pub use cable::Cable;
pub use guest::Guest;
pub use server::LiveKit;
pub use tone::{buzz, loud_frames, overtones, power, tone};
