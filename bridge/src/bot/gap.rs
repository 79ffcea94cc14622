//! The place of a word that was left out of a sentence: its space and its punctuation go with it, so that a voice does not
//! stumble over "Hello , this is".

/// Marks that part a sentence.
const SOFT: [char; 10] = [',', ';', ':', '-', '–', '—', '،', '，', '、', '；'];
/// Marks that end one.
const HARD: [char; 10] = ['.', '!', '?', '…', '।', '。', '！', '？', '؟', '۔'];
const PAIRS: [(char, char); 9] = [
    ('(', ')'),
    ('[', ']'),
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
    ('„', '“'),
    ('*', '*'),
];
/// What is left of a possessive.
const POSSESSIVES: [&str; 2] = ["'s ", "’s "];

/// Put `next` behind a text whose last word was left out.
pub fn close(out: &mut String, next: &str) {
    let mut next = next;
    if let Some(rest) = POSSESSIVES.iter().find_map(|s| next.strip_prefix(s)) {
        next = rest;
    }
    let pair = |before: char, after: char| PAIRS.contains(&(before, after));
    if let (Some(before), Some(after)) = (out.chars().next_back(), next.chars().next())
        && pair(before, after)
    {
        out.pop();
        next = &next[after.len_utf8()..];
    }
    let follows = next.trim_start();
    let Some(mark) = follows.chars().next().filter(|c| SOFT.contains(c) || HARD.contains(c)) else {
        if next.len() > follows.len() && out.chars().next_back().is_none_or(char::is_whitespace) {
            next = follows;
        }
        return out.push_str(next);
    };
    out.truncate(out.trim_end().len());
    match out.chars().next_back() {
        // The part before is empty or complete: a comma has nothing to part.
        None => next = follows[mark.len_utf8()..].trim_start(),
        Some(end) if HARD.contains(&end) => next = &follows[mark.len_utf8()..],
        Some(end) if SOFT.contains(&end) => {
            out.pop();
            out.truncate(out.trim_end().len());
            next = follows;
        }
        Some(_) => next = follows,
    }
    out.push_str(next);
}

/// Nothing follows the word that was left out.
pub fn end(out: &mut String) {
    let kept = out.trim_end_matches(|c: char| c.is_whitespace() || SOFT.contains(&c)).len();
    out.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, expected: &str) {
        let mut out = before.to_owned();
        close(&mut out, after);
        assert_eq!(out, expected, "{before}|{after}");
    }

    #[test]
    fn space_and_punctuation_go_with_the_word() {
        check("Hello ", ", this is", "Hello, this is");
        check("Hello ", ".", "Hello.");
        check("Hello, ", ".", "Hello.");
        check("Hello, ", ", how are you", "Hello, how are you");
        check("Good day. ", ", hello", "Good day. hello");
        check("", ", welcome", "welcome");
        check("Hi ", " and welcome", "Hi and welcome");
        check("", " welcome", "welcome");
        check("Number", "is", "Numberis");
    }

    #[test]
    fn empty_brackets_and_possessives_go_too() {
        check("Your order (", ") is ready", "Your order is ready");
        check("about ", "'s order", "about order");
        check("नमस्ते ", "। आप", "नमस्ते। आप");
    }

    #[test]
    fn nothing_hangs_at_the_end() {
        for (text, expected) in [("Hello, ", "Hello"), ("Hello", "Hello"), ("Hi - ", "Hi"), ("", "")] {
            let mut out = text.to_owned();
            end(&mut out);
            assert_eq!(out, expected);
        }
    }
}
