//! One reply on the wire.

use serde_json::{Value, json};

use super::words::Words;
use crate::provider::tts::{TtsEvent, UtteranceId};

/// Longest piece of sound handed on at once, samples per second of the rate divided by this: 60 ms. The reader's channel then
/// holds under four seconds, however much the vendor sends at a time.
const PIECES_PER_SECOND: usize = 16;

/// A context of the connection and the reply it speaks.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) utterance: UtteranceId,
    stage: Stage,
    /// The reply was interrupted: what still comes is thrown away.
    pub(super) cancelled: bool,
    characters: u64,
    odd_byte: Option<u8>,
    words: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server does not know it yet, or has given it up for want of text.
    Unopened,
    Open,
    /// No more text will be sent; its `isFinal` is awaited.
    Closing,
}

impl Context {
    pub(super) fn new(utterance: UtteranceId) -> Self {
        Self {
            utterance,
            stage: Stage::Unopened,
            cancelled: false,
            characters: 0,
            odd_byte: None,
            words: Words::default(),
        }
    }

    /// The context's name on the wire.
    pub(super) fn id(&self) -> String {
        format!("u{}", self.utterance)
    }

    pub(super) fn is_named(&self, id: &str) -> bool {
        id.strip_prefix('u').and_then(|number| number.parse().ok()) == Some(self.utterance)
    }

    /// Whether text may be added and silence may expire it.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether the server does not know it: never opened, or given up for want of text.
    pub(super) fn is_unknown(&self) -> bool {
        self.stage == Stage::Unopened
    }

    /// The messages that speak `text`. A new context begins with one space and its settings.
    pub(super) fn speak(&mut self, text: &str, voice_settings: &Value) -> Vec<Value> {
        let mut messages = Vec::new();
        if self.stage == Stage::Closing || text.is_empty() {
            return messages;
        }
        if self.stage == Stage::Unopened {
            self.stage = Stage::Open;
            let mut opening = json!({"text": " ", "context_id": self.id()});
            if voice_settings.as_object().is_some_and(|settings| !settings.is_empty()) {
                opening["voice_settings"] = voice_settings.clone();
            }
            messages.push(opening);
        }
        self.characters += text.chars().count() as u64;
        self.words.sent(text);
        messages.push(json!({"text": format!("{text} "), "context_id": self.id()}));
        messages
    }

    /// No more text, whether the reply is complete or not wanted. The message to send, if the server knows the context.
    pub(super) fn close(&mut self) -> Option<Value> {
        let open = std::mem::replace(&mut self.stage, Stage::Closing) == Stage::Open;
        open.then(|| json!({"context_id": self.id(), "close_context": true}))
    }

    /// The characters sent since the last count.
    pub(super) fn take_usage(&mut self) -> Option<TtsEvent> {
        let characters = std::mem::take(&mut self.characters);
        (characters > 0).then_some(TtsEvent::Usage { characters })
    }

    /// What a message's sound and times mean for the reader: words first, so that they are known when their sound is heard.
    pub(super) fn take_piece(
        &mut self,
        pcm: &[u8],
        alignments: &super::Alignments,
        rate_hz: u32,
    ) -> Vec<TtsEvent> {
        let utterance = self.utterance;
        let samples = self.samples(pcm);
        let audio_ms = samples.len() as f64 * 1000.0 / f64::from(rate_hz);
        let words = self.words.take(alignments, audio_ms);
        let mut events = Vec::new();
        if !words.is_empty() {
            events.push(TtsEvent::Words { utterance, words });
        }
        let piece = rate_hz as usize / PIECES_PER_SECOND;
        events
            .extend(samples.chunks(piece.max(1)).map(|pcm| TtsEvent::Audio { utterance, pcm: pcm.to_vec() }));
        events
    }

    /// The server has nothing more for this context. True when the reply is over; false when the server gave the context up
    /// while we may still have text for it, which then opens it anew.
    pub(super) fn take_final(&mut self) -> (Vec<TtsEvent>, bool) {
        let utterance = self.utterance;
        let mut events: Vec<TtsEvent> = self
            .words
            .end()
            .map(|word| TtsEvent::Words { utterance, words: vec![word] })
            .into_iter()
            .collect();
        self.odd_byte = None;
        let over = self.stage == Stage::Closing;
        if over {
            events.push(TtsEvent::Done { utterance });
        } else {
            self.stage = Stage::Unopened;
        }
        (events, over)
    }

    fn samples(&mut self, pcm: &[u8]) -> Vec<i16> {
        let mut samples = Vec::with_capacity(pcm.len() / 2 + 1);
        let mut rest = pcm;
        if let (Some(low), Some((high, after))) = (self.odd_byte, pcm.split_first()) {
            samples.push(i16::from_le_bytes([low, *high]));
            self.odd_byte = None;
            rest = after;
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
        self.odd_byte = odd.first().copied().or(self.odd_byte);
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_cut_between_messages_is_whole() {
        let mut context = Context::new(1);
        let all: Vec<i16> = vec![1, -2, 300, -400];
        let bytes: Vec<u8> = all.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        for cut in 0..=bytes.len() {
            let mut got = context.samples(&bytes[..cut]);
            got.extend(context.samples(&bytes[cut..]));
            assert_eq!(got, all, "cut at {cut}");
        }
        let singly: Vec<i16> = bytes.iter().flat_map(|byte| context.samples(&[*byte])).collect();
        assert_eq!(singly, all);
    }

    #[test]
    fn a_context_opens_once_and_closes_once() {
        let mut context = Context::new(7);
        let settings = json!({"speed": 1.1});
        let first = context.speak("Hello.", &settings);
        assert_eq!(first[0], json!({"text": " ", "context_id": "u7", "voice_settings": {"speed": 1.1}}));
        assert_eq!(first[1], json!({"text": "Hello. ", "context_id": "u7"}));
        assert_eq!(context.speak("You?", &settings), [json!({"text": "You? ", "context_id": "u7"})]);
        assert_eq!(context.close(), Some(json!({"context_id": "u7", "close_context": true})));
        assert_eq!(context.close(), None);
        assert!(context.speak("late", &settings).is_empty());
        assert_eq!(context.take_usage(), Some(TtsEvent::Usage { characters: 10 }));
        assert_eq!(context.take_usage(), None);
    }

    #[test]
    fn a_context_that_the_server_gave_up_opens_anew() {
        let mut context = Context::new(1);
        context.speak("One.", &Value::Null);
        assert_eq!(context.take_final(), (Vec::new(), false));
        assert_eq!(context.speak("Two.", &Value::Null)[0], json!({"text": " ", "context_id": "u1"}));
        context.close();
        assert_eq!(context.take_final(), (vec![TtsEvent::Done { utterance: 1 }], true));
    }

    #[test]
    fn sound_comes_in_small_pieces_after_its_words() {
        let mut context = Context::new(1);
        let second = vec![0; 32_000];
        let events = context.take_piece(&second, &super::super::Alignments::default(), 16_000);
        assert_eq!(events.len(), PIECES_PER_SECOND);
        assert!(events.iter().all(|event| matches!(event, TtsEvent::Audio { pcm, .. } if pcm.len() == 1000)));
    }
}
