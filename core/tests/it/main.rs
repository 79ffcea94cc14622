//! Behaviour tests of the crate, one file per behaviour.

mod conformance;
mod local_engines_talk;
mod scripted_demo_bots;
mod silero;
mod vendor_deepgram;
mod vendor_elevenlabs;
mod vendor_openai;
mod virtual_time;
