//! Calls that have cooled: their heavy part is compressed in their documents (warm) or in objects (archive), and whoever reads a call
//! finds it opened (decision 0052). `custody/tiers.rs` moves them.

pub mod depot;
pub mod opened;
pub mod pack;
