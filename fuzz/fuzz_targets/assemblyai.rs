//! AssemblyAI's messages and the codec that reads them: no panic, whatever is told has sane times, and a request for final words is
//! answered unless words are on their way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use vox_core::provider::link::{Codec, Wishes};
use vox_core::provider::stt::assemblyai::TurnsCodec;
use vox_core::provider::stt::{SttEvent, SttInput};

fuzz_target!(|text: &str| {
    let mut codec = TurnsCodec::new(16_000, true);
    let mut now = Instant::now();
    let mut wishes = Wishes::default();
    codec.open(now, &mut wishes);
    for line in text.lines() {
        let _flaw = codec.text(line, now, &mut wishes);
        codec.order(SttInput::Audio(vec![1; 900].into()), now, &mut wishes).expect("orders are taken");
        codec.order(SttInput::Finalize, now, &mut wishes).expect("orders are taken");
        let mut left = 100;
        while let Some(due) = codec.due() {
            now = now.max(due);
            codec.tick(now, &mut wishes).expect("an answer cannot fail");
            left -= 1;
            assert!(left > 0, "what is due is done");
        }
        for event in wishes.events.drain(..) {
            if let SttEvent::Final { text, confidence, words, .. } = event {
                assert_eq!(text.trim(), text);
                assert!(confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
                assert!(words.iter().all(|word| word.started_ms <= word.ended_ms));
            }
        }
        wishes.messages.clear();
    }
});
