//! A streamed reply of Google's: no panic, and tokens of caches are part of the tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::llm::gemini::GenerateCodec;
use vox_core::provider::llm::sse::SseParser;
use vox_core::provider::llm::{Codec, Keepsakes, Told};

fuzz_target!(|bytes: &[u8]| {
    let mut events = Vec::new();
    let mut parser = SseParser::default();
    if parser.push(bytes, &mut events).is_err() || parser.finish(&mut events).is_err() {
        return;
    }
    let mut codec = GenerateCodec::new("gemini", Keepsakes::default());
    for event in events {
        if codec.take(&event, &mut Told::default()).is_err() {
            return;
        }
    }
    if let Ok(ended) = codec.end()
        && let Some(usage) = ended.usage
    {
        assert!(usage.tokens_cached.saturating_add(usage.tokens_cache_write) <= usage.tokens_in);
    }
});
