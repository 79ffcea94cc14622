//! The running transcript.

use super::plain;

/// Words that are kept: a minute of speech.
const KEPT: usize = 160;
/// A phrase may have begun so many words before the first new one.
const BEFORE: usize = 10;

/// What was said so far.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    words: Vec<String>,
    /// So many of them stay.
    stay: usize,
    /// Of all times, also of those that are no more kept.
    pub count: usize,
}

impl Heard {
    /// Take what was understood; words that may change replace those before that could. Gives the place of the first new word, and the
    /// one from which phrases with it are to be looked for.
    pub fn take(&mut self, text: &str, is_final: bool) -> (usize, usize) {
        let new = plain::words(text);
        let changing = &self.words[self.stay..];
        let same = changing.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let first = self.stay + same;
        self.count = (self.count + new.len()).saturating_sub(changing.len());
        self.words.truncate(self.stay);
        self.words.extend(new);
        if is_final {
            self.stay = self.words.len();
        }
        let over = self.words.len().saturating_sub(KEPT).min(self.stay);
        self.words.drain(..over);
        self.stay -= over;
        let new = first.saturating_sub(over);
        (new, new.saturating_sub(BEFORE))
    }

    /// All words that are kept.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_is_replaced_and_what_stays_is_not() {
        let mut heard = Heard::default();
        heard.take("hello", false);
        heard.take("hello this is", false);
        assert_eq!((heard.words().join(" ").as_str(), heard.count), ("hello this is", 3));
        heard.take("Hello, this is Joe.", true);
        heard.take("leave", false);
        assert_eq!((heard.words().join(" ").as_str(), heard.count), ("hello this is joe leave", 5));
        heard.take("", true);
        assert_eq!((heard.words().join(" ").as_str(), heard.count), ("hello this is joe", 4));
    }

    #[test]
    fn a_long_talk_is_forgotten_from_its_beginning() {
        let mut heard = Heard::default();
        for _ in 0..100 {
            heard.take("one two three four", true);
        }
        assert_eq!((heard.words().len(), heard.count), (KEPT, 400));
    }
}
