//! A server's answer, read leniently: OpenAI's, Groq's, and those of self-hosted servers, which leave much out.

use serde_json::Value;
use vox_shared::wire::result::Word;

use super::super::reading::{self, WORDS_MAX, mean, milliseconds, seconds};

/// Above this Whisper itself thinks that a stretch holds no speech …
const NO_SPEECH: f64 = 0.6;
/// … and below this it does not believe its own words. Both together: it made them up.
const UNLIKELY: f64 = -1.0;

/// What was heard in a segment. Times are milliseconds since its beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    pub text: String,
    pub words: Vec<Word>,
    pub confidence: Option<f32>,
    /// Audio billed, where the server says so.
    pub seconds: Option<f64>,
}

/// An answer that is not what the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("the answer is not JSON")]
    NotJson,
    #[error("the answer has no text")]
    NoText,
}

/// Read an answer's body.
///
/// # Errors
/// For what cannot be an answer of this protocol.
pub fn parse_answer(body: &[u8]) -> Result<Transcript, AnswerError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| AnswerError::NotJson)?;
    let whole = value["text"].as_str().ok_or(AnswerError::NoText)?;
    let segments = value["segments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let believed: Vec<&Value> = segments.iter().filter(|segment| is_believed(segment)).collect();
    let is_whole = believed.len() == segments.len();
    let text = match is_whole {
        true => whole.trim().to_owned(),
        false => believed
            .iter()
            .filter_map(|segment| segment["text"].as_str())
            .collect::<String>()
            .trim()
            .to_owned(),
    };
    let list = value["words"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stands = |word: &Word| is_whole || believed.iter().any(|segment| holds(segment, word));
    Ok(Transcript {
        words: list.iter().filter_map(word).filter(stands).take(WORDS_MAX).collect(),
        // The mean of a segment's logarithms is that of its tokens' probabilities, near enough.
        confidence: mean(believed.iter().filter_map(|segment| probability(segment)))
            .filter(|_| !text.is_empty()),
        seconds: billed(&value),
        text,
    })
}

fn is_believed(segment: &Value) -> bool {
    let number = |name: &str| segment[name].as_f64();
    !(number("no_speech_prob").is_some_and(|probability| probability > NO_SPEECH)
        && number("avg_logprob").is_some_and(|logprob| logprob < UNLIKELY))
}

fn holds(segment: &Value, word: &Word) -> bool {
    (milliseconds(&segment["start"])..=milliseconds(&segment["end"])).contains(&word.started_ms)
}

fn probability(segment: &Value) -> Option<f32> {
    let logprob = segment["avg_logprob"].as_f64().filter(|logprob| *logprob <= 0.0)?;
    Some(logprob.exp() as f32)
}

fn word(value: &Value) -> Option<Word> {
    let text = value["word"].as_str()?.trim();
    let word = reading::word(text, milliseconds(&value["start"]), milliseconds(&value["end"]));
    (!text.is_empty()).then_some(word)
}

/// Some bill seconds, some tokens; what is billed in tokens is counted as it was sent.
fn billed(value: &Value) -> Option<f64> {
    let usage = &value["usage"];
    if usage.is_object() {
        return (usage["type"] == "duration").then(|| seconds(&usage["seconds"]));
    }
    value["duration"].as_f64().map(|_| seconds(&value["duration"]))
}

#[cfg(test)]
mod tests {
    use super::super::super::reading::word;
    use super::*;

    fn read(text: &str) -> Result<Transcript, AnswerError> {
        parse_answer(text.as_bytes())
    }

    #[test]
    fn answers_are_read() {
        let verbose = r#"{"task":"transcribe","language":"english","duration":3.2,"text":" Hi, you.",
            "segments":[{"id":0,"start":0.0,"end":3.2,"text":" Hi, you.","avg_logprob":0.0,"no_speech_prob":0.9}],
            "words":[{"word":" Hi,","start":0.0,"end":0.4},{"word":"you.","start":0.5,"end":0.25},{"word":""}]}"#;
        let expected = Transcript {
            text: "Hi, you.".into(),
            words: vec![word("Hi,", 0, 400), word("you.", 500, 500)],
            confidence: Some(1.0),
            seconds: Some(3.2),
        };
        assert_eq!(read(verbose), Ok(expected));
        let check = |text: &str, seconds| {
            let transcript = read(text).unwrap();
            assert_eq!((transcript.text.as_str(), transcript.seconds), ("yes", seconds), "{text}");
        };
        check(r#"{"text":"yes"}"#, None);
        check(r#"{"text":"yes","usage":{"type":"duration","seconds":3}}"#, Some(3.0));
        check(r#"{"text":"yes","usage":{"type":"tokens","input_tokens":7},"duration":2}"#, None);
    }

    #[test]
    fn what_was_made_up_is_left_out() {
        let made_up = r#"{"text":" Yes. Thanks for watching!","segments":[
            {"start":0,"end":1,"text":" Yes.","avg_logprob":0.0,"no_speech_prob":0.7},
            {"start":1,"end":2,"text":" Thanks for watching!","avg_logprob":-1.5,"no_speech_prob":0.7}],
            "words":[{"word":"Yes.","start":0.1,"end":0.4},{"word":"Thanks","start":1.5,"end":1.6}]}"#;
        let transcript = read(made_up).unwrap();
        assert_eq!((transcript.text.as_str(), transcript.words), ("Yes.", vec![word("Yes.", 100, 400)]));
        let nothing = r#"{"text":"you","segments":[{"text":"you","avg_logprob":-2,"no_speech_prob":0.9}]}"#;
        assert_eq!(read(nothing), Ok(Transcript::default()));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(read("{\"text\":"), Err(AnswerError::NotJson));
        assert_eq!(read("<html>"), Err(AnswerError::NotJson));
        assert_eq!(read(r#"{"text":7}"#), Err(AnswerError::NoText));
        assert_eq!(read("[]"), Err(AnswerError::NoText));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _unknown = parse_answer(&body);
        }
    }
}
