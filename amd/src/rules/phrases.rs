//! What the words say for which class.

use crate::class::Class;
use crate::words::{Heard, Strength, Words, digits};

/// Of two classes with as many phrases the one that leads to the other is not meant: a carrier's "the person you have called" comes before
/// "leave a message", and both before nothing else.
const BY_RANK: [Class; 4] = [Class::Screening, Class::Voicemail, Class::Ivr, Class::Carrier];

/// Digits of a number.
const NUMBER_DIGITS: usize = 5;

/// A phrase: the place of its wording, when it was said first, and when last.
#[derive(Clone, Copy)]
struct Hit {
    place: usize,
    first: u32,
    last: u32,
}

/// Phrases that were said.
#[derive(Clone)]
pub struct Phrases {
    words: Words,
    heard: Heard,
    /// What was said, each phrase once.
    said: Vec<Hit>,
    /// When words came last.
    pub last_words: Option<u32>,
    /// They will not change: the recogniser has heard the end of the utterance.
    pub is_final: bool,
    /// The last result was empty: something was heard and nothing understood.
    pub empty: bool,
    /// The last result begins as people greet.
    greets: bool,
}

impl Phrases {
    pub fn new(words: Words) -> Self {
        Self {
            words,
            heard: Heard::default(),
            said: Vec::new(),
            last_words: None,
            is_final: false,
            empty: false,
            greets: false,
        }
    }

    pub fn take(&mut self, now: u32, text: &str, is_final: bool) {
        let (new, from) = self.heard.take(text, is_final);
        let has_words = text.chars().any(char::is_alphanumeric);
        if has_words {
            self.last_words = Some(now);
            self.is_final = is_final;
        }
        if has_words || is_final {
            self.empty = !has_words;
        }
        if !has_words {
            return;
        }
        self.greets = self.words.greets(text);
        let words = self.heard.words();
        for (place, _) in
            self.words.iter().enumerate().filter(|(_, wording)| wording.pattern.is_in(words, from, new))
        {
            match self.said.iter_mut().find(|hit| hit.place == place) {
                Some(hit) => hit.last = now,
                None => self.said.push(Hit { place, first: now, last: now }),
            }
        }
    }

    /// How many words were said.
    pub fn count(&self) -> usize {
        self.heard.count
    }

    /// Whether nothing was said but a number: a machine tells which it is. One word in six may be misheard.
    pub fn is_number(&self) -> bool {
        let words = self.heard.words();
        let (spoken, count) = words
            .iter()
            .map(|word| digits(word))
            .fold((0, 0), |(spoken, count), digits| (spoken + usize::from(digits > 0), count + digits));
        count >= NUMBER_DIGITS && spoken * 6 >= words.len() * 5
    }

    /// All of them, for the model.
    pub fn transcript(&self) -> String {
        self.heard.words().join(" ")
    }

    fn of(&self, class: Class, strength: Strength) -> impl Iterator<Item = (&str, Hit)> {
        let wordings = self.said.iter().map(|hit| (self.words.get(hit.place), *hit));
        let of_class =
            wordings.filter(move |(wording, _)| wording.class == class && wording.strength == strength);
        of_class.map(|(wording, hit)| (wording.phrase.as_str(), hit))
    }

    /// The machine that most strong phrases speak for, how many do, and the last of them.
    pub fn best(&self) -> Option<(Class, usize, String)> {
        self.best_since(0)
    }

    /// The same of those that were said since then.
    pub fn best_since(&self, from: u32) -> Option<(Class, usize, String)> {
        let of = |class| {
            let since = self.of(class, Strength::Strong).filter(|(_, hit)| hit.last >= from);
            let phrases: Vec<&str> = since.map(|(phrase, _)| phrase).collect();
            Some((class, phrases.len(), (*phrases.last()?).to_owned()))
        };
        BY_RANK.into_iter().filter_map(of).reduce(|best, other| if other.1 > best.1 { other } else { best })
    }

    /// Whether a mailbox said that it takes no message.
    pub fn takes_none(&self) -> bool {
        self.of(Class::Voicemail, Strength::Strong).any(|(phrase, _)| Words::takes_none(phrase))
    }

    /// How many strong phrases speak for it.
    pub fn score(&self, class: Class) -> usize {
        self.of(class, Strength::Strong).count()
    }

    /// Of weak phrases until then: for whom the first speaks, how many there are, and the last.
    pub fn weak(&self, until: u32) -> Option<(Class, usize, String)> {
        let of = move |class: Class| {
            let early = self.of(class, Strength::Weak).filter(move |(_, hit)| hit.first <= until);
            early.map(move |(phrase, _)| (class, phrase))
        };
        let all: Vec<(Class, &str)> = BY_RANK.into_iter().flat_map(of).collect();
        let (class, _) = *all.first()?;
        Some((class, all.len(), all.last()?.1.to_owned()))
    }

    /// Whether the last that was said, since then, begins as people greet.
    pub fn greets_since(&self, from: u32) -> bool {
        self.greets && self.last_words.is_some_and(|at| at >= from)
    }

    /// Whether something was said, since then, that only people say.
    pub fn is_human_since(&self, from: u32) -> bool {
        self.of(Class::Human, Strength::Strong)
            .chain(self.of(Class::Human, Strength::Weak))
            .any(|(_, hit)| hit.last >= from)
    }

    /// Whether a machine's phrase was said since then.
    pub fn is_machine_since(&self, from: u32) -> bool {
        BY_RANK
            .into_iter()
            .flat_map(|class| self.of(class, Strength::Strong))
            .any(|(_, hit)| hit.last >= from)
    }
}
