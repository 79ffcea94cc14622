//! A recording that its worker puts into the bucket itself.

pub mod begin;
pub mod complete;
mod fault;
mod ticket;
