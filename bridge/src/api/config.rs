//! Runtime config for core.

pub mod fetch;
