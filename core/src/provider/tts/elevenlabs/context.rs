//! One reply on the wire.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::told::Told;
use super::words::Words;
use crate::provider::tts::sound::{PIECES_PER_SECOND, samples};
use crate::provider::tts::{TtsEvent, UtteranceId};

/// A reply whose last letter has its sound is over when the vendor has said nothing for so long, told or not.
const TOLD_WAIT: Duration = Duration::from_millis(800);
/// The same where the vendor gives no times, and the sound is long enough for the text.
const UNTIMED_WAIT: Duration = Duration::from_millis(1_200);
/// The same for any reply of which something was heard. The session gives a voice up that stalls before this.
const ANY_WAIT: Duration = Duration::from_secs(5);
/// Nobody speaks faster, milliseconds of sound for a letter.
const FAST_MS_PER_LETTER: f64 = 45.0;
/// The last letters of a reply may go without times and sound of their own: a short word.
const UNTOLD_LETTERS: usize = 4;

/// A context of the connection and the reply it speaks.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) utterance: UtteranceId,
    stage: Stage,
    /// Nothing more of this reply is wanted, because it was interrupted or is over: what still comes is thrown away.
    pub(super) cancelled: bool,
    characters: u64,
    odd_byte: Option<u8>,
    words: Words,
    told: Told,
    audio_ms: f64,
    /// Of which so much had come when letters were given times for the last time.
    told_ms: f64,
    /// When text was sent, or something of it came, for the last time.
    active_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server does not know it yet, or has given it up for want of text.
    Unopened,
    Open,
    /// No more text will be sent; its `isFinal` is awaited.
    Closing,
}

/// What the server's `isFinal` means.
#[derive(Debug, PartialEq)]
pub(super) enum Final {
    /// The reply is over.
    Over,
    /// The server gave the context up while there may still be text for it, which then opens it anew.
    GivenUp,
    /// The server gave it up with text unspoken: these messages speak the rest in a new context.
    Again(Vec<Value>),
}

impl Context {
    pub(super) fn new(utterance: UtteranceId, now: Instant) -> Self {
        Self {
            utterance,
            stage: Stage::Unopened,
            cancelled: false,
            characters: 0,
            odd_byte: None,
            words: Words::default(),
            told: Told::default(),
            audio_ms: 0.0,
            told_ms: 0.0,
            active_at: now,
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
        if self.stage == Stage::Closing || text.is_empty() {
            return Vec::new();
        }
        self.told.add(text);
        self.words.sent(text);
        self.send(text, voice_settings)
    }

    fn send(&mut self, text: &str, voice_settings: &Value) -> Vec<Value> {
        let mut messages = Vec::new();
        if self.stage == Stage::Unopened {
            self.stage = Stage::Open;
            let mut opening = json!({"text": " ", "context_id": self.id()});
            if voice_settings.as_object().is_some_and(|settings| !settings.is_empty()) {
                opening["voice_settings"] = voice_settings.clone();
            }
            messages.push(opening);
        }
        self.characters += text.chars().count() as u64;
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
        let samples = samples(pcm, &mut self.odd_byte);
        let audio_ms = samples.len() as f64 * 1000.0 / f64::from(rate_hz);
        self.audio_ms += audio_ms;
        let heard = alignments.given.as_ref().or(alignments.normalized.as_ref());
        if let Some(alignment) = heard.filter(|alignment| !alignment.chars.is_empty()) {
            alignment.chars.iter().for_each(|char| self.told.hear(&char.text));
            self.told_ms = self.audio_ms;
        }
        let words = self.words.take(alignments, audio_ms);
        self.told.place(self.words.placed());
        let mut events = Vec::new();
        if !words.is_empty() {
            events.push(TtsEvent::Words { utterance, words });
        }
        let piece = rate_hz as usize / PIECES_PER_SECOND;
        events
            .extend(samples.chunks(piece.max(1)).map(|pcm| TtsEvent::Audio { utterance, pcm: pcm.to_vec() }));
        events
    }

    /// Something was sent or has come.
    pub(super) fn touch(&mut self, now: Instant) {
        self.active_at = now;
    }

    /// When the reply counts as over although the server has not said so: all text was sent, sound came, and then nothing.
    pub(super) fn over_at(&self) -> Option<Instant> {
        if self.stage != Stage::Closing || self.cancelled || self.audio_ms <= 0.0 {
            return None;
        }
        let wait = match self.told.is_complete() {
            Some(true) => TOLD_WAIT,
            None if self.audio_ms >= self.told.letters() as f64 * FAST_MS_PER_LETTER => UNTIMED_WAIT,
            Some(false) | None => ANY_WAIT,
        };
        Some(self.active_at + wait)
    }

    /// Whether sound is missing, by the letters that have their times: what came after them is too short for the rest. A vendor that
    /// says the text otherwise is believed when its sound is long enough for all of it.
    pub(super) fn is_cut(&self) -> bool {
        if self.told.is_complete() != Some(false) {
            return false;
        }
        let (missing, sound_ms) = match self.told.untold() {
            Some(letters) => (letters, self.audio_ms - self.told_ms),
            None => (self.told.letters(), self.audio_ms),
        };
        sound_ms < missing.saturating_sub(UNTOLD_LETTERS) as f64 * FAST_MS_PER_LETTER
    }

    /// Whether nothing was heard of a text that has something to say.
    pub(super) fn is_mute(&self) -> bool {
        !self.cancelled && self.audio_ms <= 0.0 && self.told.letters() > 0
    }

    /// The reply is over: its last word and its end.
    pub(super) fn take_end(&mut self) -> Vec<TtsEvent> {
        let utterance = self.utterance;
        let word = self.words.end().map(|word| TtsEvent::Words { utterance, words: vec![word] });
        word.into_iter().chain([TtsEvent::Done { utterance }]).collect()
    }

    /// The server has nothing more for this context.
    pub(super) fn take_final(&mut self, voice_settings: &Value) -> Final {
        self.odd_byte = None;
        let closing = self.stage == Stage::Closing;
        let rest = if self.cancelled { Vec::new() } else { self.told.take_rest() };
        if rest.is_empty() && closing {
            return Final::Over;
        }
        self.stage = Stage::Unopened;
        if rest.is_empty() {
            return Final::GivenUp;
        }
        let mut messages: Vec<Value> = rest.iter().flat_map(|text| self.send(text, voice_settings)).collect();
        messages.extend(closing.then(|| self.close()).flatten());
        Final::Again(messages)
    }

    /// The word that has begun when a context was given up: what follows is another.
    pub(super) fn take_last_word(&mut self) -> Option<TtsEvent> {
        let utterance = self.utterance;
        self.words.end().map(|word| TtsEvent::Words { utterance, words: vec![word] })
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{AlignedChar, Alignment, Alignments};
    use super::*;

    #[test]
    fn a_context_opens_once_and_closes_once() {
        let mut context = Context::new(7, Instant::now());
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
        let mut context = Context::new(1, Instant::now());
        context.speak("One.", &Value::Null);
        assert_eq!(context.take_final(&Value::Null), Final::GivenUp);
        assert_eq!(context.speak("Two.", &Value::Null)[0], json!({"text": " ", "context_id": "u1"}));
        context.close();
        assert_eq!(context.take_final(&Value::Null), Final::Over);
        assert_eq!(context.take_end(), [TtsEvent::Done { utterance: 1 }]);
    }

    #[test]
    fn what_was_not_spoken_when_the_server_gave_up_is_spoken_in_another_context() {
        let mut context = Context::new(1, Instant::now());
        for text in ["The first part.", "The second part."] {
            context.speak(text, &Value::Null);
        }
        context.close();
        let char = |c: char| AlignedChar { text: c.to_string(), started_ms: 0.0, duration_ms: 10.0 };
        let given = Some(Alignment { chars: "The first part. ".chars().map(char).collect() });
        context.take_piece(&[0; 3200], &Alignments { given, normalized: None }, 16_000);
        let again = [
            json!({"text": " ", "context_id": "u1"}),
            json!({"text": "The second part. ", "context_id": "u1"}),
            json!({"context_id": "u1", "close_context": true}),
        ];
        assert_eq!(context.take_final(&Value::Null), Final::Again(again.into()));
        // A server that does not get further is not asked for ever.
        assert_eq!(context.take_final(&Value::Null), Final::Over);
    }

    #[test]
    fn a_reply_whose_end_is_never_told_is_over_after_a_while() {
        let now = Instant::now();
        let check = |heard: Option<&str>, samples: usize, expected: Option<Duration>| {
            let mut context = Context::new(1, now);
            context.speak("Ten chars.", &Value::Null);
            assert_eq!(context.over_at(), None, "text may follow");
            context.close();
            let char = |c: char| AlignedChar { text: c.to_string(), started_ms: 0.0, duration_ms: 10.0 };
            let given = heard.map(|text| Alignment { chars: text.chars().map(char).collect() });
            context.take_piece(&vec![0; samples * 2], &Alignments { given, normalized: None }, 16_000);
            assert_eq!(context.over_at().map(|at| at - now), expected, "{heard:?} {samples}");
        };
        check(None, 0, None);
        check(Some("Ten chars."), 100, Some(TOLD_WAIT));
        check(Some("Ten"), 16_000, Some(ANY_WAIT));
        check(None, 16_000, Some(UNTIMED_WAIT));
        check(None, 100, Some(ANY_WAIT));
    }

    #[test]
    fn a_reply_is_cut_when_its_sound_is_too_short_for_the_letters_that_were_not_told() {
        let check = |text: &str, heard: &str, (told_ms, later_ms): (usize, usize), expected: bool| {
            let mut context = Context::new(1, Instant::now());
            context.speak(text, &Value::Null);
            context.close();
            let char = |c: char| AlignedChar { text: c.to_string(), started_ms: 0.0, duration_ms: 20.0 };
            let given = (!heard.is_empty()).then(|| Alignment { chars: heard.chars().map(char).collect() });
            context.take_piece(&vec![0; told_ms * 32], &Alignments { given, normalized: None }, 16_000);
            context.take_piece(&vec![0; later_ms * 32], &Alignments::default(), 16_000);
            assert_eq!(context.is_cut(), expected, "{text} {heard} {told_ms} {later_ms}");
        };
        let text = "We are open from nine to five, and on Saturdays until noon.";
        check(text, "We are open from nine", (1_200, 0), true);
        // Slow speech: the length of the sound alone would do for the whole text.
        check(text, "We are open from nine", (6_000, 0), true);
        check(text, "We are open from nine", (1_200, 2_400), false);
        check(text, text, (3_000, 0), false);
        check(text, "We are open from nine to five, and on Saturdays until", (3_000, 0), false);
        check(text, "", (1_000, 0), false);
        check("Dial 5551234.", "Dial five five five one two three four", (2_500, 0), false);
        check("Dial 5551234.", "Dial five", (300, 0), true);
    }

    #[test]
    fn sound_comes_in_small_pieces_after_its_words() {
        let mut context = Context::new(1, Instant::now());
        let second = vec![0; 32_000];
        let events = context.take_piece(&second, &Alignments::default(), 16_000);
        assert_eq!(events.len(), PIECES_PER_SECOND);
        assert!(events.iter().all(|event| matches!(event, TtsEvent::Audio { pcm, .. } if pcm.len() == 1000)));
    }
}
