//! Deepgram's messages and the codec that reads them: no panic, whatever is read has sane times and confidence, and a `Finalize` is
//! answered unless words are on their way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use vox_core::provider::link::{Codec, Wishes};
use vox_core::provider::stt::SttInput;
use vox_core::provider::stt::deepgram::{Event, ListenCodec, parse_event};

fuzz_target!(|text: &str| {
    let mut codec = ListenCodec::default();
    let mut now = Instant::now();
    let mut wishes = Wishes::default();
    for line in text.lines() {
        check_message(line);
        let _flaw = codec.text(line, now, &mut wishes);
        codec.order(SttInput::Finalize, now, &mut wishes).expect("orders are taken");
        now = codec.due().expect("an answer is owed");
        codec.tick(now, &mut wishes).expect("an answer cannot fail");
        assert!(codec.due().is_none(), "it is owed once");
    }
});

fn check_message(text: &str) {
    match parse_event(text) {
        Ok(Event::Results(results)) => {
            assert!(results.start >= 0.0 && results.start.is_finite());
            assert!(results.duration >= 0.0 && results.duration.is_finite());
            assert!(results.confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
            assert!(results.words.iter().all(|word| word.started_ms <= word.ended_ms));
            assert_eq!(results.text.trim(), results.text);
        }
        Ok(Event::Metadata { seconds }) => assert!(seconds >= 0.0 && seconds.is_finite()),
        _ => {}
    }
}
