//! A relay of media (TURN): what its server says over UDP and in a stream, proved and not. No panic, no message that is answered without
//! end, and nothing that counts as a packet of somebody who has no permission.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| vox_livekit::strangers::read_relay(bytes));
