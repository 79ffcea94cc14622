//! The C libraries. All unsafe code of the crate is in this folder.

pub mod flite;
mod library;
pub mod pocketsphinx;

pub use library::Missing;
