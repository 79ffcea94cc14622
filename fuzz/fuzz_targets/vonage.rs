//! Vonage's endpoint: no panic, nothing heard before its first event, only the carrier's rates, sound in binary frames only, and no
//! token in what is told of the call.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::line::LineIn;
use vox_core::transport::vonage::VonageCodec;

fuzz_target!(|bytes: &[u8]| {
    let mut codec = VonageCodec::default();
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        if let LineIn::Ready(ready) = event {
            assert!(matches!(ready.rate_hz, 8_000 | 16_000 | 24_000));
            messages::check_token(&ready.info);
        }
    }
    messages::check_writing(&mut codec);
});
