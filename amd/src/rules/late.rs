//! Corrections: what shows, after a verdict, that it was the other.

use crate::class::{Because, Class};
use crate::ring::RingClass;

use super::Rules;

/// Speech over ours by so much is not the answer to us, milliseconds. We may have stopped for it.
const OVER_US_MS: u32 = 300;
/// Words that speech over ours has, or it is noise.
const DEAF_WORDS: usize = 5;
/// The model's second sign: so much of it, or no reaction to a question for so long.
const MODEL_OVER_US_MS: u32 = 3_000;
const NO_REACTION_MS: u32 = 2_500;
/// The same without a model, after a machine's ring time.
const NO_REACTION_ALONE_MS: u32 = 4_000;
/// A person who comes after a machine: a pause, a short word, and a pause.
const PAUSE_BEFORE_MS: u32 = 1_000;
const SHORT_MS: u32 = 1_800;
const PAUSE_AFTER_MS: u32 = 500;
const CLICK_MS: u32 = 140;

impl Rules {
    /// A person, it was thought.
    pub(super) fn after_human(
        &mut self,
        now: u32,
        tone: Option<(Class, Because)>,
    ) -> Option<(Class, Because)> {
        // A busy line afterwards is a person who has hung up.
        let tone = tone.filter(|(_, because)| !matches!(because, Because::Busy | Because::Ringback));
        tone.or_else(|| self.by_new_phrases())
            .or_else(|| if self.is_known_person() { None } else { self.by_what_machines_do(now) })
            .or_else(|| self.model_and_a_second_sign(now))
    }

    /// Whoever has answered our question, or has come after a machine.
    fn is_known_person(&self) -> bool {
        self.answered || self.person_since > 0
    }

    /// Who answers our questions says nearly anything; nobody says two of these.
    fn by_new_phrases(&self) -> Option<(Class, Because)> {
        let wanted = if self.is_known_person() || self.phrases.is_human_since(0) { 2 } else { 1 };
        let (class, count, phrase) = self.phrases.best_since(self.person_since)?;
        (count >= wanted).then_some((class, Because::Keyword { phrase }))
    }

    fn by_what_machines_do(&self, now: u32) -> Option<(Class, Because)> {
        self.by_weak_phrase(now)
            .or_else(|| self.by_number())
            .or_else(|| self.is_only_music())
            .or_else(|| self.talks_over_us(now))
            .or_else(|| self.does_not_react(now))
    }

    /// Somebody took as long as machines do, said more than a short greeting, and has no answer to our question: it records.
    fn does_not_react(&self, now: u32) -> Option<(Class, Because)> {
        let ms = now - self.unanswered?;
        let is_human = self.opinion.human || self.phrases.is_human_since(0);
        let is_machine = ms >= NO_REACTION_ALONE_MS
            && self.ring == RingClass::Machine
            && self.speech.spoken(now) > self.settings.short_ms
            && !is_human;
        is_machine.then_some((Class::Voicemail, Because::NoReaction { ms }))
    }

    /// Who has called and hears somebody speak stops within a word or two. Noise does not, but nobody understands words of it.
    fn talks_over_us(&self, now: u32) -> Option<(Class, Because)> {
        let (talk, spoken) = self.speech.talk(now);
        let over_us = self.ours.overlap(talk, now);
        let words = self.phrases.count().saturating_sub(self.words_before_us);
        let is_deaf = over_us >= self.settings.over_us_ms && words >= DEAF_WORDS;
        let is_long = (self.ours.turns == 0 || over_us >= OVER_US_MS) && spoken >= self.longest_talk(now);
        let is_human = self.opinion.human || self.phrases.is_human_since(0);
        let is_machine = (is_deaf || is_long) && !is_human;
        is_machine.then_some((Class::Voicemail, Because::LongSpeech { ms: spoken }))
    }

    fn is_only_music(&self) -> Option<(Class, Because)> {
        (self.music && self.phrases.count() == 0).then_some((Class::Ivr, Because::Music))
    }

    fn model_and_a_second_sign(&self, now: u32) -> Option<(Class, Because)> {
        let class = self.opinion.machine?;
        let (talk, spoken) = self.speech.talk(now);
        let over_us = spoken >= MODEL_OVER_US_MS && self.ours.overlap(talk, now) >= OVER_US_MS;
        let no_reaction = self.unanswered.is_some_and(|since| now - since >= NO_REACTION_MS);
        let is_second = over_us
            || no_reaction
            || self.ring == RingClass::Machine
            || (!self.is_known_person() && self.phrases.weak(now).is_some())
            || self.phrases.best_since(self.person_since).is_some();
        is_second.then_some((class, Because::Model))
    }

    /// A machine, it was thought: perhaps another one, or a person has come.
    pub(super) fn after_machine(
        &mut self,
        now: u32,
        class: Class,
        tone: Option<(Class, Because)>,
    ) -> Option<(Class, Because)> {
        self.is_handed_over(now, class)
            .or_else(|| self.another_tone(class, tone))
            .or_else(|| self.another_phrase(class))
            .or_else(|| self.is_music_only())
    }

    fn is_handed_over(&self, now: u32, class: Class) -> Option<(Class, Because)> {
        let verdict = self.verdict.as_ref()?;
        let block = self.speech.block(now).filter(|block| block.from > verdict.at_ms)?;
        let silence = self.speech.silence(now);
        if class == Class::Tone {
            // It has rung, and now somebody is there.
            let is_ringing = verdict.because == Because::Ringback;
            return self.by_silence(now).filter(|(class, _)| is_ringing && *class == Class::Human);
        }
        let has_paused = self.speech.before().is_some_and(|before| block.from - before >= PAUSE_BEFORE_MS);
        let is_short = (CLICK_MS..=SHORT_MS).contains(&block.length()) && silence >= PAUSE_AFTER_MS;
        let is_human = self.phrases.greets_since(block.from)
            || self.phrases.is_human_since(block.from)
            || (self.opinion.human && verdict.because != Because::Beep);
        let is_person = has_paused && is_short && is_human && !self.phrases.is_machine_since(block.from);
        is_person.then_some((Class::Human, Because::HandedOver))
    }

    fn another_tone(&self, class: Class, tone: Option<(Class, Because)>) -> Option<(Class, Because)> {
        let (other, because) = tone?;
        let is_sit = matches!(self.verdict.as_ref()?.because, Because::Sit(_));
        let changes = match because {
            // A carrier's voicemail begins as its announcements do. Screening and menus beep too.
            Because::Beep => class == Class::Carrier && !is_sit,
            Because::Sit(_) | Because::Fax => true,
            _ => false,
        };
        changes.then_some((other, because))
    }

    fn another_phrase(&self, class: Class) -> Option<(Class, Because)> {
        let verdict = self.verdict.as_ref()?;
        if matches!(verdict.because, Because::Sit(_) | Because::Fax) {
            return None;
        }
        let (other, count, phrase) = self.phrases.best()?;
        // `best` prefers by rank where there are as many.
        let is_better = other != class && count >= self.phrases.score(class);
        is_better.then_some((other, Because::Keyword { phrase }))
    }

    fn is_music_only(&self) -> Option<(Class, Because)> {
        let was_guessed = matches!(self.verdict.as_ref()?.because, Because::LongSpeech { .. });
        self.is_only_music().filter(|_| was_guessed)
    }
}
