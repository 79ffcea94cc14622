//! One reply that a vendor speaks: its sound, its words and what it costs.

use std::time::Duration;

use tokio::time::Instant;

use crate::provider::tts::sound::Sound;
use crate::provider::tts::{TtsEvent, UtteranceId, WordMark};
use crate::provider::{Failure, FailureClass};

/// A reply whose sound is long enough for its text is over when the vendor has said nothing for so long, told or not.
const WHOLE_WAIT: Duration = Duration::from_millis(1_200);
/// The same for any reply of which something was heard. The session gives a voice up that stalls before this.
const ANY_WAIT: Duration = Duration::from_secs(5);
/// Nobody speaks faster, milliseconds of sound for a letter.
const FAST_MS_PER_LETTER: f64 = 45.0;

/// A reply under way.
#[derive(Debug)]
pub(in crate::provider::tts) struct Reply {
    pub utterance: UtteranceId,
    sound: Sound,
    /// Letters and digits of its text.
    letters: usize,
    /// Characters that were given to the vendor and not yet told as usage.
    characters: u64,
    /// The vendor has said itself what it bills.
    is_billed: bool,
    /// Where the last word began, milliseconds.
    word_ms: u32,
    /// No more text follows.
    pub is_ended: bool,
    /// Nothing more of it is wanted, since then.
    pub silenced_at: Option<Instant>,
    /// Its end was told, because the vendor did not say it in time.
    pub is_told: bool,
    /// When text was given, or something of it came, for the last time.
    active_at: Instant,
}

impl Reply {
    /// Sound comes at `from_hz` and is wanted at `to_hz`.
    pub fn new(utterance: UtteranceId, (from_hz, to_hz): (u32, u32), now: Instant) -> Self {
        Self {
            utterance,
            sound: Sound::new(from_hz, to_hz),
            letters: 0,
            characters: 0,
            is_billed: false,
            word_ms: 0,
            is_ended: false,
            silenced_at: None,
            is_told: false,
            active_at: now,
        }
    }

    /// Text is given to the vendor.
    pub fn say(&mut self, text: &str, now: Instant) {
        self.letters += text.chars().filter(|c| c.is_alphanumeric()).count();
        self.characters += text.chars().count() as u64;
        self.active_at = now;
    }

    /// Something was sent for it or has come.
    pub fn touch(&mut self, now: Instant) {
        self.active_at = now;
    }

    /// Take little-endian 16-bit samples.
    pub fn hear(&mut self, bytes: &[u8]) -> impl Iterator<Item = TtsEvent> + use<> {
        audio(self.utterance, self.sound.take(bytes))
    }

    /// Take samples at this rate.
    pub fn hear_samples(&mut self, hz: u32, samples: Vec<i16>) -> impl Iterator<Item = TtsEvent> + use<> {
        let mut pieces = self.sound.tune(hz);
        pieces.extend(self.sound.take_samples(samples));
        audio(self.utterance, pieces)
    }

    /// How much of it came, milliseconds.
    pub fn sound_ms(&self) -> f64 {
        self.sound.ms()
    }

    /// Take words. Their order is kept, whatever their times say.
    pub fn mark(&mut self, mut words: Vec<WordMark>) -> Option<TtsEvent> {
        for word in &mut words {
            word.started_ms = word.started_ms.max(self.word_ms);
            word.ended_ms = word.ended_ms.max(word.started_ms);
            self.word_ms = word.started_ms;
        }
        (!words.is_empty()).then_some(TtsEvent::Words { utterance: self.utterance, words })
    }

    /// The vendor says what it bills.
    pub fn bill(&mut self, characters: u64) -> TtsEvent {
        self.is_billed = true;
        TtsEvent::Usage { characters }
    }

    /// What it costs, as far as nobody has said that yet.
    pub fn take_usage(&mut self) -> Option<TtsEvent> {
        let characters = std::mem::take(&mut self.characters);
        (characters > 0 && !self.is_billed).then_some(TtsEvent::Usage { characters })
    }

    /// Its end: the last samples, what it costs, and that it is done.
    ///
    /// # Errors
    /// When a text with something to say came to no sound at all.
    pub fn finish(&mut self, vendor: &str) -> Result<Vec<TtsEvent>, Failure> {
        let utterance = self.utterance;
        if self.letters > 0 && self.sound.ms() <= 0.0 {
            let detail = format!("{vendor}: a reply is said to be done, and there was no sound of it");
            return Err(Failure::new(FailureClass::Unavailable, detail));
        }
        let mut events: Vec<TtsEvent> = audio(utterance, self.sound.end()).collect();
        events.extend(self.take_usage());
        events.push(TtsEvent::Done { utterance });
        Ok(events)
    }

    /// When it counts as over although the vendor has not said so: all text was given, sound came, and then nothing.
    pub fn over_at(&self, owes: bool) -> Option<Instant> {
        if !self.is_ended || self.silenced_at.is_some() || self.sound.ms() <= 0.0 {
            return None;
        }
        let wait = if owes || self.is_short() { ANY_WAIT } else { WHOLE_WAIT };
        Some(self.active_at + wait)
    }

    /// Whether its sound is too short for its text.
    pub fn is_short(&self) -> bool {
        self.sound.ms() < self.letters as f64 * FAST_MS_PER_LETTER
    }
}

fn audio(utterance: UtteranceId, pieces: Vec<Vec<i16>>) -> impl Iterator<Item = TtsEvent> + use<> {
    pieces.into_iter().map(move |pcm| TtsEvent::Audio { utterance, pcm })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str, sound_ms: usize) -> Reply {
        let mut reply = Reply::new(1, (16_000, 16_000), Instant::now());
        reply.say(text, Instant::now());
        reply.hear(&vec![0; sound_ms * 32]).for_each(drop);
        reply
    }

    #[test]
    fn done_without_a_sound_is_a_failure_where_there_was_something_to_say() {
        assert_eq!(reply("Hello.", 0).finish("v").unwrap_err().class, FailureClass::Unavailable);
        let done = TtsEvent::Done { utterance: 1 };
        assert_eq!(reply("...", 0).finish("v").unwrap(), [TtsEvent::Usage { characters: 3 }, done.clone()]);
        assert_eq!(reply("Hello.", 500).finish("v").unwrap().last(), Some(&done));
    }

    #[test]
    fn a_reply_whose_end_is_never_told_is_over_after_a_while() {
        let check = |sound_ms, owes, expected: Option<Duration>| {
            let mut reply = reply("Ten letters", sound_ms);
            assert_eq!(reply.over_at(owes), None, "text may follow");
            reply.is_ended = true;
            assert_eq!(reply.over_at(owes).map(|at| at - reply.active_at), expected, "{sound_ms} {owes}");
        };
        check(0, false, None);
        check(100, false, Some(ANY_WAIT));
        check(1000, false, Some(WHOLE_WAIT));
        check(1000, true, Some(ANY_WAIT));
    }

    #[test]
    fn usage_is_told_once_and_by_the_vendor_where_it_does() {
        let mut counted = reply("Hello.", 0);
        assert_eq!(counted.take_usage(), Some(TtsEvent::Usage { characters: 6 }));
        assert_eq!(counted.take_usage(), None);
        let mut billed = reply("Hello.", 0);
        assert_eq!(billed.bill(9), TtsEvent::Usage { characters: 9 });
        assert_eq!(billed.take_usage(), None);
    }

    #[test]
    fn words_stay_in_order() {
        let word = |text: &str, started_ms, ended_ms| WordMark { text: text.into(), started_ms, ended_ms };
        let mut reply = reply("a b", 100);
        let Some(TtsEvent::Words { words, .. }) = reply.mark(vec![word("a", 50, 90), word("b", 10, 20)])
        else {
            panic!("words are told")
        };
        assert_eq!(words, [word("a", 50, 90), word("b", 50, 50)]);
        assert_eq!(reply.mark(Vec::new()), None);
    }
}
