//! Whether the caller's line only brings the bot's own words back: over a loudspeaker, or a carrier's echo.

use vox_shared::wire::result::{Speaker, TranscriptEntry};

use super::words::Words;

/// An echo comes back within this of the end of what was said.
const LAG_MS: u64 = 10_000;
/// Fewer words are an echo only while the bot still speaks: "hello" and "five hundred" are answers as well.
const FEW: usize = 3;
/// One word in so many may have been heard wrongly.
const HEARD_WRONGLY: usize = 5;
/// Words of a line that are compared.
const COMPARED: usize = 120;
/// Who says one of these where the bot did not speaks for themselves.
const OWN: [&str; 21] = [
    "i",
    "ill",
    "im",
    "ive",
    "id",
    "me",
    "my",
    "mine",
    "we",
    "well",
    "our",
    "main",
    "mai",
    "mujhe",
    "mera",
    "hum",
    "मैं",
    "मै",
    "मुझे",
    "मेरा",
    "हम",
];

/// Whether the line at `place` is an echo of what the bot said before it or at the same time.
pub fn is_echo(transcript: &[TranscriptEntry], place: usize) -> bool {
    let line = &transcript[place];
    let heard = Words::of(&line.text);
    if heard.is_empty() {
        return false;
    }
    let said = transcript.iter().filter(|other| {
        other.speaker == Speaker::Bot
            && other.started_ms <= line.ended_ms
            && line.started_ms <= other.ended_ms.saturating_add(LAG_MS)
    });
    said.into_iter().any(|said| {
        let over = line.started_ms < said.ended_ms;
        (over || heard.len() >= FEW) && repeats(&heard, &Words::of(&said.text))
    })
}

/// Whether the first is a piece of the second, nearly word for word.
pub fn repeats(heard: &Words, said: &Words) -> bool {
    let (heard, said) = (heard.list(), said.list());
    let own = |word: &&String| OWN.contains(&word.as_str());
    if heard.iter().filter(own).any(|word| !said.contains(word)) {
        return false;
    }
    let heard = &heard[..heard.len().min(COMPARED)];
    let said = &said[..said.len().min(COMPARED * 2)];
    distance(heard, said) <= heard.len() / HEARD_WRONGLY
}

/// Words to change in the first so that it stands in the second (Sellers' algorithm: the second may begin and end anywhere).
fn distance(heard: &[String], said: &[String]) -> usize {
    let mut row = vec![0; said.len() + 1];
    for (i, word) in heard.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in said.iter().enumerate() {
            let changed = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.into_iter().min().unwrap_or(heard.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(heard: &str, said: &str, expected: bool) {
        assert_eq!(repeats(&Words::of(heard), &Words::of(said)), expected, "{heard} / {said}");
    }

    #[test]
    fn an_echo_is_the_bots_own_words_and_an_answer_is_not() {
        let said = "So you will pay five hundred rupees tomorrow, is that right?";
        check("you will pay five hundred rupees tomorrow", said, true);
        check("so you will bay five hundred rupees tomorrow", said, true);
        check("yes i will pay five hundred tomorrow", said, false);
        check("I will pay five hundred rupees tomorrow", said, false);
        check("no that is wrong", said, false);
        check("मैं कल दूँगा", "आप कल देंगे", false);
    }

    fn line(speaker: Speaker, text: &str, (started_ms, ended_ms): (u64, u64)) -> TranscriptEntry {
        let words = Vec::new();
        TranscriptEntry {
            turn: 0,
            speaker,
            text: text.into(),
            confidence: None,
            started_ms,
            ended_ms,
            interrupted: false,
            words,
            bot_id: None,
        }
    }

    #[test]
    fn a_short_word_is_an_echo_only_while_the_bot_speaks() {
        let of =
            |at| [line(Speaker::Bot, "Hello, this is Maya.", (0, 2_000)), line(Speaker::Caller, "Hello", at)];
        assert!(is_echo(&of((500, 900)), 1));
        assert!(!is_echo(&of((2_500, 2_900)), 1));
        let late = [
            line(Speaker::Bot, "Hello, this is Maya.", (0, 2_000)),
            line(Speaker::Caller, "Hello this is Maya", (30_000, 31_000)),
        ];
        assert!(!is_echo(&late, 1), "somebody of that name");
    }
}
