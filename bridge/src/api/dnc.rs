//! Numbers that are not called.

pub mod add;
pub mod add_many;
pub mod check;
pub mod list;
pub mod remove;
pub mod view;
