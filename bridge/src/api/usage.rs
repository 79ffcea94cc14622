//! What was used, and the ledger that tells it.

pub mod conversation;
pub mod read;
