//! The gateway between a real LiveKit server with Redis and telephones that are not ours. What is tried here is the server, the gateway's
//! protocols and our own clients; it says nothing of the vendor's gateway.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;

mod calls_a_phone;
mod campaigns_ring_telephones;
mod hands_a_call_on;
mod is_called;
mod talks_to_bots;
mod tells_by_webhooks;
