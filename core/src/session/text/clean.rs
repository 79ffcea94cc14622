//! From a raw piece of a reply to what the voice says: markup goes where it is markup, signs with a meaning stay.

mod emphasis;
mod out;

use super::entity;
use super::language::{self, Names};
use super::line::{self, Line};
use super::link;
use super::piece::Piece;
use super::sign::{is_between, is_joiner, is_noise, is_pictograph, joins};
use super::tag::{self, Tag};
use emphasis::Emphasis;
use out::Out;

/// Cleans the pieces of one reply, in order.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    language: String,
    emphasis: Emphasis,
    /// The next piece goes on in the last one's line.
    mid_line: bool,
    /// That line is a table's row.
    row: bool,
    /// Kept text of which nothing is said, before the next piece.
    lead: String,
}

/// A character of a line.
#[derive(Clone, Copy, Debug)]
struct Unit {
    c: char,
    /// Characters of the kept text up to its end.
    keep: u32,
    /// It was escaped: never markup.
    literal: bool,
}

impl Cleaner {
    pub(super) fn new(language: &str) -> Self {
        Self { language: language.to_owned(), ..Self::default() }
    }

    /// All before is gone.
    pub(super) fn forget(&mut self) {
        *self = Self::new(&self.language);
    }

    /// Clean a piece. `None` when nothing of it can be said; its kept text then goes with the next one.
    pub(super) fn clean(&mut self, raw: &str, is_last: bool) -> Option<Piece> {
        let keep = std::mem::take(&mut self.lead) + raw;
        let mut kept = u32::try_from(keep.chars().count() - raw.chars().count()).unwrap_or(u32::MAX);
        let mut out = Out::default();
        let names = names(&self.language, raw);
        let lines = raw.split('\n').count();
        for (at, text) in raw.split('\n').enumerate() {
            let units = units(text, kept);
            kept += u32::try_from(text.chars().count() + 1).unwrap_or(u32::MAX);
            let is_whole = at + 1 < lines || is_last;
            let from = self.begin(&units, text);
            if let Some(from) = from {
                Speech { cleaner: self, units: &units, names, is_whole }.say(from, &mut out);
            }
            if is_whole {
                self.emphasis.line_ends();
            }
            out.gap();
            // A piece that ends with its line leaves an empty one.
            self.mid_line = !is_whole && (self.mid_line || !text.is_empty());
        }
        let (say, ends) = out.finish();
        if !say.chars().any(char::is_alphanumeric) {
            self.lead = keep;
            return None;
        }
        Some(Piece::new(say, keep, ends))
    }

    /// Where a line's text begins behind its markup. `None` when there is none.
    fn begin(&mut self, units: &[Unit], text: &str) -> Option<usize> {
        if self.mid_line {
            return Some(0);
        }
        self.row = false;
        let chars: Vec<char> = units.iter().map(|u| if u.literal { 'x' } else { u.c }).collect();
        match line::read(&chars) {
            Line::Nothing => None,
            Line::Row => {
                self.row = true;
                Some(0)
            }
            Line::Text(from) => Some(from.min(text.len())),
        }
    }
}

/// The names of signs, where the text is in their language's script.
fn names(language: &str, text: &str) -> Option<Names> {
    let foreign = |c: char| c.is_alphabetic() && c > '\u{24F}' && !('\u{1E00}'..='\u{1EFF}').contains(&c);
    let has_foreign = text.chars().any(foreign);
    let is_hindi = language.starts_with("hi");
    match (has_foreign, is_hindi) {
        (false, true) => language::names("en"),
        (true, true) if text.chars().any(|c| ('\u{900}'..='\u{97F}').contains(&c)) => {
            language::names(language)
        }
        (true, _) => None,
        (false, false) => language::names(language),
    }
}

/// A line's characters, entities and escapes read. `kept` characters were kept before it.
fn units(text: &str, kept: u32) -> Vec<Unit> {
    let chars: Vec<char> = text.chars().collect();
    let mut units = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let (c, length, literal) = match c {
            '&' => entity::read(&chars[at..]).map_or((c, 1, false), |(c, length)| (c, length, false)),
            '\\' => match chars.get(at + 1) {
                Some(next) if next.is_ascii_punctuation() => (*next, 2, true),
                _ => (c, 1, false),
            },
            c => (c, 1, false),
        };
        at += length;
        units.push(Unit { c, keep: kept + u32::try_from(at).unwrap_or(u32::MAX), literal });
    }
    units
}

/// A line being said.
struct Speech<'a> {
    cleaner: &'a mut Cleaner,
    units: &'a [Unit],
    names: Option<Names>,
    /// Its end is at hand.
    is_whole: bool,
}

/// What a place of a line is.
enum Step {
    /// Say the character.
    Say,
    /// Say other characters for the next so many.
    Words(String, usize),
    /// Say nothing for the next so many.
    Skip(usize),
    /// The same, and a pause.
    Pause(usize),
}

impl Speech<'_> {
    fn say(&mut self, from: usize, out: &mut Out) {
        let mut skips: Vec<(usize, usize)> = Vec::new();
        let mut at = from;
        while let Some(unit) = self.units.get(at) {
            if let Some(skip) = skips.iter().position(|(begin, _)| *begin == at) {
                at = skips.swap_remove(skip).1;
                continue;
            }
            let step = if unit.literal { Step::Say } else { self.step(at, &mut skips) };
            let length = match step {
                Step::Say => {
                    out.say(unit.c, unit.keep);
                    1
                }
                Step::Words(words, length) => {
                    out.words(&words, self.units[at + length - 1].keep);
                    length
                }
                Step::Skip(length) => {
                    out.skip();
                    length
                }
                Step::Pause(length) => {
                    out.gap();
                    length
                }
            };
            at += length;
        }
    }

    fn at(&self, at: usize) -> Option<char> {
        self.units.get(at).map(|u| u.c)
    }

    fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|at| self.at(at))
    }

    fn run(&self, at: usize) -> usize {
        let c = self.units[at].c;
        self.units[at..].iter().take_while(|u| u.c == c && !u.literal).count()
    }

    /// The rest of the line as text.
    fn rest(&self, at: usize) -> String {
        self.units[at..].iter().map(|u| u.c).collect()
    }

    fn step(&mut self, at: usize, skips: &mut Vec<(usize, usize)>) -> Step {
        let c = self.units[at].c;
        match c {
            '`' => Step::Skip(1),
            '*' | '_' => {
                let length = self.run(at);
                if self.cleaner.emphasis.is_markup(self.units, at, length, self.is_whole) {
                    Step::Skip(length)
                } else {
                    self.literally(at, length)
                }
            }
            '~' => self.tilde(at),
            '[' | '!' => self.bracket(at, skips),
            '【' => self.citation(at),
            '<' => self.less(at, skips),
            '>' | '≤' | '≥' => self.more(at),
            '#' => self.hash(at),
            '♯' => self.names.map_or(Step::Skip(1), |n| Step::Words(format!(" {} ", n.sharp), 1)),
            '♭' => self.names.map_or(Step::Skip(1), |n| Step::Words(format!(" {} ", n.flat), 1)),
            '=' | '-' => self.strokes(at),
            '|' => Step::Words(
                if self.cleaner.row || self.is_cell(at) { ", " } else { " " }.to_owned(),
                self.run(at),
            ),
            'h' | 'H' | 'w' | 'W' | 'm' => self.address(at),
            '•' | '●' | '▪' | '·' if self.before(at).is_none_or(char::is_whitespace) => Step::Skip(1),
            c if is_noise(c) || is_pictograph(c) => Step::Skip(1),
            c if is_joiner(c) => self.joiner(at),
            _ => Step::Say,
        }
    }

    fn literally(&self, at: usize, length: usize) -> Step {
        if length == 1 {
            Step::Say
        } else {
            Step::Words(self.units[at..at + length].iter().map(|u| u.c).collect(), length)
        }
    }

    fn is_cell(&self, at: usize) -> bool {
        self.before(at).is_some_and(char::is_whitespace) && self.at(at + 1).is_some_and(char::is_whitespace)
    }

    /// Joiners stay between letters of the scripts that need them.
    fn joiner(&self, at: usize) -> Step {
        let c = self.units[at].c;
        let after_letter = self.before(at).is_some_and(joins);
        let before_letter = self.at(at + 1).is_some_and(joins);
        if after_letter && (before_letter || !is_between(c)) { Step::Say } else { Step::Skip(1) }
    }

    fn tilde(&self, at: usize) -> Step {
        let length = self.run(at);
        let next = self.at(at + length);
        let is_number = next.is_some_and(char::is_numeric);
        let inside =
            self.before(at).is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
        match (length, self.names) {
            (1, _) if inside => Step::Say,
            (1, Some(names)) if is_number => Step::Words(format!("{} ", names.about), 1),
            (1, None) if is_number => Step::Say,
            _ => Step::Skip(length),
        }
    }

    /// Links and pictures become their text.
    fn bracket(&self, at: usize, skips: &mut Vec<(usize, usize)>) -> Step {
        let is_picture = self.at(at) == Some('!');
        let open = at + usize::from(is_picture);
        if self.at(open) != Some('[') || self.units[open].literal {
            return Step::Say;
        }
        let rest = self.rest(open);
        if let Ok(found) = link::link(&rest) {
            let chars = |bytes: usize| rest[..bytes].chars().count();
            let (text_end, end) = (open + chars(found.text_end), open + chars(found.end));
            if text_end == open + 1 {
                let target = rest[found.text_end + 1..found.end].trim_matches(['(', ')', '[', ']']);
                let (from, to) = link::host(target);
                return if is_picture {
                    Step::Skip(end - at)
                } else {
                    Step::Words(target[from..to].to_owned(), end - at)
                };
            }
            skips.push((text_end, end));
            return Step::Skip(open + 1 - at);
        }
        if is_picture {
            return Step::Say;
        }
        let Some(close) = rest.find(']') else { return Step::Say };
        let inside = &rest[1..close];
        let is_glued = self.before(at).is_some_and(|c| !c.is_whitespace() && c != '(');
        let is_note = inside.starts_with('^')
            || (is_glued
                && !inside.is_empty()
                && inside.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-')));
        if is_note { Step::Skip(rest[..=close].chars().count()) } else { Step::Say }
    }

    /// `【4:0†source】`
    fn citation(&self, at: usize) -> Step {
        let rest = self.rest(at);
        let end = rest.find('】').filter(|end| rest[..*end].contains('†'));
        end.map_or(Step::Say, |end| Step::Skip(rest[..end].chars().count() + 1))
    }

    fn less(&self, at: usize, skips: &mut Vec<(usize, usize)>) -> Step {
        let rest = self.rest(at);
        if let Ok(end) = link::tag(&rest) {
            let length = rest[..end].chars().count();
            return match tag::read(&rest[1..end - 1]) {
                Tag::Dress => Step::Skip(length),
                Tag::Break => Step::Pause(length),
                Tag::Address | Tag::Words => {
                    skips.push((at + length - 1, at + length));
                    Step::Skip(1)
                }
            };
        }
        let arrow = rest.chars().skip(1).take_while(|c| matches!(c, '-' | '=')).count();
        if arrow > 0 && rest.chars().nth(1) == Some('-') {
            return Step::Skip(1 + arrow);
        }
        let is_equal = self.at(at + 1) == Some('=');
        self.compared(at, 1 + usize::from(is_equal), |n| if is_equal { n.at_most } else { n.less })
    }

    fn more(&self, at: usize) -> Step {
        match (self.units[at].c, self.at(at + 1)) {
            ('≤', _) => self.compared(at, 1, |n| n.at_most),
            ('≥', _) => self.compared(at, 1, |n| n.at_least),
            (_, Some('=')) => self.compared(at, 2, |n| n.at_least),
            _ => self.compared(at, 1, |n| n.more),
        }
    }

    /// A comparison where a number or a second operand follows; else a stray sign.
    fn compared(&self, at: usize, length: usize, name: impl Fn(&Names) -> &'static str) -> Step {
        let is_spaced = self.before(at).is_some_and(char::is_whitespace)
            && self.at(at + length).is_some_and(char::is_whitespace);
        let next = self.units[at + length..].iter().map(|u| u.c).find(|c| !c.is_whitespace());
        let is_amount = next.is_some_and(|c| {
            c.is_numeric() || matches!(c, '$' | '€' | '£' | '₹' | '¥' | '-' | '+' | '.' | '~')
        });
        let follows = next.is_some_and(|c| c.is_alphanumeric()) && is_spaced && at > 0;
        if !is_amount && !follows {
            return if self.units[at].c.is_ascii() { Step::Skip(length) } else { Step::Say };
        }
        match &self.names {
            Some(names) => Step::Words(format!(" {} ", name(names)), length),
            None => self.literally(at, length),
        }
    }

    /// `#4` is a number, `C#` a note or a language.
    fn hash(&self, at: usize) -> Step {
        let length = self.run(at);
        let before = self.before(at);
        let next = self.at(at + length);
        let is_word = before.is_some_and(char::is_alphanumeric);
        if length == 1 && !is_word && next.is_some_and(char::is_numeric) {
            return self.names.map_or(Step::Say, |n| Step::Words(format!("{} ", n.number), 1));
        }
        let alone = at < 2 || self.at(at - 2).is_none_or(|c| !c.is_alphanumeric());
        let is_note = length == 1
            && alone
            && before.is_some_and(|c| matches!(c, 'A'..='G' | 'J'))
            && !next.is_some_and(char::is_alphanumeric);
        if let (true, Some(names)) = (is_note, self.names) {
            return Step::Words(format!(" {}", names.sharp), 1);
        }
        let closes_heading = length > 1 && !is_word && next.is_none();
        if closes_heading { Step::Skip(length) } else { self.literally(at, length) }
    }

    /// Arrows go, `--` is a dash, `==marked==` loses its marks.
    fn strokes(&self, at: usize) -> Step {
        let (c, length) = (self.units[at].c, self.run(at));
        let (before, next) = (self.before(at), self.at(at + length));
        if next == Some('>') && !(c == '=' && before == Some('>')) {
            return Step::Skip(length + 1);
        }
        let open = before.is_none_or(char::is_whitespace);
        let close = next.is_none_or(char::is_whitespace);
        match (c, length) {
            ('=', 2) if open != close => Step::Skip(2),
            ('-', 2 | 3) if open == close && before.is_some() && next.is_some() => {
                Step::Words("—".to_owned(), length)
            }
            _ => self.literally(at, length),
        }
    }

    /// Of a bare address its host is said.
    fn address(&self, at: usize) -> Step {
        if self.before(at).is_some_and(char::is_alphanumeric) {
            return Step::Say;
        }
        let rest = self.rest(at) + "\n";
        let Ok(end) = link::address(&rest) else { return Step::Say };
        let (from, to) = link::host(&rest[..end]);
        if !rest[from..to].contains(char::is_alphanumeric) {
            return Step::Say;
        }
        Step::Words(rest[from..to].to_owned(), rest[..end].chars().count())
    }
}
