//! A reply's text on its way from the model to the voice and into the record: tokens become what is visible, that becomes
//! pieces, and each piece is two texts: what the voice says, and what is kept as the model's own words.
//!
//! Everything here is fed character by character, so how a server cuts its tokens changes nothing. No text waits without an
//! end: each thing that may turn out to be markup is held up to a named length.

mod abbreviation;
mod clean;
mod cue;
mod cutter;
mod entity;
mod hidden;
mod ipa;
mod language;
mod line;
mod link;
mod piece;
mod sign;
mod splitter;
mod tag;
mod tool;
mod wording;

pub use piece::{Piece, append, joined};
pub use sign::{is_terminal, is_unspaced, syllables};
pub use splitter::{Item, Splitter, phrase};
pub use tool::{ToolText, argument};
pub use wording::Wording;
