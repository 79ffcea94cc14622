//! Sarvam's messages and the codecs of both of its endpoints: no panic, and a request for final words is answered unless words are on
//! their way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use vox_core::provider::link::{Codec, Wishes};
use vox_core::provider::stt::sarvam::{realtime::RealtimeCodec, streaming::UtterancesCodec};
use vox_core::provider::stt::{SttEvent, SttInput};

fuzz_target!(|text: &str| {
    feed(UtterancesCodec::at(24_000), text);
    feed(RealtimeCodec::at(16_000), text);
});

fn feed(mut codec: impl Codec<Order = SttInput, Event = SttEvent>, text: &str) {
    let mut now = Instant::now();
    let mut wishes = Wishes::default();
    codec.open(now, &mut wishes);
    for line in text.lines() {
        let _flaw = codec.text(line, now, &mut wishes);
        codec.order(SttInput::Audio(vec![1; 900].into()), now, &mut wishes).expect("orders are taken");
        codec.order(SttInput::Finalize, now, &mut wishes).expect("orders are taken");
        now = codec.due().expect("an answer is owed");
        codec.tick(now, &mut wishes).expect("an answer cannot fail");
        assert!(codec.due().is_none(), "it is owed once");
        for event in wishes.events.drain(..) {
            match event {
                SttEvent::Final { text, .. } => assert_eq!(text.trim(), text),
                SttEvent::Usage { seconds } => assert!(seconds >= 0.0),
                _ => {}
            }
        }
        wishes.messages.clear();
    }
}
