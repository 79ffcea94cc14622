//! How much of a reply's text has been spoken, by the letters that have their times.

use super::words::letters;

/// Letters of the end of the text that are compared with the end of what was spoken.
const TAIL: usize = 5;

/// The text of a reply and how far its sound has come, in letters and digits.
#[derive(Debug, Default)]
pub(super) struct Told {
    pieces: Vec<Piece>,
    /// Letters given to the vendor.
    sent: usize,
    /// Letters of the text whose times came.
    placed: usize,
    /// The last letters that the vendor gave times for, the text's or not.
    tail: String,
    /// `placed` when text was last given a second time.
    repeated_at: usize,
}

#[derive(Debug)]
struct Piece {
    text: String,
    /// Where it begins, in letters of the whole text.
    from: usize,
}

impl Told {
    /// More text was given to the vendor.
    pub(super) fn add(&mut self, text: &str) {
        self.pieces.push(Piece { text: text.to_owned(), from: self.sent });
        self.sent += letters(text).count();
    }

    /// The vendor gave a time for this.
    pub(super) fn hear(&mut self, letter: &str) {
        self.tail.extend(letters(letter));
        while self.tail.chars().count() > TAIL {
            self.tail.remove(0);
        }
    }

    /// So many letters of the text have their times now.
    pub(super) fn place(&mut self, placed: usize) {
        self.placed = placed;
    }

    /// Letters of the whole text.
    pub(super) fn letters(&self) -> usize {
        self.sent
    }

    /// Letters that have no time yet, where the last times given are those of the text just before them; unknown where the vendor
    /// says the text otherwise, or gives no times.
    pub(super) fn untold(&self) -> Option<usize> {
        let tail: Vec<char> = self.tail.chars().collect();
        let text = self.pieces.iter().flat_map(|piece| letters(&piece.text));
        let before: Vec<char> = text.take(self.placed).collect();
        let stands_there = self.placed > 0 && before[before.len().saturating_sub(tail.len())..] == tail[..];
        stands_there.then(|| self.sent.saturating_sub(self.placed))
    }

    /// Whether all text has its sound; unknown where the vendor gives no times. The vendor may write numbers out, so an end that
    /// is the text's end counts as much as the number of letters.
    pub(super) fn is_complete(&self) -> Option<bool> {
        let last = self.pieces.last()?;
        if self.tail.is_empty() {
            return None;
        }
        let end: Vec<char> = letters(&last.text).collect();
        let end: String = end[end.len().saturating_sub(TAIL)..].iter().collect();
        Some(self.placed >= self.sent || (!end.is_empty() && self.tail.ends_with(&end)))
    }

    /// The pieces of which nothing was spoken, to be given to the vendor once more. Nothing when all was spoken, when that is
    /// not known, or when the last repetition has not brought the reply further.
    pub(super) fn take_rest(&mut self) -> Vec<String> {
        if self.is_complete() != Some(false) || self.placed <= self.repeated_at {
            return Vec::new();
        }
        self.repeated_at = self.placed;
        let silent = self.pieces.iter().filter(|piece| piece.from >= self.placed);
        silent.map(|piece| piece.text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pieces: &[&str], heard: &str) -> Told {
        let mut told = Told::default();
        pieces.iter().for_each(|piece| told.add(piece));
        heard.chars().for_each(|c| told.hear(&c.to_string()));
        let text: Vec<char> = pieces.iter().flat_map(|piece| letters(piece)).collect();
        told.place(letters(heard).zip(text).take_while(|(heard, sent)| heard == sent).count());
        told
    }

    #[test]
    fn a_text_is_spoken_by_its_letters_or_by_its_end() {
        let check = |pieces: &[&str], heard: &str, expected| {
            assert_eq!(told(pieces, heard).is_complete(), expected, "{pieces:?} {heard}");
        };
        check(&["We open at 9."], "We open at 9. ", Some(true));
        check(&["We open at 9 o'clock."], "We open at nine o'clock", Some(true));
        check(&["It costs $1,000,000 today."], "It costs a million today.", Some(true));
        check(&["We open."], "We op", Some(false));
        check(&["We open."], "", None);
        check(&[], "", None);
        check(&["नमस्ते जी।"], "नमस्ते जी।", Some(true));
    }

    #[test]
    fn what_has_no_times_yet_is_known_while_the_vendor_says_the_text() {
        let check = |pieces: &[&str], heard: &str, expected| {
            assert_eq!(told(pieces, heard).untold(), expected, "{pieces:?} {heard}");
        };
        check(&["We open at nine."], "We op", Some(8));
        check(&["We open", "at nine."], "We open at nine.", Some(0));
        check(&["Dial 5551234."], "Dial five five", None);
        check(&["We open."], "", None);
    }

    #[test]
    fn only_what_nobody_heard_is_said_again_and_only_while_it_helps() {
        let mut rest = told(&["One two.", "Three four.", "Five."], "One two. Thr");
        assert_eq!(rest.take_rest(), ["Five."]);
        assert!(rest.take_rest().is_empty(), "nothing came of it");
        let mut none = told(&["One.", "Two."], "");
        assert!(none.take_rest().is_empty(), "a vendor without times");
        assert!(told(&["One.", "Two."], "One. Two.").take_rest().is_empty());
    }
}
