//! The rules: signs in, verdicts out. Every 20 ms they look at what is known; nothing else changes them, so the same signs give the same
//! verdicts.

mod first;
mod late;
mod phrases;
mod speech;

use std::collections::VecDeque;

use phrases::Phrases;
use speech::{Ours, Speech};

use crate::class::{Because, Class, News, Verdict};
use crate::model::{ModelSays, Question};
use crate::ring::RingClass;
use crate::settings::Settings;
use crate::sign::What;
use crate::words::Words;

/// A verdict of a machine is watched for so long: a person may come, and a screening service asks for 40 s. Milliseconds.
const MACHINE_WATCHED_MS: u32 = 60_000;
/// Verdicts of a call: what flips more often is not decided any more.
const MOST_CORRECTIONS: usize = 4;
/// A greeting is at least so long before its end means anything.
const GREETED_MS: u32 = 2_000;
/// The model is asked from this many words on, or so long after the last; again after so many more; so often at most; and not after our
/// second turn.
const QUESTION_WORDS: usize = 5;
const QUESTION_PAUSE_MS: u32 = 500;
const QUESTION_MORE_WORDS: usize = 6;
const MOST_QUESTIONS: usize = 3;
const QUESTION_TURNS: u32 = 2;
/// An answer to a question comes within so long.
const ANSWER_WITHIN_MS: u32 = 4_000;
/// Whoever was quiet before our question's end, for so long, answers it with what comes next. Who speaks over us does not.
const QUIET_BEFORE_MS: u32 = 300;
const SPOKEN_OVER_US_MS: u32 = 600;

/// The model's opinion so far.
#[derive(Clone, Debug, Default)]
struct Opinion {
    human: bool,
    machine: Option<Class>,
    /// One of these came in time for a first verdict.
    in_time: bool,
}

/// The rules of one call.
pub struct Rules {
    settings: Settings,
    ring: RingClass,
    ring_ms: Option<u32>,
    has_words: bool,
    phrases: Phrases,
    speech: Speech,
    ours: Ours,
    on_since: Option<u32>,
    /// A tone of this hop.
    tone: Option<(Class, Because)>,
    music: bool,
    opinion: Opinion,
    asked: (usize, usize),
    /// Words that were understood before our last turn.
    words_before_us: usize,
    /// The callee has answered a question of ours.
    answered: bool,
    /// A person has come after a machine, and has spoken since then; 0 if not.
    person_since: u32,
    /// When a person may have been asked for nothing in vain: our question's end.
    unanswered: Option<u32>,
    verdict: Option<Verdict>,
    corrections: usize,
    greeting_told: bool,
    settled: bool,
    news: VecDeque<News>,
}

impl Rules {
    pub fn new(settings: Settings, words: Words, ring_ms: Option<u32>, has_words: bool) -> Self {
        Self {
            ring: settings.ring_times.class(ring_ms),
            settings,
            ring_ms,
            has_words,
            phrases: Phrases::new(words),
            speech: Speech::default(),
            ours: Ours::default(),
            on_since: None,
            tone: None,
            music: false,
            opinion: Opinion::default(),
            asked: (0, 0),
            words_before_us: 0,
            answered: false,
            person_since: 0,
            unanswered: None,
            verdict: None,
            corrections: 0,
            greeting_told: false,
            settled: false,
            news: VecDeque::new(),
        }
    }

    /// Something was noticed in the hop that ends at `now`.
    pub fn take(&mut self, now: u32, what: &What) {
        match what {
            What::FirstSound => self.on_since = Some(now),
            What::Began(since) => self.began(*since),
            What::Ended(until) => self.speech.ended(*until),
            What::Retracted => self.speech.retracted(),
            What::Beep { ended, length, hertz } => {
                self.news.push_back(News::Beep { ended_ms: *ended, length_ms: *length, hertz: *hertz });
                self.greeting_told = true;
                self.tone = Some((Class::Voicemail, Because::Beep));
            }
            What::Sit(kind) => self.tone = Some((Class::Carrier, Because::Sit(*kind))),
            What::Fax => self.tone = Some((Class::Tone, Because::Fax)),
            What::Busy => self.tone = Some((Class::Tone, Because::Busy)),
            What::Ringback => self.tone = Some((Class::Tone, Because::Ringback)),
            What::Music => self.music = true,
            What::Interim(text) => self.phrases.take(now, text, false),
            What::Final(text) => self.phrases.take(now, text, true),
            What::WeSpeak => {
                self.ours.began(now);
                self.words_before_us = self.phrases.count();
            }
            What::WeEnd { asked } => self.we_end(now, *asked),
            What::Model { says, percent, late } => {
                if *percent >= self.settings.model_percent {
                    self.opinion.take(*says, !late);
                }
            }
        }
    }

    fn began(&mut self, since: u32) {
        if self.ours.asked().is_some_and(|at| since >= at && since - at <= ANSWER_WITHIN_MS) {
            self.answered = true;
        }
        self.ours.answered();
        self.unanswered = None;
        self.speech.began(since);
    }

    fn we_end(&mut self, now: u32, asked: bool) {
        let is_quiet = !self.speech.speaks()
            && (self.speech.silence(now) >= QUIET_BEFORE_MS || self.speech.block(now).is_none());
        let over_us = self.speech.block(now).map_or(0, |block| self.ours.overlap(block, now));
        let may_be_answered = asked && is_quiet && over_us < SPOKEN_OVER_US_MS;
        self.ours.ended(now, may_be_answered);
        self.unanswered = may_be_answered.then_some(now);
    }

    /// The hop that ends at `now` is whole: decide.
    pub fn tick(&mut self, now: u32) {
        let tone = self.tone.take();
        if self.settled {
            return;
        }
        let class = self.verdict.as_ref().map(|verdict| verdict.class);
        let decided = match class {
            None | Some(Class::Silent | Class::Unsure) => self.first(now, tone),
            Some(Class::Human) => self.after_human(now, tone),
            Some(class) => self.after_machine(now, class, tone),
        };
        if let Some((class, because)) = decided {
            self.decide(now, class, because);
        }
        self.greeting_end(now);
        self.settle(now);
    }

    /// Rules that are not these have decided.
    pub fn decide(&mut self, now: u32, class: Class, because: Because) {
        let was = self.verdict.as_ref().map(|verdict| verdict.class);
        if was == Some(class) || self.corrections > MOST_CORRECTIONS {
            return;
        }
        if class == Class::Human && was.is_some_and(Class::is_machine) {
            self.person_since = self.speech.block(now).map_or(now, |block| block.from);
            self.opinion = Opinion::default();
        }
        let verdict = Verdict { class, at_ms: now, because, provisional: true, was };
        self.verdict = Some(verdict.clone());
        self.news.push_back(if was.is_some() {
            self.corrections += 1;
            News::Corrected(verdict)
        } else {
            News::Verdict(verdict)
        });
    }

    /// After that nothing is corrected.
    pub fn settle_now(&mut self) {
        if let Some(verdict) = self.verdict.as_mut().filter(|_| !self.settled) {
            verdict.provisional = false;
            self.settled = true;
            self.news.push_back(News::Settled(verdict.clone()));
        }
    }

    fn settle(&mut self, now: u32) {
        let Some(verdict) = &self.verdict else { return };
        let watched = match verdict.class {
            Class::Silent => return,
            class if class.is_machine() => MACHINE_WATCHED_MS,
            _ => self.settings.correction_ms,
        };
        if now - verdict.at_ms >= watched {
            self.settle_now();
        }
    }

    fn greeting_end(&mut self, now: u32) {
        let is_voicemail = self.verdict.as_ref().is_some_and(|verdict| verdict.class == Class::Voicemail);
        let is_over = self.speech.silence(now) >= self.settings.greeting_end_ms;
        if is_voicemail && !self.greeting_told && is_over && self.speech.spoken(now) >= GREETED_MS {
            self.greeting_told = true;
            self.news.push_back(News::GreetingEnd { at_ms: now });
        }
    }

    /// What happened since the last time.
    pub fn news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// It is a mailbox that takes no message: by its own words.
    pub fn takes_no_message(&self) -> bool {
        let is_mailbox = self.verdict.as_ref().is_some_and(|verdict| verdict.class == Class::Voicemail);
        is_mailbox && self.phrases.takes_none()
    }

    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// What the model is to be asked now.
    pub fn question(&mut self, now: u32) -> Option<Question> {
        let (times, at) = self.asked;
        let count = self.phrases.count();
        let paused = self.phrases.last_words.is_some_and(|words| now - words >= QUESTION_PAUSE_MS);
        let has_enough = if times == 0 {
            count >= QUESTION_WORDS || (count > 0 && paused)
        } else {
            count >= at + QUESTION_MORE_WORDS
        };
        // Tones and strong phrases need no model.
        let is_clear = self.verdict.as_ref().is_some_and(|verdict| verdict.class.is_machine());
        if !has_enough
            || is_clear
            || times >= MOST_QUESTIONS
            || self.ours.turns >= QUESTION_TURNS
            || self.settled
        {
            return None;
        }
        self.asked = (times + 1, count);
        Some(Question { transcript: self.phrases.transcript(), ring_ms: self.ring_ms, since_answer_ms: now })
    }
}

impl Opinion {
    fn take(&mut self, says: ModelSays, in_time: bool) {
        let machine = match says {
            ModelSays::Unclear => return,
            ModelSays::Human => {
                *self = Self { human: true, in_time, ..Self::default() };
                return;
            }
            ModelSays::Voicemail => Class::Voicemail,
            ModelSays::Ivr => Class::Ivr,
            ModelSays::Screening => Class::Screening,
            ModelSays::Unavailable => Class::Carrier,
        };
        self.human = false;
        self.machine = Some(machine);
        self.in_time |= in_time;
    }
}
