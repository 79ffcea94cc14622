//! Deepgram's messages: no panic, and whatever is read has sane times and confidence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::stt::deepgram::{Event, parse_event};

fuzz_target!(|text: &str| {
    match parse_event(text) {
        Ok(Event::Results(results)) => {
            assert!(results.start >= 0.0 && results.start.is_finite());
            assert!(results.duration >= 0.0 && results.duration.is_finite());
            assert!(results.confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
            assert!(results.words.iter().all(|word| word.started_ms <= word.ended_ms));
            assert_eq!(results.text.trim(), results.text);
        }
        Ok(Event::Metadata { seconds }) => assert!(seconds >= 0.0 && seconds.is_finite()),
        _ => {}
    }
});
