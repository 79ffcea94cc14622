//! Soniox's messages and the codec that reads them: no panic, whatever is read has sane times, no part of a word is told twice as
//! final, and a request for final words is answered unless words are on their way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use vox_core::provider::link::{Codec, Wishes};
use vox_core::provider::stt::soniox::{Event, TokensCodec, What, parse_event};
use vox_core::provider::stt::{SttEvent, SttInput};

fuzz_target!(|text: &str| {
    let mut codec = TokensCodec::new(String::new());
    let mut now = Instant::now();
    let mut wishes = Wishes::default();
    codec.open(now, &mut wishes);
    for line in text.lines() {
        check_message(line);
        let _flaw = codec.text(line, now, &mut wishes);
        codec.order(SttInput::Finalize, now, &mut wishes).expect("orders are taken");
        now = codec.due().expect("an answer is owed");
        codec.tick(now, &mut wishes).expect("an answer cannot fail");
        assert!(codec.due().is_none(), "it is owed once");
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

fn check_message(text: &str) {
    let Ok(Event::Tokens(tokens)) = parse_event(text) else { return };
    for token in tokens.tokens {
        if let What::Text { started_ms, ended_ms, confidence, .. } = token.what {
            assert!(started_ms <= ended_ms);
            assert!(confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
        }
    }
}
