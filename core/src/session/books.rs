//! Which part of a text was said when: the voice's words fitted to the text that it was given, counted in characters.
//!
//! A voice may say other words than it was given ("$5" is "five dollars"), give times for some of them only, or none. What
//! fits is taken as it is; what lies between two fits is spread over the time between; what has no times is estimated.

mod fit;

use crate::provider::tts::WordMark;
use crate::session::text::{Piece, is_unspaced, syllables};
use fit::{Span, fit};

/// Speech rate assumed while neither word times nor the whole audio are known, milliseconds a letter.
const MS_PER_LETTER: u32 = 65;
/// A word counts as heard when this much of it may still be missing: voices mark a word's end after its last breath.
const WORD_TAIL_MS: u32 = 60;
/// Sound without marks for longer than this behind the last one is speech, not the pause between two sentences.
const UNMARKED_MS: u32 = 600;

/// How long pieces take to say, milliseconds.
pub fn expected_ms(pieces: &[Piece]) -> u32 {
    let letters: usize = pieces.iter().flat_map(Piece::sounds).sum();
    u32::try_from(letters).unwrap_or(u32::MAX).saturating_mul(MS_PER_LETTER)
}

/// A text and the times of its audio.
pub struct Books<'a> {
    pieces: &'a [Piece],
    /// The pieces as the voice says them, a space between two of them.
    text: Vec<char>,
    /// How long each character takes.
    sounds: Vec<usize>,
    /// Where the text has words for what is written otherwise: from, to, and what is written.
    forms: Vec<(usize, usize, &'a str)>,
    spans: Vec<Span>,
    /// Length of all the audio, once the voice is done.
    whole_ms: Option<u32>,
    audio_ms: u32,
}

impl<'a> Books<'a> {
    pub fn new(pieces: &'a [Piece], marks: &[WordMark], whole_ms: Option<u32>, audio_ms: u32) -> Self {
        let (mut text, mut sounds, mut forms) = (Vec::new(), Vec::new(), Vec::new());
        for piece in pieces {
            if !text.is_empty() {
                text.push(' ');
                sounds.push(syllables(' '));
            }
            let at = text.len();
            sounds.extend(piece.sounds());
            forms.extend(piece.forms().map(|(from, to, written)| (at + from, at + to, written)));
            text.extend(piece.say().chars());
        }
        let spans = fit(&without_directions(&text, &forms), marks);
        Self { pieces, text, sounds, forms, spans, whole_ms, audio_ms }
    }

    /// The pieces said by `at_ms` of the audio, and the others.
    pub fn split(&self, at_ms: u32) -> (Vec<Piece>, Vec<Piece>) {
        let said = self.said(at_ms);
        let (mut before, mut after, mut from) = (Vec::new(), Vec::new(), 0);
        for piece in self.pieces {
            let (a, b) = piece.split(said.saturating_sub(from));
            before.extend(a);
            after.extend(b);
            from += piece.chars() + 1;
        }
        (before, after)
    }

    /// What is said between two places of the audio: in the words that the voice was given, and as it is written, with the whole of each
    /// number that is said there.
    pub fn between(&self, from_ms: u32, until_ms: u32) -> [String; 2] {
        let (from, to) = (self.whole(self.said(from_ms)), self.whole(self.said(until_ms)));
        let given = self.text[from..to.max(from)].iter().collect();
        let (from, to) = self.with_forms(from, to.max(from));
        [given, self.written(from, to)]
    }

    /// The words said by `at_ms` that have times, as they are written: all words for one number are one.
    pub fn words(&self, at_ms: u32) -> Vec<WordMark> {
        let said = self.said(at_ms);
        let mut words: Vec<WordMark> = Vec::new();
        let mut told = 0;
        for span in self.spans.iter().filter(|s| s.to <= said) {
            let (from, to) = self.with_forms(span.from, span.to);
            if from < told
                && let Some(word) = words.last_mut()
            {
                word.ended_ms = word.ended_ms.max(span.ended_ms);
                word.text.push_str(self.written(told, to.max(told)).trim_end());
                told = told.max(to);
                continue;
            }
            if to > said {
                continue;
            }
            told = to;
            let text = self.written(from, to);
            if text.trim().is_empty() {
                // A direction for the voice.
                continue;
            }
            let goes_on = span.from > 0
                && !self.text[span.from - 1].is_whitespace()
                && syllables(self.text[span.from]) == 1;
            match words.last_mut().filter(|_| goes_on) {
                Some(word) => {
                    word.text.push_str(text.trim_end());
                    word.ended_ms = span.ended_ms;
                }
                None => words.push(WordMark {
                    text: text.trim().to_owned(),
                    started_ms: span.started_ms,
                    ended_ms: span.ended_ms,
                }),
            }
        }
        words
    }

    /// Up to so many characters, without a word that would be broken.
    fn whole(&self, chars: usize) -> usize {
        let parts = |at: usize| {
            let next = self.text.get(at).copied();
            next.is_none_or(|c| c.is_whitespace() || is_unspaced(c)) || is_unspaced(self.text[at - 1])
        };
        (1..=chars.min(self.text.len())).rev().find(|at| parts(*at)).unwrap_or_default()
    }

    /// A part of the text with the whole of each form that it touches.
    fn with_forms(&self, from: usize, to: usize) -> (usize, usize) {
        let touched = self.forms.iter().filter(|(begin, end, _)| *begin < to && from < *end);
        touched.fold((from, to), |(from, to), (begin, end, _)| (from.min(*begin), to.max(*end)))
    }

    /// A part of the text as it is written.
    fn written(&self, from: usize, to: usize) -> String {
        let (mut written, mut at) = (String::new(), from);
        for (begin, end, form) in self.forms.iter().filter(|(begin, _, _)| (from..to).contains(begin)) {
            written.extend(&self.text[at..*begin]);
            written.push_str(form);
            at = *end;
        }
        written.extend(&self.text[at..to]);
        written
    }

    /// Characters of the text said by `at_ms`.
    fn said(&self, at_ms: u32) -> usize {
        if at_ms == 0 {
            return 0;
        }
        if self.whole_ms.is_some_and(|whole| at_ms >= whole) {
            return self.text.len();
        }
        let Some(last) = self.spans.last() else { return self.estimate(0, 0, at_ms) };
        if at_ms > last.ended_ms.saturating_add(UNMARKED_MS) {
            return self.estimate(last.to, last.ended_ms, at_ms - UNMARKED_MS / 2);
        }
        let mut said = 0;
        for span in &self.spans {
            if span.ended_ms <= at_ms.saturating_add(WORD_TAIL_MS) {
                said = span.to;
            } else if span.started_ms < at_ms {
                let length = (span.ended_ms - span.started_ms).max(1) as usize;
                said = span.from + (span.to - span.from) * (at_ms - span.started_ms) as usize / length;
            }
        }
        said
    }

    /// Characters said by `at_ms` where no times are known: those up to `from` were said by `from_ms`, and the rest goes on
    /// evenly to the end of the audio, or at the usual rate while that is not known.
    fn estimate(&self, from: usize, from_ms: u32, at_ms: u32) -> usize {
        let letters: usize = self.sounds[from..].iter().sum();
        let usual_ms = u32::try_from(letters).unwrap_or(u32::MAX).saturating_mul(MS_PER_LETTER);
        let known_ms = self.audio_ms.saturating_sub(from_ms);
        let rest_ms = self.whole_ms.map_or(usual_ms.max(known_ms), |whole| whole.saturating_sub(from_ms));
        if rest_ms == 0 {
            return from;
        }
        let said = letters as u64 * u64::from(at_ms.saturating_sub(from_ms)) / u64::from(rest_ms);
        let mut left = usize::try_from(said).unwrap_or(usize::MAX);
        let mut chars = from;
        for sound in &self.sounds[from..] {
            if *sound > left {
                break;
            }
            left -= sound;
            chars += 1;
        }
        chars
    }
}

/// What the voice's own words are looked for in: nobody says a direction.
fn without_directions(text: &[char], forms: &[(usize, usize, &str)]) -> Vec<char> {
    let mut said = text.to_vec();
    for (from, to, _) in forms.iter().filter(|(_, _, written)| written.is_empty()) {
        said[*from..*to].fill(' ');
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::text::joined;

    /// Marks of even length for each word of `words`, one after the other.
    fn marks(words: &[&str], each_ms: u32) -> Vec<WordMark> {
        let mark = |(at, text): (usize, &&str)| {
            let started_ms = at as u32 * each_ms;
            WordMark { text: (*text).to_owned(), started_ms, ended_ms: started_ms + each_ms }
        };
        words.iter().enumerate().map(mark).collect()
    }

    /// A text, the words its voice marked (300 ms each), and what is heard at times.
    fn check(pieces: &[&str], words: &[&str], expected: &[(u32, &str)]) {
        let pieces: Vec<Piece> = pieces.iter().map(|p| Piece::plain(p)).collect();
        let marks = marks(words, 300);
        for (at_ms, heard) in expected {
            let (before, after) = Books::new(&pieces, &marks, None, 60_000).split(*at_ms);
            assert_eq!(joined(&before), *heard, "{pieces:?} at {at_ms}");
            let all: usize = before.iter().chain(&after).map(|p| p.say().split_whitespace().count()).sum();
            assert!(
                all >= pieces.iter().map(|p| p.say().split_whitespace().count()).sum::<usize>(),
                "nothing is lost"
            );
        }
    }

    #[test]
    fn words_are_heard_when_their_audio_was_played() {
        let times =
            [(0, ""), (100, ""), (300, "one"), (590, "one two"), (700, "one two"), (900, "one two three")];
        check(&["one two three"], &["one", "two", "three"], &times);
        check(&["one two", "three"], &["one", "two", "three"], &times);
    }

    #[test]
    fn a_voice_that_says_other_words_is_fitted() {
        check(
            &["It is $5 in all today."],
            &["It", "is", "five", "dollars", "in", "all", "today."],
            &[
                (600, "It is"),
                (800, "It is"),
                (1_200, "It is $5"),
                (1_500, "It is $5 in"),
                (2_100, "It is $5 in all today."),
            ],
        );
        check(
            &["Call Dr. Smith at 9:30 now"],
            &["Call", "Doctor", "Smith", "at", "nine", "thirty", "now"],
            &[
                (600, "Call Dr."),
                (900, "Call Dr. Smith"),
                (1_200, "Call Dr. Smith at"),
                (2_100, "Call Dr. Smith at 9:30 now"),
            ],
        );
        check(
            &["Really?!", " \"Yes,\" she said."],
            &["really", "yes", "she", "said"],
            &[(300, "Really?!"), (600, "Really?! \"Yes,\""), (1_200, "Really?! \"Yes,\" she said.")],
        );
    }

    #[test]
    fn a_language_without_spaces_is_counted_in_characters() {
        let text = "感谢您的来电今天营业";
        check(
            &[text],
            &["感谢您", "的来电", "今天营业"],
            &[(200, "感谢"), (300, "感谢您"), (500, "感谢您的来"), (900, text)],
        );
        check(&["您好。", "请说。"], &["您好。", "请说。"], &[(300, "您好。"), (600, "您好。请说。")]);
    }

    #[test]
    fn repeated_words_are_told_apart() {
        check(&["no no no no"], &["no", "no", "no", "no"], &[(300, "no"), (900, "no no no")]);
        check(
            &["one and two and three"],
            &["one", "and", "two", "and", "three"],
            &[(600, "one and"), (1_200, "one and two and")],
        );
    }

    #[test]
    fn without_marks_the_share_of_the_audio_decides() {
        let pieces = [Piece::plain("one two three four")];
        let (before, after) = Books::new(&pieces, &[], Some(1_000), 1_000).split(500);
        assert_eq!((joined(&before).as_str(), joined(&after).as_str()), ("one two", "three four"));
        let chinese = [Piece::plain("感谢您的来电今天营业")];
        let (before, _) = Books::new(&chinese, &[], None, 500).split(1_000);
        assert_eq!(joined(&before), "感谢您的来", "195 ms a character");
    }

    #[test]
    fn what_the_marks_leave_out_is_estimated() {
        let pieces = [Piece::plain("one two"), Piece::plain("three four five six")];
        let marks = marks(&["one", "two"], 300);
        let heard = |at_ms| joined(&Books::new(&pieces, &marks, Some(2_600), 2_600).split(at_ms).0);
        assert_eq!(heard(900), "one two", "a pause");
        assert!(heard(1_900).starts_with("one two three"), "{}", heard(1_900));
        assert_eq!(heard(2_600), "one two three four five six");
    }

    #[test]
    fn times_that_lie_do_not_run_ahead() {
        let pieces = [Piece::plain("one two three four five six")];
        let at = |text: &str, started_ms, ended_ms| WordMark { text: text.into(), started_ms, ended_ms };
        // The first words' times overlap the third's sound: they end when it begins.
        let marks = [at("one", 0, 900), at("two", 900, 1_800), at("three", 500, 800), at("four", 800, 1_100)];
        let heard = |at_ms| joined(&Books::new(&pieces, &marks, None, 1_100).split(at_ms).0);
        assert_eq!(heard(400), "");
        assert_eq!(heard(500), "one two");
        assert_eq!(heard(800), "one two three");
        assert_eq!(heard(1_100), "one two three four");
    }

    #[test]
    fn marks_that_fit_nothing_are_estimates() {
        let pieces = [Piece::plain("नमस्ते आप कैसे हैं")];
        let marks = marks(&["namaste", "aap", "kaise", "hain"], 300);
        let heard = |at_ms| joined(&Books::new(&pieces, &marks, Some(1_200), 1_200).split(at_ms).0);
        assert_eq!(heard(0), "");
        assert!(heard(600).chars().count() < heard(1_199).chars().count());
        assert_eq!(heard(1_200), "नमस्ते आप कैसे हैं");
    }

    /// The voice was given words for a number: the record has the number, from the first of its words to the last, once all of them
    /// were heard.
    #[test]
    fn words_for_a_number_are_one_word_of_the_record() {
        let manner = vox_shared::spoken::Manner::of("en", &[]).unwrap();
        let text = "It is $25 at 10:30.";
        let chars: Vec<char> = text.chars().collect();
        let pieces = [Piece::plain(text).worded(&vox_shared::spoken::find(&chars, &manner))];
        assert_eq!(pieces[0].say(), "It is twenty-five dollars at ten thirty.");
        for words in [
            &["It", "is", "twenty-five", "dollars", "at", "ten", "thirty."][..],
            // A voice that marks other words than it was given.
            &["It", "is", "25", "dollars", "at", "10", "thirty."],
        ] {
            let each = 100;
            let marks = marks(words, each);
            let heard = |at_ms| {
                let books = Books::new(&pieces, &marks, None, 60_000);
                let words: Vec<_> =
                    books.words(at_ms).into_iter().map(|w| (w.text, w.started_ms, w.ended_ms)).collect();
                (joined(&books.split(at_ms).0), words)
            };
            let word = |text: &str, from, to| (text.to_owned(), from, to);
            let (it, is) = (word("It", 0, 100), word("is", 100, 200));
            assert_eq!(heard(310), ("It is".to_owned(), vec![it.clone(), is.clone()]), "{words:?}");
            assert_eq!(heard(400).0, "It is $25");
            assert_eq!(heard(400).1, [it, is, word("$25", 200, 400)]);
            assert_eq!(heard(610).0, "It is $25 at");
            assert_eq!(heard(700).0, text);
            assert_eq!(heard(700).1.last(), Some(&word("10:30.", 500, 700)));
        }
    }

    #[test]
    fn heard_words_carry_their_times() {
        let pieces = [Piece::plain("It is $5 now.")];
        let marks = marks(&["It", "is", "five", "dollars", "now."], 100);
        let words = Books::new(&pieces, &marks, None, 500).words(500);
        let expected = [("It", 0, 100), ("is", 100, 200), ("$5", 200, 400), ("now.", 400, 500)];
        let got: Vec<_> = words.iter().map(|w| (w.text.as_str(), w.started_ms, w.ended_ms)).collect();
        assert_eq!(got, expected);
    }
}
