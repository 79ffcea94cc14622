//! Aura's messages, and the codec that reads them: see `voices.rs`.
#![no_main]

mod voices;

use libfuzzer_sys::fuzz_target;
use vox_core::provider::tts::aura::AuraTongue;

fuzz_target!(|text: &str| voices::feed(AuraTongue::new(16_000), text));
