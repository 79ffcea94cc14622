//! Text to comparable words, the same way for patterns and for what a recogniser heard.

/// Spoken forms that every recogniser splits or joins its own way.
const ONE_FORM: [(&[&str], &[&str]); 9] = [
    (&["to", "morrow"], &["tomorrow"]),
    (&["two", "morrow"], &["tomorrow"]),
    (&["a", "m"], &["am"]),
    (&["p", "m"], &["pm"]),
    (&["o", "clock"], &["oclock"]),
    (&["good", "bye"], &["goodbye"]),
    (&["bye", "bye"], &["bye"]),
    (&["after", "noon"], &["afternoon"]),
    (&["mid", "day"], &["midday"]),
];

/// Lower-case words without punctuation: `"Don't, it's 3:30pm"` is `dont its 3 30 pm`.
pub fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.to_lowercase().chars().collect();
    let mut clean = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
        match c {
            '\'' | '\u{2019}' => {}
            ',' if digit(at.checked_sub(1)) && digit(Some(at + 1)) => {}
            c if is_separator(c) => clean.push(' '),
            c => clean.push(c),
        }
    }
    let split = clean.split_whitespace().flat_map(split_am_pm).collect();
    ONE_FORM.iter().fold(split, |words, (heard, meant)| replace(words, heard, meant))
}

/// Put `meant` where `heard` stands, everywhere.
pub fn replace(words: Vec<String>, heard: &[impl AsRef<str>], meant: &[impl AsRef<str>]) -> Vec<String> {
    let is_here = |at: usize| {
        words
            .get(at..at + heard.len())
            .is_some_and(|here| here.iter().zip(heard).all(|(a, b)| a == b.as_ref()))
    };
    if heard.is_empty() || !(0..words.len()).any(is_here) {
        return words;
    }
    let mut out = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if is_here(at) {
            out.extend(meant.iter().map(|word| word.as_ref().to_owned()));
            at += heard.len();
        } else {
            out.push(words[at].clone());
            at += 1;
        }
    }
    out
}

/// Letters and marks of every alphabet stay (Devanagari's signs are not "alphanumeric"); punctuation goes.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || c.is_ascii_punctuation()
        || matches!(
            c,
            '\u{2010}'..='\u{2027}' | '\u{964}' | '\u{965}' | '\u{bf}' | '\u{a1}' | '\u{ab}' | '\u{bb}'
        )
}

/// `3pm` is two words.
fn split_am_pm(word: &str) -> Vec<String> {
    for suffix in ["am", "pm"] {
        if let Some(number) = word.strip_suffix(suffix)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            return vec![number.to_owned(), suffix.to_owned()];
        }
    }
    vec![word.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(words(text).join(" "), expected, "{text}");
    }

    #[test]
    fn punctuation_case_and_spelling_fall_away() {
        check("Don't, it's 3:30pm!", "dont its 3 30 pm");
        check("to morrow at 4 p.m.", "tomorrow at 4 pm");
        check("Good-bye", "goodbye");
        check("1,200 rupees", "1200 rupees");
        check("O\u{2019}Clock", "oclock");
        check("हाँ जी।", "हाँ जी");
        check("... ?!", "");
    }
}
