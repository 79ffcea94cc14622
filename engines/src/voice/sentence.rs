//! Where a text can be cut so that its first audio leaves early and no cut is heard.

use super::script::Word;

/// Longest run given to flite at once; one without an end is cut here. The statistical voice computes all
/// of it before its first sample: about 10 ms per second of speech.
const MAX_WORDS: usize = 40;

/// Titles and the like whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 18] = [
    "mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "rev.", "jr.", "sr.", "vs.", "no.", "e.g.", "i.e.", "etc.",
    "approx.", "dept.", "ext.", "inc.",
];

/// The words of a text, sentence by sentence.
pub fn split(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    let mut rest = words;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (sentence, after) = rest.split_at(sentence_length(rest));
        rest = after;
        Some(sentence)
    })
}

fn sentence_length(words: &[Word]) -> usize {
    let within = &words[..words.len().min(MAX_WORDS)];
    if let Some(last) = within.iter().position(|word| ends_sentence(&word.written)) {
        return last + 1;
    }
    if within.len() == words.len() {
        return words.len();
    }
    let clause = within.iter().rposition(|word| word.written.ends_with([',', ';', ':']));
    clause.map_or(MAX_WORDS, |last| last + 1)
}

fn ends_sentence(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»']);
    if bare.ends_with(['!', '?', '…']) {
        return true;
    }
    if !bare.ends_with('.') {
        return false;
    }
    let start = bare.trim_start_matches(['"', '\'', '(', '[', '“', '‘', '«']).to_lowercase();
    let initial = start.chars().count() == 2 && start.starts_with(char::is_alphabetic);
    !initial && !ABBREVIATIONS.contains(&start.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::script::words;
    use super::*;

    fn check(text: &str, expected: &[usize]) {
        let words = words(text);
        let lengths: Vec<usize> = split(&words).map(<[Word]>::len).collect();
        assert_eq!(lengths, expected, "{text}");
    }

    #[test]
    fn sentences_end_at_their_marks_and_not_at_abbreviations() {
        check("", &[]);
        check("Hello there. How are you?", &[2, 3]);
        check("Dr. Smith and Mr. J. Jones are in. \"Really?\" Yes", &[8, 1, 1]);
        check("It costs 3.50 today", &[4]);
    }

    #[test]
    fn a_text_without_an_end_is_cut_at_a_clause_or_after_enough_words() {
        check(&"word ".repeat(100), &[40, 40, 20]);
        check(&format!("{}and, {}", "word ".repeat(9), "word ".repeat(50)), &[10, 40, 10]);
    }
}
