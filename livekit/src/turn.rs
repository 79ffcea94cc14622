//! TURN (RFC 8656): a server between that lends one of its addresses, for networks from which nothing else is reached.
//!
//! [`Client`] is one allocation as a state machine without sockets and clock; [`Frames`] cuts what comes over TCP and TLS into messages;
//! [`Server`] is what a LiveKit server names. Sockets are the business of `room/relay.rs`.

mod client;
mod frames;
mod message;
mod peers;
mod server;
pub(crate) mod strangers;
#[cfg(test)]
mod tests;

pub(crate) use client::{Carriage, Client, Failure, Output};
pub(crate) use frames::Frames;
pub(crate) use server::{Credentials, Server, Way};
