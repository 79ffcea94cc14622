//! OpenAI's transcription, as a server of one's own has it: a segment of sound in, its words out. The sound says itself which words
//! are in it, so that what the server hears is what the client has cut out and sent.

use std::sync::Arc;

use serde_json::json;
use vox_core::provider::link::Outgoing;
use vox_core::provider::stt::SttEvent;
use vox_core::provider::stt::transcription::Question;
use vox_shared::model::bot::SttSettings;

use super::super::super::random::Random;
use super::super::frame::{Frame, Part};
use super::Ear;

/// The rate at which the vendor is sent sound, so that none is made over.
pub const HZ: u32 = 16_000;
/// Samples of what a line gives at a time: 32 ms.
const WINDOW: usize = HZ as usize * 32 / 1000;
/// A voice.
const LOUD: i16 = 3_000;
/// The first sample of a word is its number above this, which no other sample is.
const WORDS: i16 = 10_000;
/// Before the samples of a file.
const HEADER: usize = 44;
/// How long a word is said to be, seconds.
const WORD_S: f64 = 0.2;
/// Much more than a client takes.
const TOO_LONG: usize = (1 << 20) + 1;

/// A server that has its routes below `/v1` and is written down without; Whisper tells the times of words.
pub fn settings() -> SttSettings {
    let extra = json!({"base_url": "http://127.0.0.1:9000"});
    SttSettings {
        provider: "openai".into(),
        model: "whisper-1".into(),
        extra: extra.as_object().cloned().unwrap_or_default(),
        ..SttSettings::default()
    }
}

/// What the line gives in 32 ms in which somebody speaks or nobody does, and in which this word begins.
pub fn sound(is_loud: bool, word: Option<usize>) -> Arc<[i16]> {
    let level = if is_loud { LOUD } else { 0 };
    let mut samples: Vec<i16> = (0..WINDOW).map(|at| if at % 2 == 0 { level } else { -level }).collect();
    if let Some(number) = word {
        samples[0] = WORDS + i16::try_from(number).expect("a call has fewer words");
    }
    samples.into()
}

/// The server is asked by streams alone, and nothing is sent to it but questions.
pub struct Far;

impl Ear for Far {
    fn is_asked(&mut self, message: &Outgoing) -> bool {
        panic!("it takes no messages: {message:?}")
    }

    fn tell(&mut self, _meaning: &SttEvent, _at_ms: u64) -> Vec<Frame> {
        Vec::new()
    }
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    Well,
    /// Well, and after seconds.
    Slowly,
    /// There is nothing at this address.
    NoRoute,
    /// Without words, whatever was said.
    Empty,
    /// With words that the model made up and does not believe itself.
    MadeUp,
    /// 429, with the time after which to ask again.
    Busy,
    /// 5xx.
    Down,
    /// With what is no JSON, no text, or has no words where they must be.
    Wrong,
    /// With some of it.
    Cut,
    /// With more than anybody reads.
    TooLong,
    /// Never.
    Silent,
}

impl Manner {
    pub const ALL: [Self; 11] = [
        Self::Well,
        Self::Slowly,
        Self::NoRoute,
        Self::Empty,
        Self::MadeUp,
        Self::Busy,
        Self::Down,
        Self::Wrong,
        Self::Cut,
        Self::TooLong,
        Self::Silent,
    ];
    const LIES: [Self; 8] = [
        Self::Empty,
        Self::MadeUp,
        Self::Busy,
        Self::Down,
        Self::Wrong,
        Self::Cut,
        Self::TooLong,
        Self::Silent,
    ];

    /// Of a server that lies so many times in a hundred.
    pub fn drawn(percent: u64, random: &mut Random) -> Self {
        match (random.chance(percent), random.chance(8)) {
            (true, _) => *random.pick(&Self::LIES),
            (false, true) => Self::Slowly,
            (false, false) => Self::Well,
        }
    }
}

/// Whether the question has come to the route that there is.
pub fn has_route(question: &Question) -> bool {
    question.url.path() == "/v1/audio/transcriptions"
}

/// The numbers of the words that begin in the file, each with its place there in seconds.
pub fn heard(question: &Question) -> Vec<(usize, f64)> {
    let (header, data) = question.file.split_at(HEADER);
    assert_eq!((&header[..4], &header[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
    assert_eq!(&header[24..28], HZ.to_le_bytes(), "it is told the rate of the sound");
    assert_eq!(&header[40..], (data.len() as u32).to_le_bytes(), "it is told the length of the sound");
    let sample = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]);
    let samples = data.chunks_exact(2).map(sample).enumerate().filter(|(_, sample)| *sample >= WORDS);
    samples.map(|(at, sample)| ((sample - WORDS) as usize, at as f64 / f64::from(HZ))).collect()
}

/// The answer with these words at these places, as the question wishes it; `doubt` where the model does not believe them.
pub fn body(question: &Question, words: &[(&str, f64)], doubt: bool) -> Vec<u8> {
    let field = |name: &str| {
        question.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    };
    assert!(field("model").is_some_and(|model| !model.is_empty()), "a server wants to know the model");
    let text = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ");
    let seconds = (question.file.len() - HEADER) as f64 / 2.0 / f64::from(HZ);
    let usage = json!({"type": "duration", "seconds": seconds.ceil()});
    let answer = match field("response_format") {
        Some("json") => json!({"text": text, "usage": usage}),
        Some("verbose_json") => {
            let (no_speech, likely) = if doubt { (0.9, -1.5) } else { (0.02, -0.2) };
            let segment = json!({
                "id": 0, "start": 0.0, "end": seconds, "text": format!(" {text}"), "avg_logprob": likely,
                "no_speech_prob": no_speech,
            });
            let segments = if words.is_empty() { Vec::new() } else { vec![segment] };
            let words = words.iter().map(|(word, at)| json!({"word": word, "start": at, "end": at + WORD_S}));
            json!({
                "task": "transcribe", "language": "english", "duration": seconds, "text": text, "segments": segments,
                "words": words.collect::<Vec<_>>(), "usage": usage,
            })
        }
        other => panic!("it knows no form {other:?}"),
    };
    answer.to_string().into_bytes()
}

/// The parts of an answer, each with the milliseconds after which it comes.
pub fn parts(
    (question, words): (&Question, &[(&str, f64)]),
    manner: Manner,
    random: &mut Random,
) -> Vec<(u64, Part)> {
    let after = match manner {
        Manner::NoRoute => random.range(2, 60),
        Manner::Slowly => random.range(1_000, 6_000),
        _ => random.range(100, 900),
    };
    let refused = |status, retry_after_s| vec![(after, Part::Refused { status, retry_after_s })];
    match manner {
        Manner::Well | Manner::Slowly => whole(body(question, words, false), after, random),
        Manner::Empty => whole(body(question, &[], false), after, random),
        Manner::MadeUp => whole(body(question, &[("Thanks for watching!", 0.0)], true), after, random),
        Manner::NoRoute => refused(404, None),
        Manner::Busy => refused(429, Some(random.range(1, 60))),
        Manner::Down => refused(*random.pick(&[500, 502, 503, 504]), None),
        Manner::Wrong => whole(wrong(body(question, words, false), random), after, random),
        Manner::Cut => {
            let mut bytes = body(question, words, false);
            bytes.truncate(bytes.len() / 2);
            vec![(after, Part::Piece(bytes)), (after + 5, Part::Cut)]
        }
        Manner::TooLong => whole(vec![b' '; TOO_LONG], after, random),
        Manner::Silent => Vec::new(),
    }
}

/// Where the network cuts it is chance.
fn whole(mut bytes: Vec<u8>, after: u64, random: &mut Random) -> Vec<(u64, Part)> {
    let rest = bytes.split_off(random.range(0, bytes.len() as u64 + 1) as usize);
    let later = after + random.range(0, 40);
    vec![(after, Part::Piece(bytes)), (later, Part::Piece(rest)), (later, Part::End)]
}

/// Not what the protocol says.
fn wrong(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    match random.range(0, 5) {
        0 => bytes.truncate(bytes.len() / 2),
        1 => bytes = br#"{"text":7,"words":{}}"#.to_vec(),
        2 => bytes = b"[]".to_vec(),
        3 => bytes = b"{\"text\":\"\xff\xfe\"}".to_vec(),
        _ => bytes = b"<html>It works!</html>".to_vec(),
    }
    bytes
}
