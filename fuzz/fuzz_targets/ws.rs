//! The dialler's line: no panic, the call known before it is heard, no more audio than a message and a second hold.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::line::LineIn;
use vox_core::transport::ws::WsCodec;

/// What base64 of the largest message holds.
const MAX_SAMPLES: usize = 64 * 1024 / 4 * 3 / 2;

fuzz_target!(|bytes: &[u8]| {
    let mut codec = WsCodec::default();
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        match event {
            LineIn::Ready(ready) => {
                let info = &ready.info;
                assert_eq!((ready.rate_hz, ready.pacing.chunk), (8_000, 160));
                assert!(info.stream_id.is_some() && !info.connected_event.contains_key("event"));
                assert!(info.direction.as_deref().is_none_or(|d| matches!(d, "incoming" | "outgoing")));
            }
            LineIn::Audio(pcm) => assert!(pcm.len() <= MAX_SAMPLES),
            _ => {}
        }
    }
    messages::check_writing(&mut codec);
});
