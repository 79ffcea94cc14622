//! The client in rooms of a real LiveKit server (scripts/livekit).

mod harness;

mod comes_back;
mod hears_on_bad_lines;
mod is_refused;
mod joins_and_is_heard;
mod sends_and_receives;
