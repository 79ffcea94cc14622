//! Feeds a voice's codec with orders and a vendor's messages: no panic, words have sane times and stand in order, no reply ends twice, and
//! nothing of a reply is told after its end or its interruption.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;
use vox_core::provider::link::{Codec, Wishes};
use vox_core::provider::tts::replies::{RepliesCodec, Tongue};
use vox_core::provider::tts::{TtsEvent, TtsInput, UtteranceId};

/// What is known of the replies.
#[derive(Default)]
struct Heard {
    over: BTreeSet<UtteranceId>,
    word_ms: BTreeMap<UtteranceId, u32>,
}

impl Heard {
    fn take(&mut self, event: TtsEvent) {
        if let Some(utterance) = event.utterance() {
            assert!(!self.over.contains(&utterance), "a reply went on after its end");
        }
        match event {
            TtsEvent::Done { utterance } => drop(self.over.insert(utterance)),
            TtsEvent::Words { utterance, words } => {
                let last_ms = self.word_ms.entry(utterance).or_default();
                for word in words {
                    assert!(*last_ms <= word.started_ms && word.started_ms <= word.ended_ms);
                    *last_ms = word.started_ms;
                }
            }
            _ => {}
        }
    }
}

/// Lines that begin with a digit are orders for the reply of that number, those with a `~` are bytes, the others are texts.
pub fn feed<T: Tongue>(tongue: T, text: &str) {
    let mut codec = RepliesCodec::new(tongue, 16_000);
    let mut now = Instant::now();
    let mut wishes = Wishes::default();
    let mut heard = Heard::default();
    codec.open(now, &mut wishes);
    for line in text.lines() {
        let order = line.chars().next().and_then(|c| c.to_digit(10)).map(u64::from).map(|utterance| {
            match &line[1..] {
                "end" => TtsInput::End { utterance },
                "cancel" => TtsInput::Cancel { utterance },
                text => TtsInput::Speak { utterance, text: text.to_owned() },
            }
        });
        match order {
            Some(order) if codec.takes_orders() => {
                if let TtsInput::Cancel { utterance } = order {
                    heard.over.insert(utterance);
                }
                if codec.order(order, now, &mut wishes).is_err() {
                    return;
                }
            }
            Some(_) => {}
            None => {
                let _flaw = match line.strip_prefix('~') {
                    Some(bytes) => codec.binary(bytes.as_bytes(), now, &mut wishes),
                    None => codec.text(line, now, &mut wishes),
                };
            }
        }
        if let Some(due) = codec.due() {
            now = now.max(due);
            if codec.tick(now, &mut wishes).is_err() {
                return;
            }
        }
        if std::mem::take(&mut wishes.reconnect) {
            codec.open(now, &mut wishes);
        }
        wishes.events.drain(..).for_each(|event| heard.take(event));
        wishes.messages.clear();
    }
}
