//! From parts of words to words: what is final comes once and is kept, what is not comes again with every message.

use std::collections::VecDeque;

use vox_shared::wire::result::Word;

use super::event::{Tokens, What};
use crate::provider::stt::reading::{WORDS_MAX, mean, word};

/// Final parts remembered, to know one that comes again.
const REMEMBERED: usize = 64;

/// A part of a word that is final.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    text: String,
    started_ms: u64,
    ended_ms: u64,
    confidence: Option<f32>,
}

/// What a message brought.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    /// The first words of an utterance.
    Began { at_ms: u64 },
    /// Words so far.
    SoFar(String),
    /// Words that will not change, and what ended them.
    Over { said: Said, by: By },
}

/// What ended an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The vendor heard its end.
    Vendor,
    /// It was asked.
    Request,
}

/// Final words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub text: String,
    pub words: Vec<Word>,
    pub confidence: Option<f32>,
}

/// The utterance that is being spoken.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By time.
    parts: Vec<Part>,
    remembered: VecDeque<Part>,
    /// Words were told that are not final.
    open: bool,
    began: bool,
    total_ms: u64,
}

impl Heard {
    /// Whether words are known that are not final.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Audio that the vendor has looked at.
    pub fn total_ms(&self) -> u64 {
        self.total_ms
    }

    /// What a message means, in order.
    pub fn take(&mut self, tokens: Tokens) -> Vec<News> {
        let mut news = Vec::new();
        let mut tail = String::new();
        // A message that comes after its successor has nothing to say of what is not final.
        let is_late = tokens.total_ms < self.total_ms;
        self.total_ms = self.total_ms.max(tokens.total_ms);
        let mut ended = false;
        for token in tokens.tokens {
            match (token.what, token.is_final) {
                (What::Text { text, started_ms, ended_ms, confidence }, true) => {
                    self.keep(Part { text, started_ms, ended_ms, confidence }, &mut news);
                }
                (What::Text { text, started_ms, .. }, false) => {
                    if tail.is_empty() {
                        self.begin(started_ms, is_late, &mut news);
                    }
                    tail.push_str(&text);
                }
                (What::End, _) => {
                    ended = true;
                    self.end(By::Vendor, &mut news);
                }
                (What::Finalized, _) => {
                    ended = true;
                    self.end(By::Request, &mut news);
                }
            }
        }
        if is_late || (ended && tail.is_empty() && self.parts.is_empty()) {
            return news;
        }
        let mut text: String = self.parts.iter().map(|part| part.text.as_str()).collect();
        text.push_str(&tail);
        self.open = !text.trim().is_empty();
        news.push(News::SoFar(text.trim().to_owned()));
        news
    }

    fn begin(&mut self, at_ms: u64, is_late: bool, news: &mut Vec<News>) {
        if !self.began && !is_late {
            self.began = true;
            news.push(News::Began { at_ms });
        }
    }

    fn keep(&mut self, part: Part, news: &mut Vec<News>) {
        if self.remembered.contains(&part) || self.parts.len() >= WORDS_MAX {
            return;
        }
        self.begin(part.started_ms, false, news);
        self.remembered.push_back(part.clone());
        if self.remembered.len() > REMEMBERED {
            self.remembered.pop_front();
        }
        let after = self.parts.partition_point(|known| known.started_ms <= part.started_ms);
        self.parts.insert(after, part);
    }

    /// An end of nothing is told only where it may be the answer to a request.
    fn end(&mut self, by: By, news: &mut Vec<News>) {
        let parts = std::mem::take(&mut self.parts);
        (self.open, self.began) = (false, false);
        if parts.is_empty() && by == By::Vendor {
            return;
        }
        let text: String = parts.iter().map(|part| part.text.as_str()).collect();
        let said = Said {
            text: text.trim().to_owned(),
            words: words(&parts),
            confidence: mean(parts.iter().filter_map(|part| part.confidence)),
        };
        news.push(News::Over { said, by });
    }
}

/// A word is what stands between two spaces.
fn words(parts: &[Part]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for part in parts.iter().filter(|part| !part.text.trim().is_empty()) {
        let begins = part.text.starts_with(char::is_whitespace);
        match words.last_mut() {
            Some(last) if !begins => {
                last.text.push_str(part.text.trim());
                last.ended_ms = last.ended_ms.max(part.ended_ms);
            }
            _ => words.push(word(part.text.trim(), part.started_ms, part.ended_ms)),
        }
    }
    words
}
