//! What words mean for turn taking: backchannels, stop words, our own echo, a sentence that is not finished.

use vox_shared::model::bot::TurnSettings;

/// Words that leave a sentence open when they stand last.
const OPEN_ENDS: [&str; 34] = [
    "a", "an", "the", "and", "or", "but", "so", "because", "if", "that", "to", "for", "of", "in", "on", "at",
    "with", "from", "my", "your", "is", "are", "was", "it's", "i'm", "um", "uh", "er", "like", "about",
    "when", "which", "then", "number",
];
/// An echo needs this many words: fewer may be the caller repeating us on purpose.
const ECHO_WORDS: usize = 3;

/// Lower-case words without punctuation.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|w| !w.is_empty())
        .collect()
}

/// Whether the text only says "go on".
pub fn is_backchannel(text: &str, settings: &TurnSettings) -> bool {
    let mut left = words(text);
    if left.is_empty() {
        return false;
    }
    let mut phrases: Vec<Vec<String>> =
        settings.backchannels.iter().map(|p| words(p)).filter(|p| !p.is_empty()).collect();
    phrases.sort_by_key(|p| std::cmp::Reverse(p.len()));
    while !left.is_empty() {
        match phrases.iter().find(|p| left.starts_with(p)) {
            Some(phrase) => drop(left.drain(..phrase.len())),
            None => return false,
        }
    }
    true
}

/// Whether the text holds a phrase that always interrupts.
pub fn has_stop_word(text: &str, settings: &TurnSettings) -> bool {
    let said = words(text);
    settings
        .stop_words
        .iter()
        .map(|p| words(p))
        .any(|p| !p.is_empty() && said.windows(p.len()).any(|w| w == p))
}

/// Whether the text is what the bot itself was just saying, come back over the line.
pub fn is_echo(text: &str, bot_said: &str) -> bool {
    let heard = words(text);
    if heard.len() < ECHO_WORDS {
        return false;
    }
    let said = words(bot_said);
    said.windows(heard.len()).any(|w| w == heard)
}

/// Whether the text reads as if more must follow.
pub fn is_incomplete(text: &str) -> bool {
    let text = text.trim_end();
    if text.ends_with(',') || text.ends_with('-') {
        return true;
    }
    if text.ends_with(['.', '?', '!', '।']) {
        return false;
    }
    words(text).last().is_some_and(|w| OPEN_ENDS.contains(&w.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backchannels_alone_are_backchannels() {
        let settings = TurnSettings::default();
        for (text, expected) in [
            ("Mm-hmm.", true),
            ("ok, yeah", true),
            ("theek hai", true),
            ("ok but why", false),
            ("", false),
            ("yes", false),
        ] {
            assert_eq!(is_backchannel(text, &settings), expected, "{text}");
        }
    }

    #[test]
    fn stop_words_are_found_as_whole_words() {
        let settings = TurnSettings::default();
        assert!(has_stop_word("no, WAIT a second", &settings));
        assert!(has_stop_word("could you hold on", &settings));
        assert!(!has_stop_word("I waited", &settings));
    }

    #[test]
    fn our_own_words_coming_back_are_an_echo() {
        let said = "Would Tuesday at three work for you?";
        assert!(is_echo("tuesday at three", said));
        assert!(!is_echo("tuesday", said) && !is_echo("wednesday at three", said));
    }

    #[test]
    fn an_open_end_is_incomplete() {
        for (text, expected) in [
            ("my number is", true),
            ("I would like to", true),
            ("yes please", false),
            ("What about", true),
            ("and.", false),
        ] {
            assert_eq!(is_incomplete(text), expected, "{text}");
        }
    }
}
