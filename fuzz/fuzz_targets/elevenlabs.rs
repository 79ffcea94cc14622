//! ElevenLabs' messages: no panic, and whatever is read has sane times.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::tts::elevenlabs::{Event, parse_event};

fuzz_target!(|text: &str| {
    let Ok(Event::Piece { alignments, .. }) = parse_event(text) else { return };
    for alignment in [alignments.given, alignments.normalized].into_iter().flatten() {
        assert!(!alignment.chars.is_empty());
        for char in alignment.chars {
            assert!(char.started_ms >= 0.0 && char.started_ms.is_finite());
            assert!(char.duration_ms >= 0.0 && char.duration_ms.is_finite());
        }
    }
});
