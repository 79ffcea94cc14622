//! Exotel's line: no panic, nothing heard before `start`, only rates that the carrier has, and the one that was asked for.
//! The first byte says which rate the address asked for.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::exotel::ExotelCodec;
use vox_core::transport::line::LineIn;

const RATES: [u32; 3] = [8_000, 16_000, 24_000];

fuzz_target!(|bytes: &[u8]| {
    let Some((asked, bytes)) = bytes.split_first() else { return };
    let asked = RATES.get(usize::from(*asked) % 4).copied();
    let mut codec = ExotelCodec::new(asked);
    let events = messages::feed(&mut codec, bytes);
    messages::check_order(&events);
    for event in &events {
        if let LineIn::Ready(ready) = event {
            assert!(RATES.contains(&ready.rate_hz) && asked.is_none_or(|rate| rate == ready.rate_hz));
            assert!(ready.info.stream_id.is_some());
        }
    }
    messages::check_writing(&mut codec);
});
