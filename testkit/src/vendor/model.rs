//! What all scripted language models share: the script's rules, text cut into tokens, and the paced and faulty stream of events.

mod pieces;
mod rules;
mod script;
mod stream;

pub(crate) use pieces::{arguments, pieces, split};
pub(crate) use rules::{Asked, answer};
pub use script::{Reply, Rule, ToolCall, Usage, When};
pub(crate) use stream::{Manner, Pace, body};
