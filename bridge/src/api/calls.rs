//! Calls and their transcripts.

pub mod export;
pub mod list;
pub mod read;
pub mod view;
