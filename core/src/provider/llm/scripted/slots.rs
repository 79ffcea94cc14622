//! Finds the values of slots in what was said.

use vox_shared::model::script::pattern::Pattern;
use vox_shared::model::script::{Choice, Script, SlotKind};

use super::calendar::{Spoken, date, time};
use super::matching::{Found, all, best};
use super::numbers::{cardinal, digits, sounds_like};

/// Longest answer in which "to" may have been "two", words.
const SHORT_ANSWER: usize = 2;

/// Longest free text kept, characters.
const LONGEST_TEXT: usize = 300;

/// A slot's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// What conditions compare.
    pub value: String,
    /// How it is read aloud.
    pub says: String,
}

impl Value {
    pub fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { says: value.clone(), value }
    }
}

/// A value and the words it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub value: Value,
    pub start: usize,
    pub end: usize,
    /// Words that can mean nothing else; free text has none.
    pub score: u32,
}

/// What was said in one turn. Words that a slot has taken become empty, so that no second slot takes them too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub text: String,
    pub words: Vec<String>,
}

impl Said {
    pub fn take(&mut self, mention: &Mention) {
        self.words[mention.start..mention.end].iter_mut().for_each(String::clear);
    }
}

/// Look for a slot's value. What follows a second thought ("Tuesday, sorry, Wednesday") goes before the rest.
pub(super) fn find(script: &Script, kind: &SlotKind, said: &Said) -> Option<Mention> {
    let whole = || find_from(script, kind, said, 0);
    let takes_back = |kind: &SlotKind| !matches!(kind, SlotKind::Text | SlotKind::Digits { .. });
    let mut thoughts: Vec<Found> =
        script.second_thoughts.iter().flat_map(|pattern| all(pattern, &said.words)).collect();
    if matches!(kind, SlotKind::Date | SlotKind::Time) {
        thoughts.extend(
            said.words.iter().enumerate().filter(|(_, word)| *word == "no").map(|(at, _)| Found {
                start: at,
                end: at + 1,
                score: 0,
            }),
        );
    }
    match thoughts.iter().map(|thought| thought.end).max() {
        Some(after) if takes_back(kind) => find_from(script, kind, said, after).or_else(whole),
        _ => whole(),
    }
}

fn find_from(script: &Script, kind: &SlotKind, said: &Said, from: usize) -> Option<Mention> {
    let words = &said.words[from..];
    let shifted =
        |mention: Mention| Mention { start: mention.start + from, end: mention.end + from, ..mention };
    match kind {
        SlotKind::YesNo => yes_no(script, words),
        SlotKind::Number { min, max } => number(*min, *max, words),
        SlotKind::Digits { min_digits, max_digits } => run_of_digits(*min_digits, *max_digits, words),
        SlotKind::Date => first_spoken(words, date),
        SlotKind::Time => first_spoken(words, time),
        SlotKind::Choice(choices) => choice(choices, words),
        SlotKind::Text => free_text(said, words),
    }
    .map(shifted)
}

/// The first yes or no that is not part of a longer phrase ("no problem" is a yes).
fn yes_no(script: &Script, words: &[String]) -> Option<Mention> {
    let found = |patterns: &[Pattern], value: &'static str| -> Vec<(Found, &'static str)> {
        patterns.iter().flat_map(|pattern| all(pattern, words)).map(|found| (found, value)).collect()
    };
    let answers = [found(&script.no, "no"), found(&script.yes, "yes")].concat();
    let covered = |answer: &Found| {
        answers.iter().any(|(other, _)| {
            let overlaps = other.start < answer.end && answer.start < other.end;
            overlaps && other.end - other.start > answer.end - answer.start
        })
    };
    let (found, value) =
        answers.iter().filter(|(answer, _)| !covered(answer)).min_by_key(|(answer, _)| answer.start)?;
    Some(Mention { value: Value::plain(*value), start: found.start, end: found.end, score: found.score })
}

fn number(min: i64, max: i64, words: &[String]) -> Option<Mention> {
    let in_range = |number: &i64| (min..=max).contains(number);
    let mention = |number: i64, start: usize, length: usize| Mention {
        value: Value::plain(number.to_string()),
        start,
        end: start + length,
        score: u32::try_from(length).unwrap_or(u32::MAX),
    };
    let mut at = 0;
    while at < words.len() {
        match cardinal(&words[at..]) {
            Some((number, length)) if in_range(&number) => return Some(mention(number, at, length)),
            Some((_, length)) => at += length,
            None => at += 1,
        }
    }
    let is_asked_for = |at: usize| {
        let introduced = at > 0 && matches!(words[at - 1].as_str(), "say" | "maybe" | "probably" | "number");
        words.len() <= SHORT_ANSWER || (introduced && at + 1 == words.len())
    };
    let mut sounds = words.iter().enumerate().filter(|(at, _)| is_asked_for(*at));
    let heard = sounds.find_map(|(at, word)| Some((at, sounds_like(word).filter(in_range)?)));
    heard.map(|(at, number)| mention(number, at, 1))
}

fn run_of_digits(min: usize, max: usize, words: &[String]) -> Option<Mention> {
    let mut at = 0;
    while at < words.len() {
        let (run, length) = digits(&words[at..]);
        if (min..=max).contains(&run.len()) {
            let says = run.chars().map(String::from).collect::<Vec<_>>().join(" ");
            let score = u32::try_from(length).unwrap_or(u32::MAX);
            return Some(Mention { value: Value { value: run, says }, start: at, end: at + length, score });
        }
        at += length.max(1);
    }
    None
}

fn first_spoken(words: &[String], read: fn(&[String], usize) -> Option<Spoken>) -> Option<Mention> {
    let (start, found) = (0..words.len()).find_map(|at| Some((at, read(words, at)?)))?;
    Some(Mention {
        value: Value { value: found.value, says: found.says },
        start,
        end: start + found.length,
        score: u32::try_from(found.length).unwrap_or(u32::MAX),
    })
}

fn choice(choices: &[Choice], words: &[String]) -> Option<Mention> {
    let mut chosen: Option<(Found, &Choice)> = None;
    for choice in choices {
        if let Some(found) = best(&choice.patterns, words)
            && chosen.is_none_or(|(best, _)| found.score > best.score)
        {
            chosen = Some((found, choice));
        }
    }
    let (found, choice) = chosen?;
    let value = Value { value: choice.value.clone(), says: choice.says.clone() };
    Some(Mention { value, start: found.start, end: found.end, score: found.score })
}

fn free_text(said: &Said, words: &[String]) -> Option<Mention> {
    let any = words.iter().any(|word| !word.is_empty());
    let value = || Value::plain(said.text.trim().chars().take(LONGEST_TEXT).collect::<String>());
    any.then(|| Mention { value: value(), start: 0, end: 0, score: 0 })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};
    use vox_shared::model::script::words::words;

    use super::*;

    fn check(slot: &Json, said: &str, expected: Option<&str>) {
        let script = json!({"start": "a", "slots": {"it": slot}, "states": {"a": {"ask": "x"}}});
        let script = Script::parse(&script).unwrap();
        let said = Said { text: said.to_owned(), words: words(said) };
        let found = find(&script, &script.slots["it"].kind, &said).map(|found| found.value.value);
        assert_eq!(found.as_deref(), expected, "{said:?}");
    }

    #[test]
    fn yes_and_no_are_told_apart() {
        let slot = json!({"type": "yes_no"});
        for yes in [
            "yes",
            "Yeah, sure.",
            "of course",
            "that's fine",
            "no problem",
            "I can make it",
            "yes I can",
            "sounds good",
            "no wait yes",
            "not a problem",
            "yes that is correct",
            "ok",
            "fine",
        ] {
            check(&slot, yes, Some("yes"));
        }
        for no in [
            "no",
            "nope",
            "not really",
            "I can't",
            "I cannot make it",
            "no thanks",
            "that doesn't work for me",
            "no that's fine",
            "yes, sorry, no",
            "I don't think so",
            "unfortunately I'm busy",
            "know",
            "no, that's all",
            "yeah no",
            "that's not right",
            "of course not",
            "I will not",
        ] {
            check(&slot, no, Some("no"));
        }
        check(&slot, "maybe", None);
        check(&slot, "what do you mean", None);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let slot = json!({"type": "number", "min": 1, "max": 5});
        check(&slot, "I'd say four", Some("4"));
        check(&slot, "for", Some("4"));
        check(&slot, "I'd say for", Some("4"));
        check(&slot, "for me it is fine", None);
        check(&slot, "ten", None);
        check(&slot, "nine, sorry, five", Some("5"));
        check(&slot, "3 out of 5", Some("3"));
    }

    #[test]
    fn digits_choices_and_text_are_found() {
        let phone = json!({"type": "digits", "min": 6, "max": 10});
        check(&phone, "it's nine eight double seven oh one", Some("987701"));
        check(&phone, "nine eight", None);
        let doctor = json!({"type": "choice", "choices": [
            {"value": "shah", "match": ["(doctor|dr) shah", "shah"]},
            {"value": "rao", "match": ["rao", "row"]}
        ]});
        check(&doctor, "Dr. Rao please", Some("rao"));
        check(&doctor, "with rao, sorry, with doctor Shah", Some("shah"));
        check(&doctor, "anyone", None);
        check(&json!({"type": "text"}), " The queue was long. ", Some("The queue was long."));
    }

    #[test]
    fn a_second_thought_replaces_the_first() {
        let day = json!({"type": "date"});
        check(&day, "tuesday no sorry wednesday", Some("wednesday"));
        check(&day, "friday no", Some("friday"));
        let time = json!({"type": "time"});
        check(&time, "at three, no, at four", Some("16:00"));
    }
}
