//! What the LiveKit server tells.

pub mod webhook;
