//! Lists of people: bytes of a file become text, text becomes rows, a row becomes a contact or an error with its line and its reason.
//! Whatever is done twice ends as if it was done once: a contact's id is a hash of what tells it from others.

pub mod csv;
pub mod mapping;
pub mod row;
pub mod shape;
pub mod text;

/// Largest file, bytes.
pub const MAX_BYTES: u64 = 50 * 1024 * 1024;
/// Most rows of a file, without its header.
pub const MAX_ROWS: u64 = 500_000;
/// Rows that are stored together.
pub const CHUNK: usize = 500;

#[cfg(test)]
mod tests;
