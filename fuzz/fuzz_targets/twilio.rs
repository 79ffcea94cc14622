//! Twilio's media stream: no panic, nothing heard before `start`, one rate, and no token in what is told of the call.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::line::LineIn;
use vox_core::transport::twilio::TwilioCodec;

fuzz_target!(|bytes: &[u8]| {
    let mut codec = TwilioCodec::default();
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        if let LineIn::Ready(ready) = event {
            assert!(ready.rate_hz == 8_000 && ready.info.stream_id.is_some());
            messages::check_token(&ready.info);
        }
    }
    messages::check_writing(&mut codec);
});
