//! The client in rooms of a real LiveKit server (scripts/livekit).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures for docs/livekit-client.md")]

mod harness;

mod comes_back;
mod goes_through_relays;
mod hears_by_role;
mod hears_on_bad_lines;
mod is_refused;
mod joins_and_is_heard;
mod sends_and_receives;
