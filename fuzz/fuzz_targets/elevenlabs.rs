//! ElevenLabs' messages: no panic, and whatever is read has sane times.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::tts::elevenlabs::{Event, parse_event};

fuzz_target!(|text: &str| {
    if let Ok(Event::Piece { alignment: Some(alignment), .. }) = parse_event(text) {
        assert!(!alignment.chars.is_empty());
        for char in alignment.chars {
            assert!(char.started_ms >= 0.0 && char.started_ms.is_finite());
            assert!(char.duration_ms >= 0.0 && char.duration_ms.is_finite());
        }
    }
});
