//! Sounds of a tenant's bots.

pub mod create;
pub mod delete;
pub mod list;
pub mod view;
pub mod wav;
