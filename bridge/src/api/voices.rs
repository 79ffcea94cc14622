//! Voices: what vendors have, and those that were made from clips.

pub mod clip;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod view;
