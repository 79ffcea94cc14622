//! The Flux voices' messages, and the codec that reads them: see `voices.rs`.
#![no_main]

mod voices;

use libfuzzer_sys::fuzz_target;
use vox_core::provider::tts::flux::FluxTongue;

fuzz_target!(|text: &str| voices::feed(FluxTongue::new(16_000), text));
