//! A piece of the bot's speech: what the voice says and what is kept of it.

use unicode_segmentation::UnicodeSegmentation as _;
use vox_shared::spoken::Form;

use super::sign;

/// A sentence or a clause. Kept texts of one reply, put one after the other, are the model's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    say: String,
    keep: String,
    /// For each character of `say`, how many characters of `keep` are said when it is said.
    ends: Vec<u32>,
    /// Where `say` has words for what is written otherwise, in order.
    forms: Vec<Worded>,
    /// Directions for the voice, each before what is said of `keep` behind so many characters.
    cues: Vec<(u32, String)>,
}

/// Words for something written: said as a whole, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Worded {
    /// Characters of what is said.
    from: usize,
    to: usize,
    /// What they stand for, with its ends.
    written: String,
    ends: Vec<u32>,
}

impl Piece {
    /// `ends` has one entry for each character of `say`, none of them beyond `keep`.
    pub(super) fn new(say: String, keep: String, ends: Vec<u32>) -> Self {
        debug_assert_eq!(say.chars().count(), ends.len());
        Self { say, keep, ends, ..Self::default() }
    }

    /// A text that is said and kept as it is.
    pub fn plain(text: &str) -> Self {
        let ends = (1..=u32::try_from(text.chars().count()).unwrap_or(u32::MAX)).collect();
        Self { say: text.to_owned(), keep: text.to_owned(), ends, ..Self::default() }
    }

    /// What the voice says: no markup, no pictures, single spaces.
    pub fn say(&self) -> &str {
        &self.say
    }

    /// What the context and the transcript keep.
    pub fn keep(&self) -> &str {
        &self.keep
    }

    /// The same with directions for the voice.
    pub(super) fn with_cues(self, cues: Vec<(u32, String)>) -> Self {
        Self { cues, ..self }
    }

    /// The directions for the voice, and before which character of [`Self::say`] each belongs.
    pub(super) fn cues(&self) -> impl Iterator<Item = (usize, &str)> {
        self.cues.iter().filter_map(|(kept, cue)| Some((self.place(*kept)?, cue.as_str())))
    }

    /// The same piece with these words in the place of what is written there. The forms are of [`Self::say`], in order and apart; one may
    /// stand between two characters.
    pub fn worded(&self, forms: &[Form]) -> Self {
        let chars: Vec<char> = self.say.chars().collect();
        let mut new = Self { keep: self.keep.clone(), cues: self.cues.clone(), ..Self::default() };
        let mut at = 0;
        for form in forms.iter().filter(|form| !form.words.is_empty()) {
            new.add(&chars[at..form.from], &self.ends[at..form.from]);
            let (from, length) = (new.chars(), form.words.chars().count());
            let before = new.ends.last().copied().unwrap_or_default();
            new.say.push_str(&form.words);
            new.ends.extend(std::iter::repeat_n(before, length - 1));
            new.ends.push(if form.from < form.to { self.ends[form.to - 1] } else { before });
            new.forms.push(Worded {
                from,
                to: from + length,
                written: chars[form.from..form.to].iter().collect(),
                ends: self.ends[form.from..form.to].to_vec(),
            });
            at = form.to;
        }
        new.add(&chars[at..], &self.ends[at..]);
        new
    }

    /// The same piece as it is written.
    pub fn written(&self) -> Self {
        if self.forms.is_empty() {
            return self.clone();
        }
        let chars: Vec<char> = self.say.chars().collect();
        let mut new = Self { keep: self.keep.clone(), cues: self.cues.clone(), ..Self::default() };
        let mut at = 0;
        for form in &self.forms {
            new.add(&chars[at..form.from], &self.ends[at..form.from]);
            new.say.push_str(&form.written);
            new.ends.extend(&form.ends);
            at = form.to;
        }
        new.add(&chars[at..], &self.ends[at..]);
        new
    }

    /// How long each character of [`Self::say`] takes, as [`sign::syllables`] counts: nothing in a direction for the voice, and in
    /// phonetic signs what the word does that they stand for.
    pub fn sounds(&self) -> Vec<usize> {
        let chars: Vec<char> = self.say.chars().collect();
        let mut sounds: Vec<usize> = chars.iter().copied().map(sign::syllables).collect();
        for form in &self.forms {
            let are_signs = form.written.is_empty() || matches!(chars[form.from], '<' | '\\');
            if are_signs {
                sounds[form.from..form.to].fill(0);
                sounds[form.to - 1] = form.written.chars().map(sign::syllables).sum();
            }
        }
        sounds
    }

    /// Where it has words for what is written otherwise: characters of what is said, and what is written.
    pub fn forms(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        self.forms.iter().map(|form| (form.from, form.to, form.written.as_str()))
    }

    fn add(&mut self, say: &[char], ends: &[u32]) {
        self.say.extend(say);
        self.ends.extend(ends);
    }

    /// Characters of [`Self::say`].
    pub fn chars(&self) -> usize {
        self.ends.len()
    }

    /// Cut after `chars` characters of what the voice says: before the word that would be broken, or between two
    /// characters where the script has no spaces, and before the words for a number of which only some would be said. `None` on a side
    /// that has nothing to say.
    pub fn split(&self, chars: usize) -> (Option<Self>, Option<Self>) {
        let at = self.whole(chars);
        if at == 0 {
            return (None, Some(self.clone()));
        }
        if at >= self.chars() {
            return (Some(self.clone()), None);
        }
        let kept = self.ends[at - 1];
        let (say, rest) = self.say.split_at(byte_of(&self.say, at));
        let (keep, kept_rest) = self.keep.split_at(byte_of(&self.keep, kept as usize));
        let mut before = Self::new(say.to_owned(), keep.to_owned(), self.ends[..at].to_vec());
        let gap = rest.chars().take_while(|c| c.is_whitespace()).count();
        let left = |ends: &[u32]| ends.iter().map(|end| end.saturating_sub(kept)).collect::<Vec<_>>();
        let mut after =
            Self::new(rest.trim_start().to_owned(), kept_rest.to_owned(), left(&self.ends[at + gap..]));
        for form in &self.forms {
            match form.from.checked_sub(at + gap) {
                Some(from) => after.forms.push(Worded {
                    from,
                    to: form.to - at - gap,
                    written: form.written.clone(),
                    ends: left(&form.ends),
                }),
                None => before.forms.push(form.clone()),
            }
        }
        for (behind, cue) in &self.cues {
            match self.place(*behind).is_none_or(|place| place >= at) {
                true => after.cues.push((behind.saturating_sub(kept), cue.clone())),
                false => before.cues.push((*behind, cue.clone())),
            }
        }
        (Some(before), (!after.say.is_empty()).then_some(after))
    }

    /// The first letter of what is said behind so many kept characters.
    fn place(&self, kept: u32) -> Option<usize> {
        let mut said = self.say.chars().zip(&self.ends);
        said.position(|(c, end)| c.is_alphanumeric() && *end > kept)
    }

    /// The most characters, at most `chars`, after which it can be cut.
    fn whole(&self, chars: usize) -> usize {
        let mut at = whole_words(&self.say, chars);
        while let Some(broken) = self.forms.iter().find(|form| form.from < at && at < form.to) {
            at = whole_words(&self.say, broken.from);
        }
        at
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

    fn form(from: usize, to: usize, words: &str) -> Form {
        Form { from, to, words: words.to_owned() }
    }

    #[test]
    fn words_for_a_number_are_heard_as_a_whole_and_kept_as_they_are_written() {
        let plain = Piece::plain("Pay ₹1,25,000 by 5 May.");
        let piece =
            plain.worded(&[form(4, 13, "one lakh twenty-five thousand rupees"), form(17, 18, "five")]);
        assert_eq!(piece.say(), "Pay one lakh twenty-five thousand rupees by five May.");
        assert_eq!((piece.keep(), piece.written()), (plain.keep(), plain.clone()));
        for (chars, before, after) in [
            (3, "Pay", "₹1,25,000 by 5 May."),
            (20, "Pay", "₹1,25,000 by 5 May."),
            (39, "Pay", "₹1,25,000 by 5 May."),
            (40, "Pay ₹1,25,000", "by 5 May."),
            (48, "Pay ₹1,25,000 by 5", "May."),
        ] {
            let (a, b) = piece.split(chars);
            let (a, b) = (a.unwrap(), b.unwrap());
            assert_eq!((a.keep(), b.keep().trim_start()), (before, after), "after {chars}");
            assert_eq!((a.written().say(), b.written().say()), (before, after), "after {chars}");
        }
        let (none, all) = Piece::plain("₹5").worded(&[form(0, 2, "five rupees")]).split(6);
        assert_eq!((none, all.map(|all| all.say().to_owned()).as_deref()), (None, Some("five rupees")));
        // Nothing stands between two of them.
        let two =
            Piece::plain("1/2 3").worded(&[form(0, 1, "one a"), form(1, 3, "b two"), form(4, 5, "three")]);
        assert_eq!(two.split(9).0, None);
        assert_eq!(two.split(10).0.map(|p| p.keep().to_owned()).as_deref(), Some("1/2"));
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
