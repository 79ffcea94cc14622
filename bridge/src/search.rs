//! Finding calls: what a call is found by ([`digest`]), and what counts as a word ([`words`]). Both engines hold the same lists of
//! words, so both find the same calls.

pub mod digest;
pub mod find;
pub mod keys;
pub mod words;
