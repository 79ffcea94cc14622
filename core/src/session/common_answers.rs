//! Which of the bot's common answers is meant by what the caller said: the one whose question is asked with nearly all of its words.
//! A doubt is no answer: a wrong one is worse than an apology.

use vox_shared::model::bot::CommonAnswer;

use super::words::{common, words};

/// So many of a hundred of a question's words must be said, in their order …
const SHARE: usize = 75;
/// … and so many of a hundred of what was said must be the question's: who says much more asks something else.
const SAID_SHARE: usize = 50;

/// The place of the answer, if one question fits better than those of all others.
pub fn best(answers: &[CommonAnswer], asked: &str) -> Option<usize> {
    let said = parts(asked);
    let scored = answers.iter().enumerate().filter_map(|(place, answer)| {
        let best = answer.questions.iter().filter_map(|question| score(&parts(question), &said)).max();
        best.map(|score| (score, place))
    });
    let mut scored: Vec<_> = scored.collect();
    scored.sort_by(|a, b| b.cmp(a));
    match scored[..] {
        [] => None,
        [(first, _), (second, _), ..] if first == second => None,
        [(_, place), ..] => Some(place),
    }
}

/// How well a question fits: its words that were said, the more the better.
fn score(question: &[String], said: &[String]) -> Option<(usize, usize)> {
    let both = common(question, said);
    let fits = both > 0 && both * 100 >= question.len() * SHARE && both * 100 >= said.len() * SAID_SHARE;
    fits.then(|| (both * 100 / question.len().max(said.len()), both))
}

/// Words, and in scripts without spaces the letters.
fn parts(text: &str) -> Vec<String> {
    let is_unspaced = super::text::is_unspaced;
    let part = |word: String| match word.chars().any(is_unspaced) {
        true => word.chars().filter(|c| c.is_alphanumeric()).map(String::from).collect(),
        false => vec![word],
    };
    words(text).into_iter().flat_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_known_by_its_words_and_a_doubt_is_no_answer() {
        let answer = |questions: &[&str]| CommonAnswer {
            questions: questions.iter().map(|q| (*q).to_owned()).collect(),
            answer: "So.".into(),
        };
        let answers = [
            answer(&["When are you open?", "What are your opening hours?"]),
            answer(&["Where are you?", "What is your address?"]),
            answer(&["आप कब खुलते हैं?", "何時に開きますか"]),
            answer(&["Do you have parking?"]),
            answer(&["Do you have parking?", "Is there a car park?"]),
        ];
        for (asked, expected) in [
            ("When are you open", Some(0)),
            ("Hi, when are you open today?", Some(0)),
            ("what are your opening hours please", Some(0)),
            ("And where are you?", Some(1)),
            ("आप कब खुलते हैं", Some(2)),
            ("何時に開きますか？", Some(2)),
            ("Is there a car park?", Some(4)),
            // Two answers fit alike.
            ("Do you have parking?", None),
            ("I want to complain about the man who told me when you are open last week", None),
            ("Are you open?", Some(0)),
            ("Open?", None),
            ("", None),
        ] {
            assert_eq!(best(&answers, asked), expected, "{asked}");
        }
    }
}
