//! What a tenant may use, and what is left of it.

pub mod assign;
pub mod read;
