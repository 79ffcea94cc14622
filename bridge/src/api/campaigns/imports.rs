//! Files of contacts.

pub mod errors;
pub mod list;
pub mod look;
pub mod query;
pub mod read;
pub mod upload;
pub mod view;
