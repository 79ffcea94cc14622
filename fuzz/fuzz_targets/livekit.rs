//! A room of LiveKit: signals, data, datagrams, sound and certificates of strangers. No panic, no frame of another length, and no message
//! that is answered without end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| vox_livekit::strangers::read(bytes));
