//! A streamed reply: no panic, and where the network cuts it does not matter. The first byte says where to cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::llm::openai::parse_event;
use vox_core::provider::llm::sse::{SseEvent, SseParser};

fn read(pieces: &[&[u8]]) -> Vec<SseEvent> {
    let mut parser = SseParser::default();
    let mut events = Vec::new();
    for piece in pieces {
        if parser.push(piece, &mut events).is_err() {
            return events;
        }
    }
    let _too_long = parser.finish(&mut events);
    events
}

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let (first, second) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    let events = read(&[bytes]);
    assert_eq!(events, read(&[first, second]));
    for event in events {
        if let Ok(chunk) = parse_event(&event.data)
            && let Some(usage) = chunk.usage
        {
            assert!(usage.tokens_cached.saturating_add(usage.tokens_cache_write) <= usage.tokens_in);
        }
    }
});
