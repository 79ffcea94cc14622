//! The detector by what it hears: sounds made here, words given.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod call;
mod corrections;
mod first_verdicts;
mod record;
mod sound;
mod tones;
