//! What models make of calls.

pub mod again;
pub mod view;
