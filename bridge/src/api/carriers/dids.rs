//! The numbers of a carrier.

pub mod add;
pub mod change;
pub mod list;
pub mod remove;
pub mod view;
