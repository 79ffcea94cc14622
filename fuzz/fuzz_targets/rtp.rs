//! Packets of sound and keys: what is read is written again as it came, without what was padding; a key is told once for its timestamp.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_sip::rtp::Packet;
use vox_sip::rtp::events::{Event, Listener};

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = Packet::parse(bytes) else { return };
    assert!(packet.payload.len() + 12 <= bytes.len());
    let written = packet.to_bytes();
    assert_eq!(Packet::parse(&written), Ok(packet));
    let mut listener = Listener::default();
    let first = listener.hear(packet.timestamp, packet.payload);
    assert_eq!(listener.hear(packet.timestamp, packet.payload), None);
    if let Some(event) = Event::parse(packet.payload) {
        assert_eq!(first, event.key());
        assert_eq!(Event::parse(&event.to_bytes()), Some(event));
    }
});
