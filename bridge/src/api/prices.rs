//! Prices of vendors.

pub mod add;
pub mod list;
pub mod view;
