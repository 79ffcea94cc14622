//! Carriers and their numbers.

pub mod create;
pub mod delete;
pub mod dids;
pub mod list;
pub mod read;
pub mod replace;
pub mod sync;
pub mod view;
