//! Why a call was judged so, small enough to be kept with it, and enough to judge it again.

use serde::{Deserialize, Serialize};

use crate::HOP_MS;
use crate::callee::Callee;
use crate::class::{Because, News};
use crate::rules::Rules;
use crate::settings::{Settings, SettingsError};
use crate::sign::{Sign, What};
use crate::words::Words;

/// The form of the record; another one is not replayed.
const FORM: u32 = 1;
/// Most signs, and most bytes of words: what is noticed of a lively call until it is settled.
const MOST_SIGNS: usize = 160;
const MOST_TEXT_BYTES: usize = 900;
/// Most pieces of news.
const MOST_NEWS: usize = 16;

/// The record of a call: what was noticed, in its order, and what was told. About 2 kB as JSON. It holds words that the callee said, so it
/// is kept and deleted as the transcript is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Of this record.
    pub form: u32,
    /// Of the detector that wrote it.
    pub version: String,
    /// Of the bot.
    pub language: String,
    /// How long it rang.
    pub ring_ms: Option<u32>,
    /// Whether a recogniser gave words.
    pub has_words: bool,
    /// What was heard until then is in it.
    pub until_ms: u32,
    /// More happened than is kept.
    pub cut: bool,
    /// What was noticed. Texts are told by their difference: `=` all of it, `+` what follows the text before.
    pub signs: Vec<Sign>,
    /// What was told.
    pub news: Vec<News>,
}

impl Evidence {
    /// The same without anything that was said, nor the phrases that it was known by: what is left are times, tones and verdicts. Words
    /// cannot be judged again then.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        for Sign(_, what) in &mut self.signs {
            if let What::Interim(text) | What::Final(text) = what {
                text.clear();
            }
        }
        for news in &mut self.news {
            if let News::Verdict(verdict) | News::Corrected(verdict) | News::Settled(verdict) = news
                && let Because::Keyword { phrase } = &mut verdict.because
            {
                phrase.clear();
            }
        }
        self
    }

    /// What this version's rules tell of the call, by these settings; only [`crate::Mode::TwoStage`] can judge again. `None` if the record
    /// is of another form.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn replay(&self, settings: &Settings) -> Result<Option<Vec<News>>, SettingsError> {
        settings.check()?;
        if self.form != FORM {
            return Ok(None);
        }
        let words = Words::new(&self.language, settings.wordings()?);
        let mut rules = Rules::new(settings.clone(), words, self.ring_ms, self.has_words);
        let mut signs = self.signs.iter().peekable();
        let mut text = String::new();
        let mut news = Vec::new();
        for now_ms in (HOP_MS..=self.until_ms).step_by(HOP_MS as usize) {
            while let Some(Sign(_, what)) = signs.next_if(|Sign(at_ms, _)| *at_ms <= now_ms) {
                rules.take(now_ms, &whole(what, &mut text));
            }
            rules.tick(now_ms);
            news.extend(std::iter::from_fn(|| rules.news()));
        }
        Ok(Some(news))
    }
}

/// With the text in full.
fn whole(what: &What, text: &mut String) -> What {
    let (What::Interim(part) | What::Final(part)) = what else { return what.clone() };
    match part.strip_prefix('+') {
        Some(more) => text.push_str(more),
        None => part.strip_prefix('=').unwrap_or(part).clone_into(text),
    }
    let all = text.clone();
    if matches!(what, What::Final(_)) {
        text.clear();
        What::Final(all)
    } else {
        What::Interim(all)
    }
}

/// What is kept while the call goes on.
pub struct Record {
    evidence: Evidence,
    text: String,
    text_bytes: usize,
}

impl Record {
    pub fn new(callee: &Callee) -> Self {
        let evidence = Evidence {
            form: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            language: callee.language.clone(),
            ring_ms: callee.ring_ms,
            has_words: callee.has_words,
            until_ms: 0,
            cut: false,
            signs: Vec::new(),
            news: Vec::new(),
        };
        Self { evidence, text: String::new(), text_bytes: 0 }
    }

    pub fn sign(&mut self, now_ms: u32, what: What) {
        if self.evidence.cut {
            return;
        }
        let what = match what {
            What::Interim(text) => What::Interim(self.difference(text, false)),
            What::Final(text) => What::Final(self.difference(text, true)),
            what => what,
        };
        if self.text_bytes > MOST_TEXT_BYTES || self.evidence.signs.len() == MOST_SIGNS {
            self.evidence.cut = true;
        } else {
            self.evidence.signs.push(Sign(now_ms, what));
        }
    }

    pub fn until(&mut self, now_ms: u32) {
        if !self.evidence.cut {
            self.evidence.until_ms = now_ms;
        }
    }

    pub fn news(&mut self, news: &News) {
        let is_settled = matches!(self.evidence.news.last(), Some(News::Settled(_)));
        if !is_settled && self.evidence.news.len() < MOST_NEWS {
            self.evidence.news.push(news.clone());
        }
    }

    pub fn evidence(&self) -> Evidence {
        self.evidence.clone()
    }

    fn difference(&mut self, text: String, is_final: bool) -> String {
        let part = match text.strip_prefix(self.text.as_str()) {
            Some(more) if !self.text.is_empty() => format!("+{more}"),
            _ => format!("={text}"),
        };
        self.text_bytes += part.len();
        self.text = if is_final { String::new() } else { text };
        part
    }
}
