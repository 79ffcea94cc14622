//! Plivo's audio stream: no panic, nothing heard before `start`, only the carrier's rates, and no token in what is told of the
//! call, however the customer's headers are written.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::line::LineIn;
use vox_core::transport::plivo::PlivoCodec;

fuzz_target!(|bytes: &[u8]| {
    let mut codec = PlivoCodec::default();
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        if let LineIn::Ready(ready) = event {
            assert!(matches!(ready.rate_hz, 8_000 | 16_000) && ready.info.stream_id.is_some());
            messages::check_token(&ready.info);
        }
    }
    messages::check_writing(&mut codec);
});
