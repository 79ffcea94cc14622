//! What came of a campaign's calls.

pub mod list;
pub mod table;
pub mod view;
