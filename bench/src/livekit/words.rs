//! What was said and what was understood of it, word by word: rows of digits, spoken by the local voice and heard by the local recogniser.

use serde::Serialize;
use vox_caller::{Clip, Span};
use vox_engines::{
    EngineBinary, EngineError, FliteVoice, SphinxClient, SphinxEvent, SphinxSettings, synthesise_to_pcm,
};

/// What the recogniser listens for: digits, each by itself.
pub(super) const DIGITS: &str = "<digits>";
const NAMES: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const RATE_HZ: u32 = 16_000;
/// Words that are said at a time.
const ROW: u32 = 8;
/// Silence before and behind a piece, as a recogniser wants it.
const MARGIN: usize = RATE_HZ as usize / 4;
/// Sounds of one utterance lie no further apart.
const TOGETHER: u64 = RATE_HZ as u64;

/// Words that were said, and how many of them were understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub said: usize,
    pub kept: usize,
}

impl Kept {
    /// Percent; `None` if nothing was said.
    pub fn percent(self) -> Option<f64> {
        (self.said > 0).then(|| 100.0 * self.kept as f64 / self.said as f64)
    }
}

/// Rows of digits, other ones in each.
pub(super) fn rows(count: u32) -> Vec<String> {
    // Steps through all digits, so that each is said about as often, and neighbours differ.
    let digit = |at: u32| NAMES[((at * 7 + at / 10 * 3 + 4) % 10) as usize];
    (0..count).map(|row| (0..ROW).map(|at| digit(row * ROW + at)).collect::<Vec<_>>().join(" ")).collect()
}

/// How the local voice says it.
pub(super) async fn spoken(engine: &EngineBinary, words: &str) -> Result<Clip, EngineError> {
    let speech = synthesise_to_pcm(engine, FliteVoice::Slt16k, words).await?;
    Ok(Clip::new(speech.pcm, speech.rate).expect("the voice has a rate and a sound"))
}

/// What the local recogniser understands of the sounds in a recording of one voice.
pub(super) async fn understood(
    engine: &EngineBinary,
    voice: &[i16],
    sounds: &[Span],
) -> Result<String, EngineError> {
    let settings = SphinxSettings { rate: RATE_HZ, expected: vec![DIGITS.to_owned()], free: false };
    let mut ear = SphinxClient::spawn(engine, settings).await?;
    let mut words = Vec::new();
    for utterance in utterances(sounds) {
        let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(voice.len());
        let piece = &voice[at(utterance.start)..at(utterance.end)];
        ear.audio(&[&[0; MARGIN], piece, &[0; MARGIN]].concat()).await?;
        ear.finalize().await?;
        loop {
            match ear.next_event().await {
                Some(SphinxEvent::Partial { .. }) => {}
                Some(SphinxEvent::Final(heard)) => break words.push(heard.text),
                Some(SphinxEvent::Failed { .. }) | None => return Ok(words.join(" ")),
            }
        }
    }
    Ok(words.join(" "))
}

/// Pauses within utterances.
pub(super) fn holes(sounds: &[Span]) -> usize {
    sounds.len() - utterances(sounds).len()
}

/// Sounds that belong together, as one span.
fn utterances(sounds: &[Span]) -> Vec<Span> {
    let mut whole: Vec<Span> = Vec::new();
    for sound in sounds {
        match whole.last_mut() {
            Some(last) if sound.start < last.end + TOGETHER => last.end = sound.end,
            _ => whole.push(*sound),
        }
    }
    whole
}

/// How many of the words that were said were understood: their number without the fewest changes that make one text of the other, so a
/// word that was made up counts against it as one that was lost does.
pub(super) fn kept(said: &str, understood: &str) -> Kept {
    let (said, understood) = (words(said), words(understood));
    let mut distances: Vec<usize> = (0..=understood.len()).collect();
    for (row, word) in said.iter().enumerate() {
        let mut diagonal = distances[0];
        distances[0] = row + 1;
        for (column, other) in understood.iter().enumerate() {
            let cost = diagonal + usize::from(word != other);
            diagonal = distances[column + 1];
            distances[column + 1] = cost.min(diagonal + 1).min(distances[column] + 1);
        }
    }
    let changes = distances.last().copied().unwrap_or_default();
    Kept { said: said.len(), kept: said.len().saturating_sub(changes) }
}

/// Words in lower case without punctuation; figures are digits, one by one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        match word.chars().map(|c| c.to_digit(10)).collect::<Option<Vec<_>>>() {
            Some(digits) => words.extend(digits.into_iter().map(|digit| NAMES[digit as usize].to_owned())),
            None => words.push(word.to_lowercase()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, understood: &str, expected: usize) {
        assert_eq!(kept(said, understood).kept, expected, "{said:?} as {understood:?}");
    }

    #[test]
    fn lost_wrong_and_invented_words_all_count_against_it() {
        check("one two three", "One, two three.", 3);
        check("one two three", "1 23", 3);
        check("one two three", "one three", 2);
        check("one two three", "one nine three", 2);
        check("one two three", "one two two three", 2);
        check("one two three", "", 0);
        check("one", "nine nine nine nine", 0);
        check("", "one", 0);
        assert_eq!(kept("", "").percent(), None);
        assert_eq!(kept("one two", "two").percent(), Some(50.0));
    }

    #[test]
    fn rows_are_of_digits_and_each_is_another_one() {
        let rows = rows(8);
        let mut different = rows.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), 8);
        assert!(rows.iter().all(|row| kept(row, row) == Kept { said: 8, kept: 8 }), "{rows:?}");
        for name in NAMES {
            assert!(rows.iter().any(|row| row.contains(name)), "{name} is never said: {rows:?}");
        }
    }

    #[test]
    fn sounds_that_lie_close_are_one_utterance() {
        let span = |start, end| Span { start, end };
        let sounds = [span(0, 100), span(8_000, 9_000), span(40_000, 41_000)];
        assert_eq!(utterances(&sounds), [span(0, 9_000), span(40_000, 41_000)]);
        assert!(utterances(&[]).is_empty());
        assert_eq!((holes(&sounds), holes(&[])), (1, 0));
    }
}
