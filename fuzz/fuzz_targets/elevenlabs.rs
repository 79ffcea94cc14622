//! ElevenLabs' messages and the codec that reads them: no panic, whatever is read has sane times, no reply ends twice, and nothing
//! of a reply is told after its end.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::time::Instant;
use vox_core::provider::link::{Codec, Wishes};
use vox_core::provider::tts::elevenlabs::{ContextsCodec, Event, parse_event};
use vox_core::provider::tts::{TtsEvent, TtsInput};

fn check_message(text: &str) {
    let Ok(Event::Piece { alignments, .. }) = parse_event(text) else { return };
    for alignment in [alignments.given, alignments.normalized].into_iter().flatten() {
        assert!(!alignment.chars.is_empty());
        for char in alignment.chars {
            assert!(char.started_ms >= 0.0 && char.started_ms.is_finite());
            assert!(char.duration_ms >= 0.0 && char.duration_ms.is_finite());
        }
    }
}

// Lines that begin with a digit are orders for the reply of that number, the others are the vendor's messages.
fuzz_target!(|text: &str| {
    let mut codec = ContextsCodec::new(16_000, Value::Null);
    let mut now = Instant::now();
    let mut wishes = Wishes::default();
    let mut over = BTreeSet::new();
    codec.open(now, &mut wishes);
    for line in text.lines() {
        check_message(line);
        let order = line.chars().next().and_then(|c| c.to_digit(10)).map(u64::from).map(|utterance| {
            match &line[1..] {
                "end" => TtsInput::End { utterance },
                "cancel" => TtsInput::Cancel { utterance },
                text => TtsInput::Speak { utterance, text: text.to_owned() },
            }
        });
        match order {
            Some(order) if codec.takes_orders() => {
                codec.order(order, now, &mut wishes).expect("orders are taken")
            }
            Some(_) => {}
            None => drop(codec.text(line, now, &mut wishes)),
        }
        if let Some(due) = codec.due() {
            now = now.max(due);
            if codec.tick(now, &mut wishes).is_err() {
                return;
            }
            if std::mem::take(&mut wishes.reconnect) {
                codec.open(now, &mut wishes);
            }
        }
        for event in wishes.events.drain(..) {
            match event {
                TtsEvent::Done { utterance } => assert!(over.insert(utterance), "a reply ended twice"),
                TtsEvent::Audio { utterance, .. } | TtsEvent::Words { utterance, .. } => {
                    assert!(!over.contains(&utterance), "a reply went on after its end");
                }
                _ => {}
            }
        }
        wishes.messages.clear();
    }
});
