//! Vendors of speech and language, as bots use them.

pub mod keys;
pub mod list;
