//! Pronunciations of a few words, out of a dictionary of 134,000.
//!
//! A grammar needs only its own words: reading those keeps the engine some 20 MB smaller and its start
//! several times quicker than having pocketsphinx load all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Words and their pronunciations, the usual one first.
pub type Pronunciations = BTreeMap<String, Vec<String>>;

/// Read the pronunciations of these words; what has none is not in the answer.
pub fn pronunciations(dictionary: &Path, words: &BTreeSet<String>) -> io::Result<Pronunciations> {
    let mut found = Pronunciations::new();
    let mut reader = BufReader::with_capacity(64 * 1024, File::open(dictionary)?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if let Some((word, phones)) = entry(&line).filter(|(word, _)| words.contains(*word)) {
            found.entry(word.to_owned()).or_default().push(phones.to_owned());
        }
        line.clear();
    }
    Ok(found)
}

/// `word(2) P H OW N Z`: the word without its variant number, and its phones.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (word, phones) = line.trim_end().split_once(char::is_whitespace)?;
    let word = word.split_once('(').map_or(word, |(word, _)| word);
    Some((word, phones.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_collected_in_order_and_other_words_left() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "either IY DH ER\neither(2) AY DH ER\neight EY T\n\n'bout B AW T\n")
            .unwrap();
        let words = ["either", "'bout", "missing"].map(str::to_owned).into();
        let found = pronunciations(file.path(), &words).unwrap();
        let expected = [("'bout", vec!["B AW T"]), ("either", vec!["IY DH ER", "AY DH ER"])];
        let expected =
            expected.map(|(word, phones)| (word.to_owned(), phones.into_iter().map(str::to_owned).collect()));
        assert_eq!(found, Pronunciations::from(expected));
    }
}
