//! Plans.

pub mod delete;
pub mod list;
pub mod put;
pub mod read;
pub mod view;
