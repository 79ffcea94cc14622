//! From a raw piece of a reply to what the voice says: markup goes where it is markup, signs with a meaning stay.

mod brackets;
mod emphasis;
mod out;
mod signs;

use super::entity;
use super::language::{self, Names};
use super::line::{self, Line};
use super::piece::Piece;
use super::sign::{is_between, is_danda, is_joiner, is_noise, is_pictograph, is_virama, joins};
use emphasis::Emphasis;
use out::{Out, Said};

/// Faces made of signs.
const FACES: [&str; 10] = [":)", ":-)", ";)", ";-)", ":D", ":-D", ":(", ":-(", ":P", ":-P"];

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
    /// Directions for the voice in it.
    cues: Vec<(u32, String)>,
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
            let (units, begins) = (units(text, kept), kept);
            kept += u32::try_from(text.chars().count() + 1).unwrap_or(u32::MAX);
            let is_whole = at + 1 < lines || is_last;
            let from = self.begin(&units, text);
            if let Some(from) = from {
                Speech { cleaner: self, units: &units, begins, names, is_whole }.say(from, &mut out);
            }
            if is_whole {
                self.emphasis.line_ends();
            }
            out.gap();
            // A piece that ends with its line leaves an empty one.
            self.mid_line = !is_whole && (self.mid_line || !text.is_empty());
        }
        let Said { say, keep, ends, cues } = out.finish(keep);
        let cues = std::mem::take(&mut self.cues).into_iter().chain(cues).collect();
        if !say.chars().any(char::is_alphanumeric) {
            (self.lead, self.cues) = (keep, cues);
            return None;
        }
        Some(Piece::new(say, keep, ends).with_cues(cues))
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

/// No space belongs before it.
fn closes(c: char) -> bool {
    matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | ')' | '…' | '।')
}

fn is_currency(c: char) -> bool {
    c == '$' || matches!(c, '\u{A2}'..='\u{A5}' | '\u{20A0}'..='\u{20C0}')
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
                // A line break.
                None => (' ', 1, false),
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
    /// Characters kept before it.
    begins: u32,
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
    /// The next so many are a direction for the voice: this one, where it is no tag. And a pause, where it is no dress.
    Cue { length: usize, cue: Option<String>, pauses: bool },
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
                Step::Cue { length, cue, pauses } => {
                    out.cue(cue, self.cut(at, length));
                    if pauses {
                        out.gap();
                    }
                    length
                }
                Step::Pause(length) => {
                    out.gap();
                    out.skip();
                    length
                }
            };
            at += length;
        }
    }

    /// What of the kept text goes with the next so many characters: one of two spaces around them too.
    fn cut(&self, at: usize, length: usize) -> (u32, u32) {
        let behind = |at: usize| at.checked_sub(1).map_or(self.begins, |before| self.units[before].keep);
        let (before, next) = (self.before(at), self.at(at + length));
        let is_free = before.is_none_or(char::is_whitespace);
        match next {
            Some(c) if is_free && c.is_whitespace() => (behind(at), behind(at + length + 1)),
            next if before.is_some() && is_free && next.is_none_or(closes) => {
                (behind(at - 1), behind(at + length))
            }
            _ => (behind(at), behind(at + length)),
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
            '≈' => self.names.map_or(Step::Say, |n| Step::Words(format!(" {} ", n.about), 1)),
            '{' => self.variable(at),
            ':' | ';' => self.shortcode(at),
            '[' | '!' => self.bracket(at, skips),
            '【' | '\u{E200}' => self.citation(at),
            '<' => self.less(at, skips),
            '>' | '≤' | '≥' => self.more(at),
            '#' => self.hash(at),
            '♯' => self.names.map_or(Step::Skip(1), |n| Step::Words(format!(" {} ", n.sharp), 1)),
            '♭' => self.names.map_or(Step::Skip(1), |n| Step::Words(format!(" {} ", n.flat), 1)),
            '=' | '-' => self.strokes(at),
            '|' if self.is_danda(at) => Step::Words("।".to_owned(), 1),
            '|' => Step::Words(
                if self.cleaner.row || self.is_cell(at) { ", " } else { " " }.to_owned(),
                self.run(at),
            ),
            'h' | 'H' | 'w' | 'W' | 'm' => self.address(at),
            '•' | '●' | '▪' | '·' if self.before(at).is_none_or(char::is_whitespace) => Step::Skip(1),
            c if is_noise(c) => Step::Skip(1),
            // It parts what it stands between: "Delhi→Mumbai".
            c if is_pictograph(c) => Step::Pause(1),
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
        let shapes = before_letter || !is_between(c) || self.before(at).is_some_and(is_virama);
        if after_letter && shapes { Step::Say } else { Step::Skip(1) }
    }

    /// A stroke for the danda: behind an Indian letter, before a space, and in no table.
    fn is_danda(&self, at: usize) -> bool {
        let before: String = self.units[..at].iter().map(|u| u.c).collect();
        !self.cleaner.row && is_danda(&before) && self.at(at + 1).is_none_or(char::is_whitespace)
    }

    /// A picture by its name, `:smile:`, or made of signs.
    fn shortcode(&self, at: usize) -> Step {
        let is_space =
            |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '.' | ',' | '!' | '?'));
        let is_free = self.before(at).is_none_or(char::is_whitespace);
        let face = FACES.iter().find(|face| {
            let length = face.chars().count();
            face.chars().enumerate().all(|(n, c)| self.at(at + n) == Some(c))
                && is_space(self.at(at + length))
        });
        if let Some(face) = face.filter(|_| is_free) {
            return Step::Skip(face.chars().count());
        }
        let name: String = self.units[at + 1..].iter().map(|u| u.c).take_while(|c| *c != ':').collect();
        let length = name.chars().count();
        let is_name = length > 1
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let is_open =
            self.before(at).is_none_or(char::is_whitespace) && self.at(at + length + 1) == Some(':');
        if is_name && is_open && is_space(self.at(at + length + 2)) {
            Step::Skip(length + 2)
        } else {
            Step::Say
        }
    }
}
