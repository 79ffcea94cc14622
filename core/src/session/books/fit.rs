//! Fitting a voice's words to the text it was given.

use crate::provider::tts::WordMark;

/// How far a word is looked for, characters of the text, when it is not the next one.
const REACH: usize = 60;
/// A word that is looked for has this many letters; shorter ones stand everywhere.
const LONG_ENOUGH: usize = 3;

/// A part of the text and its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Characters of the text.
    pub from: usize,
    pub to: usize,
    pub started_ms: u32,
    pub ended_ms: u32,
}

/// The spans of a text that the marks give times for, in order and without overlaps.
pub(super) fn fit(text: &[char], marks: &[WordMark]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    // Marks that fit nothing so far, from the first to the last.
    let mut loose: Option<(u32, u32)> = None;
    let mut at = 0;
    for mark in marks {
        let word: Vec<char> = letters(mark.text.chars()).collect();
        if word.is_empty() {
            continue;
        }
        let Some((from, to)) = find(text, at, &word) else {
            let (start, _) = loose.unwrap_or((mark.started_ms, 0));
            loose = Some((start, mark.ended_ms));
            continue;
        };
        let between = &text[at..from];
        if between.iter().any(|c| c.is_alphanumeric()) {
            let before_ms = spans.last().map_or(0, |s| s.ended_ms);
            let (started_ms, ended_ms) = loose.unwrap_or((before_ms, mark.started_ms));
            let (from, to) = trimmed(text, at, from);
            push(&mut spans, Span { from, to, started_ms, ended_ms });
        }
        loose = None;
        push(&mut spans, Span { from, to, started_ms: mark.started_ms, ended_ms: mark.ended_ms });
        at = to;
    }
    spans
}

/// Speech goes one way: what comes later begins no earlier, and what came before ends by then.
fn push(spans: &mut Vec<Span>, mut span: Span) {
    for before in spans.iter_mut().rev().take_while(|s| s.ended_ms > span.started_ms) {
        before.ended_ms = before.ended_ms.min(span.started_ms);
        before.started_ms = before.started_ms.min(before.ended_ms);
    }
    span.ended_ms = span.ended_ms.max(span.started_ms);
    spans.push(span);
}

fn letters(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    text.filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Where `word` stands in the text: next, or a little further where a word begins.
fn find(text: &[char], at: usize, word: &[char]) -> Option<(usize, usize)> {
    let next = at + text[at..].iter().position(|c| c.is_alphanumeric())?;
    if let Some(to) = matches(text, next, word) {
        return Some((begins(text, at, next), to));
    }
    if word.len() < LONG_ENOUGH {
        return None;
    }
    let end = text.len().min(next + REACH);
    let found = (next + 1..end).find_map(|from| {
        let is_start = text[from].is_alphanumeric() && !text[from - 1].is_alphanumeric();
        matches(text, from, word).filter(|_| is_start).map(|to| (from, to))
    });
    found.map(|(from, to)| (begins(text, at, from), to))
}

/// Where the text's letters from `from` on are `word`'s, signs between them apart: the end, with the signs behind it.
fn matches(text: &[char], from: usize, word: &[char]) -> Option<usize> {
    let mut word = word.iter();
    let mut wanted = word.next();
    let mut at = from;
    while let Some(letter) = wanted {
        let c = text.get(at)?;
        if c.is_alphanumeric() {
            for lower in c.to_lowercase() {
                if wanted != Some(&lower) {
                    return None;
                }
                wanted = word.next();
            }
        } else if at == from || (c.is_whitespace() && !letter.is_numeric()) {
            return None;
        }
        at += 1;
    }
    let signs =
        text[at..].iter().take_while(|c| !c.is_alphanumeric() && !c.is_whitespace() && !opens(**c)).count();
    Some(at + signs)
}

fn opens(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '“' | '‘' | '«' | '「' | '『' | '（' | '《' | '$' | '€' | '£' | '#')
}

/// The word's beginning with the signs before it.
fn begins(text: &[char], at: usize, word: usize) -> usize {
    let signs =
        text[at..word].iter().rev().take_while(|c| !c.is_whitespace() && !c.is_alphanumeric()).count();
    word - signs
}

fn trimmed(text: &[char], from: usize, to: usize) -> (usize, usize) {
    let lead = text[from..to].iter().take_while(|c| c.is_whitespace()).count();
    let tail = text[from + lead..to].iter().rev().take_while(|c| c.is_whitespace()).count();
    (from + lead, to - tail)
}
