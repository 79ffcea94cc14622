//! The dialler's line: no panic, the handshake's order kept, audio within its limit.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::line::LineIn;
use vox_core::transport::ws::WsCodec;

/// Two seconds at 8 kHz.
const MAX_SAMPLES: usize = 16_000;

fuzz_target!(|bytes: &[u8]| {
    let mut codec = WsCodec::default();
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        match event {
            LineIn::Ready(info) => {
                assert_eq!(info.rate_hz, 8_000);
                assert!(info.stream_id.is_some() && !info.connected_event.contains_key("event"));
                assert!(info.direction.as_deref().is_none_or(|d| matches!(d, "incoming" | "outgoing")));
            }
            LineIn::Audio(pcm) => assert!(pcm.len() <= MAX_SAMPLES),
            _ => {}
        }
    }
    messages::check_writing(&mut codec);
});
