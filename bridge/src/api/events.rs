//! What happened in a tenant, for whoever asks or listens.

pub mod list;
pub mod stream;
pub mod view;
