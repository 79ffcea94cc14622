//! Our own line: no panic, no frame over the limit, and nothing that only the address may say.
#![no_main]

mod messages;

use libfuzzer_sys::fuzz_target;
use vox_core::transport::line::LineIn;
use vox_core::transport::talk::TalkCodec;

/// The largest message.
const MAX_SAMPLES: usize = 8 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let mut codec = TalkCodec;
    // What the address says stands before everything that the socket says.
    let mut events = TalkCodec::opening(None);
    events.extend(messages::feed(&mut codec, bytes));
    messages::check_order(&events);
    for event in &events[2..] {
        match event {
            LineIn::Audio(pcm) => assert!(pcm.len() <= MAX_SAMPLES),
            LineIn::Dtmf(_) | LineIn::Typed(_) | LineIn::HungUp { .. } => {}
            other => panic!("the line cannot say this: {other:?}"),
        }
    }
    messages::check_writing(&mut codec);
});
