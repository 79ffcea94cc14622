//! The numbers of an account.

pub mod add;
pub mod change;
pub mod list;
pub mod remove;
pub mod view;
