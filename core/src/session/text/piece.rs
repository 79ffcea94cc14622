//! A piece of the bot's speech: what the voice says and what is kept of it.

use unicode_segmentation::UnicodeSegmentation as _;

use super::sign;

/// A sentence or a clause. Kept texts of one reply, put one after the other, are the model's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    say: String,
    keep: String,
    /// For each character of `say`, how many characters of `keep` are said when it is said.
    ends: Vec<u32>,
}

impl Piece {
    /// `ends` has one entry for each character of `say`, none of them beyond `keep`.
    pub(super) fn new(say: String, keep: String, ends: Vec<u32>) -> Self {
        debug_assert_eq!(say.chars().count(), ends.len());
        Self { say, keep, ends }
    }

    /// A text that is said and kept as it is.
    pub fn plain(text: &str) -> Self {
        let ends = (1..=u32::try_from(text.chars().count()).unwrap_or(u32::MAX)).collect();
        Self { say: text.to_owned(), keep: text.to_owned(), ends }
    }

    /// What the voice says: no markup, no pictures, single spaces.
    pub fn say(&self) -> &str {
        &self.say
    }

    /// What the context and the transcript keep.
    pub fn keep(&self) -> &str {
        &self.keep
    }

    /// Characters of [`Self::say`].
    pub fn chars(&self) -> usize {
        self.ends.len()
    }

    /// Cut after `chars` characters of what the voice says: before the word that would be broken, or between two
    /// characters where the script has no spaces. `None` on a side that has nothing to say.
    pub fn split(&self, chars: usize) -> (Option<Self>, Option<Self>) {
        let at = whole_words(&self.say, chars);
        if at == 0 {
            return (None, Some(self.clone()));
        }
        if at >= self.chars() {
            return (Some(self.clone()), None);
        }
        let kept = self.ends[at - 1];
        let (say, rest) = self.say.split_at(byte_of(&self.say, at));
        let (keep, kept_rest) = self.keep.split_at(byte_of(&self.keep, kept as usize));
        let before = Self::new(say.to_owned(), keep.to_owned(), self.ends[..at].to_vec());
        let gap = rest.chars().take_while(|c| c.is_whitespace()).count();
        let ends = self.ends[at + gap..].iter().map(|end| end.saturating_sub(kept)).collect();
        let after = Self::new(rest.trim_start().to_owned(), kept_rest.to_owned(), ends);
        (Some(before), (!after.say.is_empty()).then_some(after))
    }
}

fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

/// The most characters, at most `chars`, after which `text` can be cut without breaking a word or a character.
fn whole_words(text: &str, chars: usize) -> usize {
    if chars >= text.chars().count() {
        return text.chars().count();
    }
    let mut last = 0;
    let mut seen = 0;
    let mut clusters = text.graphemes(true).peekable();
    while let Some(cluster) = clusters.next() {
        seen += cluster.chars().count();
        if seen > chars {
            break;
        }
        let (this, next) = (cluster.chars().next(), clusters.peek().and_then(|c| c.chars().next()));
        if next.is_none_or(|next| this.is_some_and(|this| parts(this, next))) {
            last = seen;
        }
    }
    last
}

/// Whether a text may be cut between these two.
fn parts(this: char, next: char) -> bool {
    next.is_whitespace() || (sign::is_unspaced(this) && next.is_alphanumeric()) || sign::is_unspaced(next)
}

/// The words of pieces as they are kept, without the space around them.
pub fn joined<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> String {
    let mut text = String::new();
    for piece in pieces {
        append(&mut text, &piece.keep);
    }
    text.trim().to_owned()
}

/// Put one text behind another: with a space where the script has spaces and neither brings one.
pub fn append(text: &mut String, more: &str) {
    let ends = text.chars().next_back();
    let parts = |c: char| c.is_whitespace() || sign::is_unspaced(c);
    if ends.is_some_and(|c| !parts(c))
        && more.chars().next().is_some_and(|c| c.is_alphanumeric() && !parts(c))
    {
        text.push(' ');
    }
    text.push_str(more);
}

/// The words of pieces as the voice says them, a space between pieces of scripts that have spaces.
pub fn said<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> String {
    let mut text = String::new();
    for piece in pieces {
        let ends = text.chars().next_back();
        if ends.is_some_and(|c| !c.is_whitespace() && !sign::is_wide_mark(c)) {
            text.push(' ');
        }
        text.push_str(&piece.say);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, chars: usize, before: &str, after: &str) {
        let (a, b) = Piece::plain(text).split(chars);
        let of = |piece: Option<Piece>| piece.map(|p| p.say().to_owned()).unwrap_or_default();
        assert_eq!((of(a).as_str(), of(b).as_str()), (before, after), "{text} at {chars}");
    }

    #[test]
    fn a_cut_is_between_words_or_between_characters_where_there_are_no_words() {
        check("one two three", 8, "one two", "three");
        check("one two three", 7, "one two", "three");
        check("one two three", 6, "one", "two three");
        check("one two", 2, "", "one two");
        check("one two", 90, "one two", "");
        check("感谢您的来电。", 3, "感谢您", "的来电。");
        check("我的iPhone坏了", 4, "我的", "iPhone坏了");
        check("กำลังมา", 2, "กำ", "ลังมา");
    }

    #[test]
    fn a_character_of_several_parts_is_whole() {
        check("がか\u{3099}き", 2, "が", "か\u{3099}き");
    }

    #[test]
    fn the_kept_words_are_cut_where_the_spoken_ones_are() {
        let piece = Piece::new("a b c".into(), "*a* **b** c".into(), vec![2, 4, 7, 10, 11]);
        let (before, after) = piece.split(3);
        assert_eq!(before.map(|p| p.keep().to_owned()).as_deref(), Some("*a* **b"));
        assert_eq!(
            after.map(|p| (p.say().to_owned(), p.keep().to_owned())),
            Some(("c".into(), "** c".into()))
        );
    }
}
