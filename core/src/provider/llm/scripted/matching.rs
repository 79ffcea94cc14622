//! Finds word patterns in what was said, and forgives what recognisers do to words.

use std::collections::BTreeMap;

use vox_shared::model::script::pattern::{Node, Pattern};

/// Words from this length on may differ by one letter.
const FUZZY_LETTERS: usize = 6;

/// Words from this length on may lack or gain a final `s`.
const PLURAL_LETTERS: usize = 4;

/// Where a pattern was found: words `start..end`, of which `score` were named by the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub start: usize,
    pub end: usize,
    pub score: u32,
}

/// How far a match has come: positions reached, with the best score for each.
type Reached = BTreeMap<usize, u32>;

/// The best match of the best pattern; the first of equals.
pub(super) fn best(patterns: &[Pattern], words: &[String]) -> Option<Found> {
    let mut best: Option<Found> = None;
    for found in patterns.iter().flat_map(|pattern| all(pattern, words)) {
        if best.is_none_or(|best| found.score > best.score) {
            best = Some(found);
        }
    }
    best
}

/// The longest match of a pattern at every place where it matches.
pub(super) fn all(pattern: &Pattern, words: &[String]) -> Vec<Found> {
    if words.is_empty() {
        return Vec::new();
    }
    if pattern.is_anything() {
        return vec![Found { start: 0, end: words.len(), score: 0 }];
    }
    let starts = if pattern.from_start { 0..1 } else { 0..words.len() };
    starts.filter_map(|start| found_at(pattern, words, start)).collect()
}

fn found_at(pattern: &Pattern, words: &[String], start: usize) -> Option<Found> {
    let reached = sequence(&pattern.nodes, words, Reached::from([(start, 0)]));
    let ends = reached.into_iter().filter(|&(end, _)| !pattern.to_end || end == words.len());
    ends.max_by_key(|&(_, score)| score).map(|(end, score)| Found { start, end, score })
}

fn sequence(nodes: &[Node], words: &[String], from: Reached) -> Reached {
    nodes.iter().fold(from, |from, node| step(node, words, &from))
}

fn step(node: &Node, words: &[String], from: &Reached) -> Reached {
    let mut to = Reached::new();
    match node {
        Node::Word(word) => {
            for (&at, &score) in from {
                if let Some(length) = word_at(word, words, at) {
                    reach(&mut to, at + length, score + 1);
                }
            }
        }
        Node::AnyWord => {
            for (&at, &score) in from.iter().filter(|&(&at, _)| at < words.len()) {
                reach(&mut to, at + 1, score);
            }
        }
        Node::AnyWords => {
            for (&at, &score) in from {
                (at..=words.len()).for_each(|end| reach(&mut to, end, score));
            }
        }
        Node::OneOf(options) => {
            options.iter().for_each(|nodes| join(&mut to, sequence(nodes, words, from.clone())))
        }
        Node::Maybe(options) => {
            to = from.clone();
            options.iter().for_each(|nodes| join(&mut to, sequence(nodes, words, from.clone())));
        }
        Node::Set(patterns) => {
            patterns.iter().for_each(|pattern| join(&mut to, set_member(pattern, words, from)))
        }
    }
    to
}

/// Inside another pattern `^` and `$` of a set's member still mean the beginning and end of what was said.
fn set_member(pattern: &Pattern, words: &[String], from: &Reached) -> Reached {
    let mut from = from.clone();
    from.retain(|&at, _| !pattern.from_start || at == 0);
    let mut to = sequence(&pattern.nodes, words, from);
    to.retain(|&end, _| !pattern.to_end || end == words.len());
    to
}

fn reach(to: &mut Reached, at: usize, score: u32) {
    let best = to.entry(at).or_insert(score);
    *best = score.max(*best);
}

fn join(to: &mut Reached, more: Reached) {
    more.into_iter().for_each(|(at, score)| reach(to, at, score));
}

/// How many of the words at this place are this word: two when a recogniser split it ("re schedule").
pub(super) fn word_at(word: &str, words: &[String], at: usize) -> Option<usize> {
    let here = words.get(at)?;
    if is_like(word, here) {
        return Some(1);
    }
    let rest = word.strip_prefix(here.as_str()).filter(|rest| !rest.is_empty() && !here.is_empty())?;
    (words.get(at + 1)? == rest).then_some(2)
}

/// The same word, but for a plural or, in long words, one letter after the first.
pub(super) fn is_like(word: &str, heard: &str) -> bool {
    if word == heard {
        return true;
    }
    let (long, short) = if word.len() > heard.len() { (word, heard) } else { (heard, word) };
    if short.len() >= PLURAL_LETTERS && long.strip_suffix('s') == Some(short) {
        return true;
    }
    let letters = short.chars().count();
    letters >= FUZZY_LETTERS && word.chars().next() == heard.chars().next() && differ_by_one(long, short)
}

/// One letter exchanged, or one too many in the longer word.
fn differ_by_one(long: &str, short: &str) -> bool {
    let (long, short): (Vec<char>, Vec<char>) = (long.chars().collect(), short.chars().collect());
    let same_start = long.iter().zip(&short).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => long.get(same_start + 1..) == short.get(same_start + 1..),
        1 => long.get(same_start + 1..) == short.get(same_start..),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_shared::model::script::{Script, words::words};

    use super::*;

    fn pattern(text: &str) -> Pattern {
        let script = json!({
            "start": "a",
            "intents": [{"name": "it", "match": text, "say": "x"}],
            "states": {"a": {"ask": "x"}}
        });
        Script::parse(&script).unwrap().intents[0].patterns[0].clone()
    }

    fn check(text: &str, said: &str, score: Option<u32>) {
        let found = best(&[pattern(text)], &words(said));
        assert_eq!(found.map(|found| found.score), score, "{text} in {said:?}");
    }

    #[test]
    fn patterns_are_found_anywhere() {
        check("when (do|are) you [really] open", "so when do you really open today", Some(5));
        check("when (do|are) you [really] open", "when are you open", Some(4));
        check("when (do|are) you [really] open", "when will you open", None);
        check("i want * person", "i want to talk to a person please", Some(3));
        check("call _ back", "call me back", Some(2));
        check("call _ back", "call back", None);
        check("^no$", "no", Some(1));
        check("^no$", "no way", None);
        check("<yes> please", "of course please", Some(3));
        check("*", "anything", Some(0));
        check("*", "", None);
    }

    #[test]
    fn what_recognisers_do_to_words_is_forgiven() {
        check("reschedule", "re schedule it", Some(1));
        check("reschedule", "reschedual", None);
        check("appointment", "appointmend", Some(1));
        check("appointment", "appointmnt", Some(1));
        check("hour", "hours", Some(1));
        check("parking", "marking", None);
        check("cat", "cut", None);
    }

    #[test]
    fn a_nasty_pattern_ends_at_once() {
        let text = "* a * a * a * a * a * a * a * a * b";
        check(text, &"a ".repeat(100), None);
    }
}
