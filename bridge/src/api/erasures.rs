//! Erasures of people.

pub mod begin;
pub mod read;
pub mod view;
