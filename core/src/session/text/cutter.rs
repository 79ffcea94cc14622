//! Where a piece ends: at a sentence's mark in every script, at a line's end, at a clause's mark where the voice should begin
//! soon or a sentence is long, and at a length where there is no mark at all.

use unicode_segmentation::UnicodeSegmentation as _;

use super::abbreviation::{Stop, counted, is_label, is_ordinal, starts_sentence, stop};
use super::link::{Region, region};
use super::sign::{
    is_closer, is_danda, is_phrase_spaced, is_terminal, is_unspaced, is_wide_clause, syllables,
};

/// A first piece may end at a clause mark once it is this long: the reply begins sooner. Lengths are in letters; a Chinese
/// character takes as long as three.
const FIRST_CLAUSE: usize = 24;
/// Any piece may end at a clause mark once it is this long.
const LONG_CLAUSE: usize = 160;
/// A piece without any mark ends at a space when it is this long, between two characters where there is none.
const LONGEST: usize = 240;
/// The same for the first one: the voice waits for it.
const LONGEST_FIRST: usize = 160;

/// Collects text and cuts it.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    text: String,
    /// Up to here nothing ends a piece.
    scanned: usize,
    /// Length of `text`, letters.
    length: usize,
    /// Something was said before: the first piece is out.
    pub(super) begun: bool,
    /// The text at hand begins a table's row.
    row: bool,
    /// The text at hand goes on in a line that began before it.
    in_line: bool,
    /// The number of the list's item at hand.
    item: Option<u32>,
    /// A guillemet was opened before the text at hand.
    quoting: bool,
}

enum Look {
    /// Nothing ends before this byte.
    On(usize),
    /// A piece ends at this byte.
    End(usize),
    /// It depends on what follows.
    Wait,
}

impl Cutter {
    /// Add a character; a piece that it completes.
    pub(super) fn push(&mut self, c: char) -> Option<String> {
        self.text.push(c);
        self.length += syllables(c);
        let cut = self.cut()?;
        self.quoting = self.is_quoting(cut);
        let rest = self.text.split_off(cut);
        let piece = std::mem::replace(&mut self.text, rest);
        self.length = self.text.chars().map(syllables).sum();
        self.scanned = 0;
        self.in_line = !piece.ends_with('\n');
        self.row &= self.in_line;
        Some(piece)
    }

    /// The text at hand ends with a sentence that only waits for what follows it.
    pub(super) fn is_settled(&self) -> bool {
        let Some(mark) = self.text[self.scanned..].chars().next() else { return false };
        let after = self.scanned + mark.len_utf8();
        if self.row || !self.text[after + tail(&self.text[after..])..].trim().is_empty() {
            return false;
        }
        match mark {
            '!' | '?' => true,
            '.' => {
                let (head, word) = last_word(&self.text[..self.scanned]);
                !is_unit(word, head) && stop(word, "", false) == Stop::Ends && !word.is_empty()
            }
            _ => is_terminal(mark) && mark != '．',
        }
    }

    /// The model pauses: what is settled is a piece.
    pub(super) fn settle(&mut self) -> Option<String> {
        if !self.is_settled() {
            return None;
        }
        self.quoting = self.is_quoting(self.text.len());
        self.in_line = true;
        (self.scanned, self.length) = (0, 0);
        Some(std::mem::take(&mut self.text))
    }

    /// What is left.
    pub(super) fn finish(&mut self) -> String {
        self.scanned = 0;
        self.length = 0;
        self.in_line = false;
        self.row = false;
        self.quoting = false;
        std::mem::take(&mut self.text)
    }

    fn cut(&mut self) -> Option<usize> {
        while let Some(c) = self.text[self.scanned..].chars().next() {
            match self.look(self.scanned, c) {
                Look::On(next) => self.scanned = next,
                Look::End(at) => return Some(at),
                Look::Wait => break,
            }
        }
        self.too_long()
    }

    fn look(&mut self, at: usize, c: char) -> Look {
        let after = at + c.len_utf8();
        if c == '|' && self.text[..at].trim().is_empty() && self.is_line_start(at) {
            self.row = true;
        }
        match region(&self.text, at) {
            Region::None => {}
            Region::Ends(end) => return Look::On(end),
            Region::Open => return Look::Wait,
        }
        match c {
            '\n' if self.is_blank_or_label(at) => Look::On(after),
            '\n' => Look::End(after),
            _ if self.row => Look::On(after),
            '.' | '!' | '?' | '…' => self.latin(at, after),
            ';' if self.is_greek(at) => self.latin(at, after),
            c if is_terminal(c) => self.wide(at, after),
            ',' | ';' | ':' | '—' | '–' => match self.text[after..].chars().next() {
                None => Look::Wait,
                Some(next) if next.is_whitespace() && self.clause_is_long(at) => Look::End(after),
                Some(_) => Look::On(after),
            },
            c if is_wide_clause(c) && self.clause_is_long(at) => Look::End(after),
            // Scripts that write words together part their phrases with spaces.
            c if c.is_whitespace()
                && self.text[..at].ends_with(is_phrase_spaced)
                && self.clause_is_long(at) =>
            {
                Look::End(after)
            }
            '|' if is_danda(&self.text[..at]) => match self.text[after..].chars().next() {
                None => Look::Wait,
                Some(next) if next.is_whitespace() => Look::End(after),
                Some(_) => Look::On(after),
            },
            _ => Look::On(after),
        }
    }

    /// A mark that wants a space behind it.
    fn latin(&mut self, at: usize, after: usize) -> Look {
        let end = after + tail(&self.text[after..]);
        let behind = &self.text[end..];
        let Some(next) = behind.chars().next() else { return Look::Wait };
        let marks = &self.text[at..end];
        if is_unspaced(next) && !marks.starts_with(['.', '…']) {
            return Look::End(end);
        }
        if !next.is_whitespace() {
            return self.glued(at, end);
        }
        let is_full_stop = marks.starts_with('.') && !marks[1..].starts_with(['.', '!', '?', '…']);
        let trails_off = !is_full_stop && marks.starts_with(['.', '…']) && !marks.contains(['!', '?']);
        if !is_full_stop && !trails_off {
            return Look::End(end);
        }
        let line = behind.find('\n');
        let behind = behind.trim_start();
        if self.is_quoting(at) && line.is_none() {
            // « Oui. » keeps its mark behind a space.
            match behind.chars().next() {
                None => return Look::Wait,
                Some('»') => return Look::End(self.text.len() - behind.len() + '»'.len_utf8()),
                Some(_) => {}
            }
        }
        if line.is_some_and(|line| self.text[end..end + line].trim().is_empty()) {
            // The line ends here; a number alone still waits for its item.
            return if self.is_blank_or_label(end) { Look::On(end) } else { Look::End(end) };
        }
        if trails_off {
            return match behind.chars().next() {
                None => Look::Wait,
                Some(next) if next.is_lowercase() => Look::On(end),
                Some(_) => Look::End(end),
            };
        }
        self.full_stop(at, end)
    }

    /// A mark without a space behind it: a sentence may follow all the same ("It is nine.We open").
    fn glued(&self, at: usize, end: usize) -> Look {
        let behind = &self.text[end..];
        let is_one = self.text[at..end].chars().count() == 1 && !self.text[at..].starts_with('…');
        let ends_word = self.text[..at].ends_with(char::is_alphanumeric);
        if !is_one || !ends_word || !behind.starts_with(char::is_uppercase) {
            return Look::On(end);
        }
        if !self.text[at..].starts_with('.') {
            return Look::End(end);
        }
        let (_, word) = last_word(&self.text[..at]);
        let is_word = word.chars().count() > 2 && word.chars().skip(1).all(char::is_lowercase);
        match starts_sentence(behind) {
            _ if !is_word || stop(word, "X ", false) != Stop::Ends => Look::On(end),
            None => Look::Wait,
            Some(true) => Look::End(end),
            Some(false) => Look::On(end),
        }
    }

    /// A single full stop with a space behind it: the words around it decide.
    fn full_stop(&mut self, at: usize, end: usize) -> Look {
        let (head, word) = last_word(&self.text[..at]);
        let line = self.line(at).trim_matches(|c: char| !c.is_alphanumeric());
        let is_all = self.is_line_start(at) && line == word;
        match listed(head, word, self.item.filter(|_| !is_all)) {
            Listed::No => {}
            Listed::Begins => return Look::End(head.len()),
            Listed::Item(number) => {
                let counts = is_all || number == 1 || self.item.is_some_and(|item| item + 1 == number);
                self.item = counts.then_some(number);
                return Look::On(end);
            }
        }
        if is_ordinal(word, head) {
            return Look::On(end);
        }
        let behind = self.text[end..].trim_start();
        if is_unit(word, head) && behind.chars().next().is_none_or(char::is_lowercase) {
            return if behind.is_empty() { Look::Wait } else { Look::On(end) };
        }
        match stop(word, behind, is_all) {
            Stop::Ends => Look::End(end),
            Stop::GoesOn => Look::On(end),
            Stop::Unknown => Look::Wait,
        }
    }

    /// A mark that ends a sentence whatever follows.
    fn wide(&self, at: usize, after: usize) -> Look {
        let end = after + tail(&self.text[after..]);
        match self.text[end..].chars().next() {
            None => Look::Wait,
            // A full-width stop inside a number or a name.
            Some(next)
                if self.text[at..].starts_with('．') && next.is_alphanumeric() && !is_unspaced(next) =>
            {
                Look::On(end)
            }
            Some(_) if self.is_blank_or_label(end) || self.text[..at].trim().is_empty() => Look::On(end),
            Some(_) => Look::End(end),
        }
    }

    fn clause_is_long(&self, at: usize) -> bool {
        let least = if self.begun { LONG_CLAUSE } else { FIRST_CLAUSE };
        self.text[..at].trim_start().chars().map(syllables).sum::<usize>() >= least
    }

    /// No mark in a long text: a space, else between two characters.
    fn too_long(&self) -> Option<usize> {
        let longest = if self.begun { LONGEST } else { LONGEST_FIRST };
        if self.length < longest {
            return None;
        }
        let head = &self.text[..self.scanned];
        let blank = head.len() - head.trim_start().len();
        let space = head[blank..].rfind(char::is_whitespace).map(|at| blank + at).filter(|_| !self.row);
        if let Some(at) = space.filter(|at| !self.is_blank_or_label(*at)) {
            return Some(at + self.text[at..].chars().next().map_or(0, char::len_utf8));
        }
        // A link or an address is held whole; its own limit ends that.
        let held = self.scanned < self.text.len() && matches!(region(&self.text, self.scanned), Region::Open);
        if held || (self.length < 2 * longest && !self.text.chars().any(is_unspaced)) {
            return None;
        }
        let (last, _) = self.text.grapheme_indices(true).next_back()?;
        (last > 0).then_some(last)
    }

    /// The line that `at` stands in, as far as it is at hand.
    fn line(&self, at: usize) -> &str {
        let head = &self.text[..at];
        &head[head.rfind('\n').map_or(0, |at| at + 1)..]
    }

    fn is_line_start(&self, at: usize) -> bool {
        !self.in_line || self.text[..at].contains('\n')
    }

    /// Nothing but space, or a list's number that belongs to what follows.
    fn is_blank_or_label(&self, at: usize) -> bool {
        let text = self.text[..at].trim();
        let label = text.trim_matches(['*', '_']);
        let number =
            label.strip_suffix(['.', ')', '．', '）', '、']).unwrap_or_default().trim_end_matches('\\');
        text.is_empty() || (is_label(number) && self.is_line_start(at))
    }

    /// A guillemet is open before `at`.
    fn is_quoting(&self, at: usize) -> bool {
        let last = self.text[..at].rfind(['«', '»']);
        last.map_or(self.quoting, |last| self.text[last..].starts_with('«'))
    }

    fn is_greek(&self, at: usize) -> bool {
        self.text[..at]
            .chars()
            .next_back()
            .is_some_and(|c| matches!(c, '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}'))
    }
}

/// The word that a text ends with, without markup and brackets, and what stands before it.
fn last_word(text: &str) -> (&str, &str) {
    let text = text.trim_end_matches(['*', '_', '"', ')', '”', '\\']);
    let from = text
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    let word = text[from..].trim_start_matches(|c: char| !c.is_alphanumeric());
    text.split_at(text.len() - word.len())
}

/// Whether a word can be the short form of what the number before it counts: "3 in. wide".
fn is_unit(word: &str, head: &str) -> bool {
    let letters = word.chars().count();
    (1..=2).contains(&letters)
        && word.chars().all(char::is_alphabetic)
        && head.trim_end().ends_with(char::is_numeric)
}

/// What a number with a full stop is in a list within a line.
enum Listed {
    No,
    /// It counts an item, which it is spoken with.
    Item(u32),
    /// It counts the next item, which begins here.
    Begins,
}

/// Whether the number behind `head` counts an item of a list: it stands at a beginning or behind a colon, or follows the
/// number of the item before.
fn listed(head: &str, word: &str, item: Option<u32>) -> Listed {
    let Some(number) = counted(word) else { return Listed::No };
    let head = head.trim_end_matches(['*', '_', '(', ' ', '\n']);
    match head.chars().next_back() {
        Some(':' | '：' | ';') | None => Listed::Item(number),
        Some(_) if item.is_some_and(|item| item + 1 == number) => Listed::Begins,
        Some(_) => Listed::No,
    }
}

/// How much of `text` still belongs to the sentence's mark before it: more marks, closing quotes, markup.
fn tail(text: &str) -> usize {
    let more = |c: char| {
        is_closer(c) || is_terminal(c) || matches!(c, '.' | '!' | '?' | '…' | '*' | '_' | '~' | '`')
    };
    text.find(|c| !more(c)).unwrap_or(text.len())
}
