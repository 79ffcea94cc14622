//! The body of an answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    request::Request,
    script::{Billing, Script},
};
use crate::vendor::hearing::{Finding, Hearing, Recogniser, Rules, TimedWord, Utterance};

/// Whether a file ends in silence: it is a whole utterance, and not one that goes on.
pub(crate) fn is_whole(request: &Request, script: &Script) -> bool {
    let tail = (request.sample_rate * script.silence_ms / 1_000) as usize;
    let end = request.samples.len().saturating_sub(tail);
    request.samples.len() > tail && request.samples[end..].iter().all(|sample| sample.unsigned_abs() < 500)
}

/// What a file says.
pub(crate) fn body(request: &Request, script: &Script, (utterance, is_whole): (Utterance, bool)) -> Value {
    let words = heard(request, utterance, is_whole);
    let text = words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
    let seconds = request.samples.len() as f64 / f64::from(request.sample_rate);
    let mut body = json!({ "text": text });
    match script.billing {
        Billing::Duration => body["usage"] = json!({"type": "duration", "seconds": seconds.ceil()}),
        Billing::Tokens => {
            body["usage"] =
                json!({"type": "tokens", "input_tokens": 20, "output_tokens": 5, "total_tokens": 25});
        }
        Billing::Nothing => {}
    }
    if request.verbose {
        let [no_speech, logprob] = script.doubt;
        body["task"] = json!("transcribe");
        body["language"] = json!("english");
        body["duration"] = json!(seconds);
        if request.segments {
            body["segments"] = json!([{
                "id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": format!(" {text}"), "tokens": [1, 2],
                "temperature": 0.0, "avg_logprob": logprob, "compression_ratio": 1.1, "no_speech_prob": no_speech
            }]);
        }
        if request.words {
            let at = |ms: u32| f64::from(ms) / 1_000.0;
            let told = |word: &TimedWord| json!({"word": word.word, "start": at(word.start_ms), "end": at(word.end_ms)});
            body["words"] = words.iter().map(told).collect();
        }
    }
    body
}

/// The words over the sound of the file; the first half of them while the utterance goes on.
fn heard(request: &Request, utterance: Utterance, is_whole: bool) -> Vec<TimedWord> {
    let all: Vec<&str> = utterance.text.split_whitespace().collect();
    let count = if is_whole { all.len() } else { all.len().div_ceil(2) };
    let hearing = Hearing::of([all[..count].join(" ")]);
    let never =
        Rules { interims: false, endpointing_ms: Some(u32::MAX), utterance_end_ms: None, vad_events: false };
    let mut recogniser = Recogniser::new(Arc::new(hearing), never, request.sample_rate);
    recogniser.push(&request.samples);
    let words = recogniser.close().into_iter().filter_map(|finding| match finding {
        Finding::Results(heard) => Some(heard.words),
        _ => None,
    });
    words.flatten().collect()
}
