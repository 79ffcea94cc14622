//! Calls and their transcripts.

pub mod analysis;
pub mod delete;
pub mod events;
pub mod export;
pub mod legal_hold;
pub mod link;
pub mod list;
pub mod live;
pub mod orders;
pub mod pushes;
pub mod read;
pub mod summary;
pub mod supervision;
pub mod view;
pub mod visit;
