//! Soniox' voices' messages, and the codec that reads them: see `voices.rs`.
#![no_main]

mod voices;

use libfuzzer_sys::fuzz_target;
use serde_json::Map;
use vox_core::provider::tts::soniox::SonioxTongue;

fuzz_target!(|text: &str| voices::feed(SonioxTongue::new(Map::new(), 16_000), text));
