//! Words from outside as labels of metrics: a label that anybody can invent must not grow for ever.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What takes the place of words that came too late.
pub const OTHER: &str = "other";
/// Longest label, characters.
const MAX_CHARS: usize = 64;

/// The words that are labels, and no more than so many: whoever comes later is [`OTHER`].
#[derive(Debug)]
pub struct Words {
    most: usize,
    known: Mutex<BTreeSet<String>>,
}

impl Words {
    /// Room for so many.
    pub fn new(most: usize) -> Self {
        Self { most, known: Mutex::default() }
    }

    /// The word as a label.
    pub fn label(&self, word: &str) -> String {
        let word: String = word.chars().take(MAX_CHARS).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&word) {
            return word;
        }
        if known.len() >= self.most {
            return OTHER.to_owned();
        }
        known.insert(word.clone());
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_come_too_late_share_one_label() {
        let words = Words::new(2);
        assert_eq!(["a", "b", "c", "a", "d"].map(|word| words.label(word)), ["a", "b", OTHER, "a", OTHER]);
        assert_eq!(Words::new(1).label(&"é".repeat(100)).chars().count(), 64);
    }
}
