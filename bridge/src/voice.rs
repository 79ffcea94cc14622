//! Voices that are made from a clip: the clip is looked at and kept, the voice is made at its vendor by a job, and deleted there by
//! another. A bot names such a voice by its id, and its config gets the vendor's. Decision 0053.

pub mod clip;
pub mod desk;
mod elevenlabs;
pub mod jobs;
pub mod named;
pub mod wish;
