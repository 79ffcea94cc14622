//! What Plivo fetches from us in the course of a call.

pub mod dial;
