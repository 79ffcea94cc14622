//! The detector of one call: the ear, the rules, and what both are told.

use std::collections::VecDeque;

use crate::HOP_MS;
use crate::cadence::Counting;
use crate::callee::{Callee, Said};
use crate::class::{News, Verdict};
use crate::evidence::{Evidence, Record};
use crate::front::Front;
use crate::model::{ANSWER_MS, ModelVerdict, Question};
use crate::rules::Rules;
use crate::settings::{Mode, Settings, SettingsError};
use crate::sign::What;
use crate::words::Words;

/// Longest text that is taken at once, bytes: recognisers' results are sentences.
const LONGEST_TEXT: usize = 2_000;
/// What may wait for its time.
const MOST_WAITING: usize = 64;
/// Audio comes a little late all the time. What is later than this does not come, milliseconds.
const LATE_MS: u32 = 400;
/// Silence that is made up at once, hops: a minute.
const MOST_MISSING: u32 = 3_000;

/// Who has answered? One for each call; pure: it is fed, and asked for news.
///
/// What comes with a time counts in the hop that ends at that time or after, and in the next one if that is over. So it is all the same
/// in which pieces the audio comes, as long as words are told no later than the audio of their time.
pub struct Detector {
    front: Front,
    rules: Rules,
    counting: Option<Counting>,
    now_ms: u32,
    waiting: VecDeque<(u32, What)>,
    signs: Vec<What>,
    record: Record,
    rate_hz: u32,
}

impl Detector {
    /// For a call.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(settings: Settings, callee: Callee) -> Result<Self, SettingsError> {
        settings.check()?;
        let words = Words::new(&callee.language, settings.wordings()?);
        let rate_hz = if callee.rate_hz == 0 { crate::spectrum::RATE_HZ } else { callee.rate_hz };
        let counting = (settings.mode == Mode::Cadence).then(|| Counting::new(settings.cadence.clone()));
        Ok(Self {
            front: Front::new(rate_hz),
            record: Record::new(&callee),
            rules: Rules::new(settings, words, callee.ring_ms, callee.has_words),
            counting,
            now_ms: 0,
            waiting: VecDeque::new(),
            signs: Vec::new(),
            rate_hz,
        })
    }

    /// Take the callee's audio, mono, in pieces of any size.
    pub fn hear(&mut self, pcm: &[i16]) {
        self.front.push(pcm);
        while let Some((now_ms, magnitude)) = self.front.hop(&mut self.signs) {
            self.now_ms = now_ms;
            let was_settled = self.rules.is_settled();
            while self.waiting.front().is_some_and(|(at_ms, _)| *at_ms <= now_ms) {
                self.signs.extend(self.waiting.pop_front().map(|(_, what)| what));
            }
            for what in self.signs.drain(..) {
                self.rules.take(now_ms, &what);
                if !was_settled {
                    self.record.sign(now_ms, what);
                }
            }
            match &mut self.counting {
                None => self.rules.tick(now_ms),
                Some(counting) => {
                    if let Some((class, because)) =
                        counting.hop(magnitude).filter(|_| !self.rules.is_settled())
                    {
                        self.rules.decide(now_ms, class, because);
                        self.rules.settle_now();
                    }
                }
            }
            // With the hop that settles it.
            if !was_settled {
                self.record.until(now_ms);
            }
        }
    }

    /// It is this time. Where no audio has come for 400 ms and more it was silence: a dead line has its deadlines too.
    pub fn silent_until(&mut self, at_ms: u32) {
        if at_ms < self.now_ms + LATE_MS {
            return;
        }
        let missing = (at_ms - self.now_ms) / HOP_MS;
        let hop = vec![0; (self.rate_hz * HOP_MS / 1_000) as usize];
        for _ in 0..missing.min(MOST_MISSING) {
            self.hear(&hop);
        }
    }

    /// Something was understood.
    pub fn word(&mut self, said: Said) {
        let mut text = said.text;
        if text.len() > LONGEST_TEXT {
            let end = (0..=LONGEST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            text.truncate(end);
        }
        let what = if said.is_final { What::Final(text) } else { What::Interim(text) };
        self.wait(said.at_ms, what);
    }

    /// Our audio begins to be played.
    pub fn bot_speaks(&mut self, at_ms: u32) {
        self.wait(at_ms, What::WeSpeak);
    }

    /// Our audio has ended; with a question, or not.
    pub fn bot_ends(&mut self, at_ms: u32, asked: bool) {
        self.wait(at_ms, What::WeEnd { asked });
    }

    /// The model has answered.
    pub fn model_says(&mut self, verdict: ModelVerdict) {
        let percent = (verdict.probability.clamp(0.0, 1.0) * 100.0).round() as u8;
        let late = verdict.at_ms.saturating_sub(verdict.asked_ms) > ANSWER_MS;
        self.wait(verdict.at_ms, What::Model { says: verdict.says, percent, late });
    }

    /// What is to be asked of the model now; each question is given once.
    pub fn question(&mut self) -> Option<Question> {
        if self.counting.is_some() { None } else { self.rules.question(self.now_ms) }
    }

    /// What happened, in its order.
    pub fn news(&mut self) -> Option<News> {
        let news = self.rules.news()?;
        self.record.news(&news);
        Some(news)
    }

    /// The verdict so far.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.rules.verdict()
    }

    /// Whether it is a mailbox that takes no message, by its own words: it is full, or was never set up.
    pub fn takes_no_message(&self) -> bool {
        self.rules.takes_no_message()
    }

    /// Milliseconds of audio so far, in steps of 20.
    pub fn now_ms(&self) -> u32 {
        self.now_ms
    }

    /// Why, for the record: what was noticed and what was told.
    pub fn evidence(&self) -> Evidence {
        self.record.evidence()
    }

    /// Keep it until its time. The earliest is first; of the same time, the first to come. Nobody is so far ahead of the audio that many
    /// wait; if they do, the earliest counts at once.
    fn wait(&mut self, at_ms: u32, what: What) {
        let place = self.waiting.partition_point(|(at, _)| *at <= at_ms);
        self.waiting.insert(place, (at_ms, what));
        if self.waiting.len() > MOST_WAITING
            && let Some((_, what)) = self.waiting.pop_front()
        {
            self.signs.push(what);
        }
    }
}
