//! The first verdict: the end of a turn, unless something shows a machine before.

use crate::class::{Because, Class};
use crate::ring::RingClass;

use super::Rules;
use super::speech::Block;

/// A sound shorter than this is a click, milliseconds.
const CLICK_MS: u32 = 140;
/// A sound shorter than this may be one too, where the recogniser has understood nothing of it: it is waited for so long.
const SHORT_SOUND_MS: u32 = 300;
const UNHEARD_PAUSE_MS: u32 = 2_500;
/// Words of a block come no sooner than so long after it began.
const WORDS_AFTER_MS: u32 = 100;
/// Words that are due are waited for, for so long beyond the pause.
const WORDS_DUE_MS: u32 = 150;
/// Words come at least so often while somebody speaks; and no more have come for so long after the last that will not change, which is
/// told about so long after it was said.
const STILL_WORDS_MS: u32 = 2_500;
const WORDS_END_MS: u32 = 1_000;
const FINAL_AFTER_MS: u32 = 500;
/// Sound without words is noise after so long.
const NOISE_MS: u32 = 1_500;
/// A weak phrase and so much speech are a machine; so are the model's opinion and so much of it.
const WEAK_TALK_MS: u32 = 3_400;
const MODEL_TALK_MS: u32 = 2_600;

impl Rules {
    pub(super) fn first(&mut self, now: u32, tone: Option<(Class, Because)>) -> Option<(Class, Because)> {
        tone.or_else(|| self.by_phrase())
            .or_else(|| self.by_weak_phrase(now))
            .or_else(|| self.by_model(now))
            .or_else(|| self.by_talk(now))
            .or_else(|| self.by_silence(now))
            .or_else(|| self.by_end_of_words(now))
            .or_else(|| self.by_time(now))
    }

    /// One strong phrase is enough, unless a person's was said too: "you've reached accounts, how can I help?"
    fn by_phrase(&self) -> Option<(Class, Because)> {
        let Some((class, count, phrase)) = self.phrases.best() else { return self.by_number() };
        let is_enough = count > 1 || !self.phrases.is_human_since(0);
        is_enough.then_some((class, Because::Keyword { phrase }))
    }

    /// Nothing but a number is a machine's greeting.
    pub(super) fn by_number(&self) -> Option<(Class, Because)> {
        let phrase = || "(a number)".to_owned();
        self.phrases.is_number().then(|| (Class::Voicemail, Because::Keyword { phrase: phrase() }))
    }

    /// A weak one needs a second, or long speech, or a machine's ring time.
    pub(super) fn by_weak_phrase(&self, now: u32) -> Option<(Class, Because)> {
        let until = self.speech.first? + self.settings.weak_phrases_ms;
        let (class, count, phrase) = self.phrases.weak(until)?;
        let is_second =
            count > 1 || self.speech.talk(now).1 >= WEAK_TALK_MS || self.ring == RingClass::Machine;
        let is_enough = is_second && !self.phrases.is_human_since(0);
        is_enough.then_some((class, Because::Keyword { phrase }))
    }

    fn by_model(&self, now: u32) -> Option<(Class, Because)> {
        let class = self.opinion.machine.filter(|_| self.opinion.in_time)?;
        let is_second = self.speech.talk(now).1 >= MODEL_TALK_MS
            || self.ring == RingClass::Machine
            || self.phrases.weak(now).is_some()
            || self.phrases.score(class) > 0;
        is_second.then_some((class, Because::Model))
    }

    /// Speech without a pause of a second. People who greet customers speak long too, and say what only people say.
    fn by_talk(&self, now: u32) -> Option<(Class, Because)> {
        let (_, spoken) = self.speech.talk(now);
        if self.music && self.phrases.count() == 0 {
            return Some((Class::Ivr, Because::Music));
        }
        let is_long =
            spoken >= self.longest_talk(now) && !self.phrases.is_human_since(0) && !self.opinion.human;
        is_long.then_some((Class::Voicemail, Because::LongSpeech { ms: spoken }))
    }

    /// Without words, because nobody recognises any or because the recogniser is dead, less is enough. Where it hears words, what goes on
    /// without any is noise.
    pub(super) fn longest_talk(&self, now: u32) -> u32 {
        let has_words = self.has_words && self.phrases.count() > 0;
        let still = self.phrases.last_words.is_some_and(|at| now - at <= STILL_WORDS_MS);
        match (has_words, still) {
            (false, _) => self.settings.talk_without_words_ms,
            (true, true) => self.settings.talk_ms,
            (true, false) => u32::MAX,
        }
    }

    /// Somebody has spoken and waits.
    pub(super) fn by_silence(&self, now: u32) -> Option<(Class, Because)> {
        let block = self.speech.block(now).filter(|block| block.length() >= CLICK_MS)?;
        let (block_ms, silence_ms) = (block.length(), self.speech.silence(now));
        let is_human = self.phrases.is_human_since(block.from) || self.opinion.human;
        let pause = self.pause(block, is_human);
        if silence_ms < pause || (self.words_are_due(block) && silence_ms < pause + WORDS_DUE_MS) {
            return None;
        }
        if block_ms > self.settings.long_ms && !is_human {
            return Some((Class::Voicemail, Because::LongSpeech { ms: block_ms }));
        }
        Some((Class::Human, Because::Silence { block_ms, silence_ms }))
    }

    /// In noise no silence comes. Then the end is where the recogniser hears it.
    fn by_end_of_words(&self, now: u32) -> Option<(Class, Because)> {
        let last = self.phrases.last_words.filter(|_| self.phrases.is_final)?;
        let from = self.speech.first?;
        let silence_ms = now - last;
        let block = self.speech.block(now)?;
        // What has begun since then may have words that are still to come.
        let is_new = block.from > last && block.length() < NOISE_MS;
        let pause = self.pause(block, self.phrases.is_human_since(0) || self.opinion.human);
        let pause = pause.saturating_sub(FINAL_AFTER_MS).max(WORDS_END_MS);
        if is_new || silence_ms < pause || self.opinion.machine.is_some() {
            return None;
        }
        let block_ms = last.saturating_sub(from + FINAL_AFTER_MS);
        if block_ms > self.settings.long_ms && !self.phrases.is_human_since(0) {
            return Some((Class::Voicemail, Because::LongSpeech { ms: block_ms }));
        }
        Some((Class::Human, Because::Silence { block_ms, silence_ms }))
    }

    fn pause(&self, block: Block, is_human: bool) -> u32 {
        let settings = &self.settings;
        let is_empty = self.phrases.empty && !self.has_words_of(block);
        let has_weak = self.phrases.weak(u32::MAX).is_some() || self.phrases.best().is_some();
        if is_human && !is_empty {
            settings.phrase_pause_ms
        } else if self.is_unheard(block) {
            UNHEARD_PAUSE_MS
        } else if is_empty
            || has_weak
            || block.length() > settings.middle_ms
            || self.opinion.machine.is_some()
        {
            // An empty transcript is no evidence, and what may be a machine's deserves a longer look.
            settings.long_pause_ms
        } else if block.length() > settings.short_ms {
            settings.middle_pause_ms
        } else {
            match self.ring {
                RingClass::Human => settings.short_pause_human_ms,
                RingClass::Machine => settings.short_pause_machine_ms,
                RingClass::Neither => settings.short_pause_ms,
            }
        }
    }

    fn has_words_of(&self, block: Block) -> bool {
        self.phrases.last_words.is_some_and(|at| at >= block.from + WORDS_AFTER_MS)
    }

    /// So short that it may be a noise, and the recogniser, who has understood nothing of it yet, is to say.
    fn is_unheard(&self, block: Block) -> bool {
        self.has_words && block.length() < SHORT_SOUND_MS && !self.has_words_of(block)
    }

    fn words_are_due(&self, block: Block) -> bool {
        self.has_words && !self.has_words_of(block) && !self.phrases.empty
    }

    fn by_time(&self, now: u32) -> Option<(Class, Because)> {
        let has_verdict = self.verdict.is_some();
        if self.speech.first.is_none() && now >= self.settings.no_speech_ms && !has_verdict {
            return Some((Class::Silent, Because::NoSpeech));
        }
        let is_over = self.on_since.is_some_and(|since| now - since >= self.settings.deadline_ms);
        (is_over && !has_verdict).then_some((Class::Unsure, Because::Deadline))
    }
}
