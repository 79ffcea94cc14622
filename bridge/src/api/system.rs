//! Health, metrics and the documentation of the API.

pub mod docs;
pub mod health;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod ready;
