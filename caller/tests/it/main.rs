//! Behaviour of the caller against scripted servers, good and bad, one per protocol.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the failure")]

mod bot;
mod conversations;
mod ear_accuracy;
mod exotel_carrier;
mod opening;
mod talk_client;
mod ws_dialler;
