//! What words mean for turn taking: backchannels, stop words, our own echo, a sentence that is not finished, a wish to hear
//! something again.

use vox_shared::model::bot::TurnSettings;

/// Words that leave a sentence open when they stand last.
const OPEN_ENDS: [&str; 44] = [
    "a",
    "an",
    "the",
    "and",
    "or",
    "but",
    "so",
    "because",
    "if",
    "that",
    "to",
    "for",
    "of",
    "in",
    "on",
    "at",
    "with",
    "from",
    "my",
    "your",
    "is",
    "are",
    "was",
    "it's",
    "i'm",
    "um",
    "uh",
    "er",
    "like",
    "about",
    "when",
    "which",
    "then",
    "number",
    "name",
    "और",
    "या",
    "मेरा",
    "मेरी",
    "नंबर",
    "aur",
    "mera",
    "meri",
    "lekin",
];
/// Those of them that end no sentence, whatever stands behind them: recognisers put a full stop behind everything that becomes
/// final.
const NEVER_LAST: [&str; 22] = [
    "a",
    "an",
    "the",
    "and",
    "or",
    "but",
    "because",
    "if",
    "my",
    "your",
    "i'm",
    "um",
    "uh",
    "er",
    "और",
    "या",
    "मेरा",
    "मेरी",
    "aur",
    "mera",
    "meri",
    "lekin",
];
/// "My name is": what is announced follows.
const ANNOUNCED: [&str; 6] = ["name", "address", "number", "problem", "question", "reason"];
/// Words of the longest backchannel.
const BACKCHANNEL_WORDS: usize = 4;
/// An echo needs this many words: fewer may be the caller repeating us on purpose.
const ECHO_WORDS: usize = 3;
/// So many of a hundred words must be ours for an echo: what the caller adds is an answer.
const ECHO_SHARE: usize = 80;
/// Said alone or among few other words, these ask to hear something again.
const AGAIN: [&str; 78] = [
    "repeat",
    "again",
    "pardon",
    "sorry",
    "what",
    "huh",
    "what was that",
    "did you say",
    "come again",
    "excuse me",
    "say that",
    "didn't catch",
    "did not catch",
    "didn't hear",
    "did not hear",
    "couldn't hear",
    "could not hear",
    "can't hear",
    "cannot hear",
    "didn't get",
    "did not get",
    "missed that",
    "once more",
    "one more time",
    "फिर से",
    "फिर",
    "दोबारा",
    "एक बार और",
    "क्या कहा",
    "क्या बोला",
    "सुनाई नहीं",
    "phir se",
    "dobara",
    "ek baar aur",
    "kya kaha",
    "kya bola",
    "wie bitte",
    "nochmal",
    "noch einmal",
    "noch mal",
    "wiederholen",
    "otra vez",
    "repetir",
    "repita",
    "repite",
    "no entendí",
    "cómo",
    "perdón",
    "répéter",
    "répétez",
    "encore une fois",
    "comment",
    "ripetere",
    "ripeta",
    "não ouvi",
    "de novo",
    "herhalen",
    "nog een keer",
    "повторите",
    "ещё раз",
    "еще раз",
    "не расслышал",
    "jeszcze raz",
    "powtórzyć",
    "tekrar",
    "مرة أخرى",
    "دوبارہ",
    "hello",
    "hear me",
    "hear you",
    "louder",
    "slower",
    "slowly",
    "speak up",
    "don't understand",
    "kya",
    "क्या",
    "nochmals",
];
/// The same in scripts without spaces.
const AGAIN_UNSPACED: [&str; 9] =
    ["再说一遍", "再說一遍", "再说一次", "重复", "没听清", "もう一度", "聞こえません", "聞き取れ", "อีกครั้ง"];
/// A wish to hear it again that is longer says something of its own.
const AGAIN_WORDS: usize = 12;
/// Words that alone can be the whole wish; in a longer sentence they mean nothing.
const AGAIN_ALONE: [&str; 10] =
    ["sorry", "what", "huh", "hello", "excuse me", "kya", "क्या", "cómo", "comment", "फिर"];

/// Lower-case words without punctuation.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|w| w.trim_matches(|c: char| !is_of_word(c)).to_lowercase())
        .filter(|w| w.chars().any(char::is_alphanumeric))
        .collect()
}

/// Letters, digits, and the signs that only stand with letters in the scripts of India.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(u32::from(c), 0x0900..=0x0903 | 0x093A..=0x094F | 0x0951..=0x0957 | 0x0962..=0x0963)
}

/// How words sound, however they are written: "Mm-hmm.", "mm hmm" and "mhmm" are one.
fn sound(words: &[String]) -> String {
    let mut sound = String::new();
    for c in words.iter().flat_map(|w| w.chars()).filter(|c| is_of_word(*c)) {
        if !sound.ends_with(c) {
            sound.push(c);
        }
    }
    sound
}

/// Whether the text only says "go on".
pub fn is_backchannel(text: &str, settings: &TurnSettings) -> bool {
    let phrases: Vec<String> = settings.backchannels.iter().map(|p| sound(&words(p))).collect();
    let said = words(&text.replace(['、', '，', '。', '！', '…'], " "));
    let mut left = said.as_slice();
    while !left.is_empty() {
        let begins =
            (1..=left.len().min(BACKCHANNEL_WORDS)).rev().find(|n| phrases.contains(&sound(&left[..*n])));
        let unspaced = || (!left[0].is_ascii() && is_row_of(&sound(&left[..1]), &phrases)).then_some(1);
        let Some(words) = begins.or_else(unspaced) else { return false };
        left = &left[words..];
    }
    !said.is_empty()
}

/// Phrases one behind the other, as scripts without spaces write them.
fn is_row_of(word: &str, phrases: &[String]) -> bool {
    let goes_on = |phrase: &String| word.strip_prefix(phrase).is_some_and(|rest| is_row_of(rest, phrases));
    word.is_empty() || phrases.iter().filter(|phrase| !phrase.is_empty()).any(goes_on)
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

/// Whether the text is what the bot itself was saying at that time, come back over the line: nearly all of its words, in their
/// order.
pub fn is_echo(text: &str, bot_said: &str) -> bool {
    let heard = words(text);
    if heard.len() < ECHO_WORDS {
        return false;
    }
    common(&heard, &words(bot_said)) * 100 >= heard.len() * ECHO_SHARE
}

/// Words that both have, in the same order.
pub fn common(a: &[String], b: &[String]) -> usize {
    let mut best = vec![0; b.len() + 1];
    for word in a {
        let mut corner = 0;
        for (at, other) in b.iter().enumerate() {
            let above = best[at + 1];
            best[at + 1] = if word == other { corner + 1 } else { above.max(best[at]) };
            corner = above;
        }
    }
    best[b.len()]
}

/// Whether the text reads as if more must follow.
pub fn is_incomplete(text: &str) -> bool {
    let text = text.trim_end();
    if text.ends_with([',', '-', '…']) || text.ends_with("...") {
        return true;
    }
    let said = words(text);
    let Some(last) = said.last() else { return false };
    match text.chars().next_back() {
        Some('?' | '!') => false,
        Some('.' | '।') => {
            let announces = said.len() > 1 && ANNOUNCED.contains(&said[said.len() - 2].as_str());
            NEVER_LAST.contains(&last.as_str()) || (announces && matches!(last.as_str(), "is" | "was"))
        }
        _ => OPEN_ENDS.contains(&last.as_str()),
    }
}

/// Whether the caller wants to hear the last thing again.
pub fn asks_again(text: &str) -> bool {
    let said = words(text);
    if said.is_empty() || said.len() > AGAIN_WORDS {
        return false;
    }
    if AGAIN_UNSPACED.iter().any(|phrase| text.contains(phrase)) {
        return true;
    }
    AGAIN.iter().any(|phrase| {
        let wish = words(phrase);
        let found = said.windows(wish.len()).any(|w| w == wish);
        found && (!AGAIN_ALONE.contains(phrase) || said.len() <= wish.len() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backchannels_alone_are_backchannels() {
        let settings = TurnSettings::default();
        for (text, expected) in [
            ("Mm-hmm.", true),
            ("Mhmm.", true),
            ("mm hmm", true),
            ("MHM!", true),
            ("Uh huh, uh-huh.", true),
            ("ok, yeah", true),
            ("O.K.", true),
            ("theek hai", true),
            ("Thik hai.", true),
            ("accha accha", true),
            ("हाँ", true),
            ("हां जी।", true),
            ("जी", true),
            ("ठीक है।", true),
            ("I see.", true),
            ("Uh.", true),
            ("Ja, genau.", true),
            ("Sí, sí.", true),
            ("oui oui", true),
            ("はい、はい。", true),
            ("はいはい", true),
            ("はいですが", false),
            ("That's right.", true),
            ("ok but why", false),
            ("हाँ लेकिन कब", false),
            ("", false),
            ("...", false),
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
        assert!(has_stop_word("रुको!", &settings));
        assert!(!has_stop_word("I waited", &settings));
    }

    #[test]
    fn our_own_words_coming_back_are_an_echo_and_an_answer_is_none() {
        let said = "Would Tuesday at three work for you?";
        for (text, expected) in [
            ("tuesday at three", true),
            ("would tuesday at three work for", true),
            ("tuesday", false),
            ("wednesday at three", false),
            ("yes tuesday at three", false),
            ("three at tuesday", false),
        ] {
            assert_eq!(is_echo(text, said), expected, "{text}");
        }
    }

    #[test]
    fn an_open_end_is_incomplete() {
        for (text, expected) in [
            ("my number is", true),
            ("I would like to", true),
            ("yes please", false),
            ("What about", true),
            ("मेरा नंबर", true),
            ("and.", true),
            ("My name is.", true),
            ("That is what it is.", false),
            ("Where are you from?", false),
            ("I am from.", false),
            ("My number is...", true),
            ("I would like…", true),
        ] {
            assert_eq!(is_incomplete(text), expected, "{text}");
        }
    }

    #[test]
    fn a_wish_to_hear_it_again_is_one() {
        for (text, expected) in [
            ("Sorry?", true),
            ("Could you repeat that, please?", true),
            ("I didn't catch that", true),
            ("What?", true),
            ("Hello? Hello?", true),
            ("Huh?", true),
            ("Can you hear me?", true),
            ("Could you speak a little slower?", true),
            ("क्या?", true),
            ("¿Cómo?", true),
            ("Können Sie das noch einmal sagen?", true),
            ("Hello, I need an appointment.", false),
            ("Say it one more time", true),
            ("What did you say?", true),
            ("¿Cómo puedo llegar a la clínica?", false),
            ("请再说一遍好吗？", true),
            ("もう一度お願いします。", true),
            ("एक बार और बताइए", true),
            ("What are your opening hours?", false),
            ("I am sorry but I have no card", false),
        ] {
            assert_eq!(asks_again(text), expected, "{text}");
        }
    }
}
