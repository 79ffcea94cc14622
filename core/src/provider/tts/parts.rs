//! A reply for a vendor that speaks one text after the other: each is given to it when the one before is spoken, so that it is
//! known what it still owes, and an interruption finds little on its way.

/// The text of one reply.
#[derive(Debug)]
pub(super) struct Parts {
    /// Longest text that the vendor takes at a time, characters.
    most_chars: usize,
    waiting: String,
    /// A part is with the vendor; whether something of it was heard.
    out: Option<bool>,
    is_ended: bool,
}

impl Parts {
    pub fn new(most_chars: usize) -> Self {
        Self { most_chars, waiting: String::new(), out: None, is_ended: false }
    }

    /// More text.
    pub fn add(&mut self, text: &str) {
        if !self.waiting.is_empty() {
            self.waiting.push(' ');
        }
        self.waiting.push_str(text.trim());
    }

    /// The text that is to be spoken now, if the vendor has none.
    pub fn next(&mut self) -> Option<String> {
        if self.out.is_some() || self.waiting.is_empty() {
            return None;
        }
        let rest = self.waiting.split_off(cut(&self.waiting, self.most_chars));
        let part = std::mem::replace(&mut self.waiting, rest.trim_start().to_owned());
        self.out = Some(false);
        Some(part.trim_end().to_owned())
    }

    /// Some sound of the part came.
    pub fn hear(&mut self) {
        self.out = self.out.map(|_| true);
    }

    /// The part is spoken.
    pub fn over(&mut self) {
        self.out = None;
    }

    /// No more text follows.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// Whether a part is with the vendor.
    pub fn is_out(&self) -> bool {
        self.out.is_some()
    }

    /// Whether all that there will be was spoken.
    pub fn is_over(&self) -> bool {
        self.is_ended && self.out.is_none() && self.waiting.is_empty()
    }

    /// Whether there is text of which nothing was heard.
    pub fn owes(&self) -> bool {
        self.out == Some(false) || !self.waiting.is_empty()
    }
}

/// Where a text is cut to be at most so long: between two words if there are two.
fn cut(text: &str, most_chars: usize) -> usize {
    let Some((most, _)) = text.char_indices().nth(most_chars) else { return text.len() };
    text[..most].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_while_a_part_is_spoken_is_the_next() {
        let mut parts = Parts::new(100);
        parts.add("One.");
        assert_eq!(parts.next().as_deref(), Some("One."));
        parts.add("Two.");
        parts.add(" Three. ");
        assert_eq!(parts.next(), None);
        assert!(parts.owes());
        parts.end();
        parts.over();
        assert_eq!(parts.next().as_deref(), Some("Two. Three."));
        parts.hear();
        assert!(!parts.owes() && !parts.is_over() && parts.is_out());
        parts.over();
        assert!(parts.is_over() && parts.next().is_none());
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        let check = |text: &str, expected: &[&str]| {
            let mut parts = Parts::new(8);
            parts.add(text);
            let mut got = Vec::new();
            while let Some(part) = parts.next() {
                got.push(part);
                parts.over();
            }
            assert_eq!(got, expected);
        };
        check("one two three", &["one two", "three"]);
        check("onetwothree", &["onetwoth", "ree"]);
        check("ऐसा लगता है कि", &["ऐसा", "लगता है", "कि"]);
    }
}
