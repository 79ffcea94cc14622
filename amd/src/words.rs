//! What was said, and the phrases that tell machines from people.

mod english;
mod family;
mod french;
mod german;
mod heard;
mod hindi;
mod packs;
mod pattern;
mod plain;
mod spanish;

pub use family::Strength;
pub use heard::Heard;
pub use packs::{Wording, Words, digits};
