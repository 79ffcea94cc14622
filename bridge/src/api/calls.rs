//! Calls and their transcripts.

pub mod events;
pub mod export;
pub mod list;
pub mod live;
pub mod orders;
pub mod pushes;
pub mod read;
pub mod view;
