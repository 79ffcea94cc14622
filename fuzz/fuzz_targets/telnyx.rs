//! Telnyx' media stream: no panic in whatever order media come, nothing heard before `start`, the rate that the address names. The
//! first byte says what the address says: `w` for 16-bit linear at 16 kHz, `a` for A-law, anything else for µ-law.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::encoding::Encoding;
use vox_core::transport::line::LineIn;
use vox_core::transport::telnyx::{Taken, TelnyxCodec};

fuzz_target!(|bytes: &[u8]| {
    let Some((asked, bytes)) = bytes.split_first() else { return };
    let taken = match asked {
        b'w' => Taken { encoding: Encoding::Linear16, rate_hz: 16_000 },
        b'a' => Taken { encoding: Encoding::Alaw, rate_hz: 8_000 },
        _ => Taken::default(),
    };
    let mut codec = TelnyxCodec::new(taken);
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        if let LineIn::Ready(ready) = event {
            assert!(ready.rate_hz == taken.rate_hz && ready.info.stream_id.is_some());
            messages::check_token(&ready.info);
        }
    }
    messages::check_writing(&mut codec);
});
