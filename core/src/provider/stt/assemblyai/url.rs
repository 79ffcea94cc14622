//! The address of a session: everything that can be set is in its query.

use serde_json::json;
use url::Url;
use vox_shared::catalogue::ASSEMBLYAI;
use vox_shared::model::bot::SttSettings;

use crate::provider::extra::{Extra, Transport, endpoint};
use crate::provider::{Failure, FailureClass};

/// Models that hear English alone.
const ENGLISH: &str = "universal-streaming-english";
/// The family that has ends of turns by confidence, and formats when it is told to; the others have settings of their own.
const STREAMING: &str = "universal-streaming";
const STREAMING_ONLY: [&str; 2] = ["end_of_turn_confidence_threshold", "format_turns"];
const UNIVERSAL_3_ONLY: [&str; 3] = ["prompt", "mode", "language_hints"];
/// Numbers and words that are passed on, and the vendor's names for them.
const PASSED_ON: [(&str, &str); 7] = [
    ("end_of_turn_confidence_threshold", "end_of_turn_confidence_threshold"),
    ("min_turn_silence", "min_turn_silence"),
    ("max_turn_silence", "max_turn_silence"),
    ("vad_threshold", "vad_threshold"),
    ("language_detection", "language_detection"),
    ("profanity_filter", "filter_profanity"),
    ("mode", "mode"),
];

/// The address without `sample_rate`, which each session adds, and whether ended turns are formatted.
///
/// # Errors
/// `Refused` for a setting or a language that the model does not have.
pub(super) fn build(settings: &SttSettings, extra: &Extra<'_>) -> Result<(Url, bool), Failure> {
    let model = if settings.model.is_empty() { ASSEMBLYAI.model } else { settings.model.as_str() };
    let is_streaming = model.starts_with(STREAMING);
    check(settings, model, is_streaming)?;
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["v3", "ws"]);
    let formats = is_streaming && extra.flag("format_turns").unwrap_or(true);
    let mut query = url.query_pairs_mut();
    query.append_pair("speech_model", model).append_pair("encoding", "pcm_s16le");
    if is_streaming {
        query.append_pair("format_turns", if formats { "true" } else { "false" });
    }
    for (name, theirs) in PASSED_ON {
        let value = settings.extra.get(name).filter(|value| !value.is_null());
        let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            query.append_pair(theirs, &text);
        }
    }
    let terms: Vec<&str> =
        extra.texts("keyterms").into_iter().map(str::trim).filter(|t| !t.is_empty()).collect();
    if !terms.is_empty() {
        query.append_pair("keyterms_prompt", &json!(terms).to_string());
    }
    let languages = extra.texts("language_hints");
    if !languages.is_empty() {
        query.append_pair("language_codes", &json!(languages).to_string());
    }
    if let Some(prompt) = extra.text("prompt").map(str::trim).filter(|prompt| !prompt.is_empty()) {
        query.append_pair("prompt", prompt);
    }
    drop(query);
    Ok((url, formats))
}

fn check(settings: &SttSettings, model: &str, is_streaming: bool) -> Result<(), Failure> {
    let refused = |what: String| Failure::new(FailureClass::Refused, format!("{}: {what}", ASSEMBLYAI.name));
    let primary = settings.language.split(['-', '_']).next().unwrap_or_default();
    if model == ENGLISH && !primary.is_empty() && !primary.eq_ignore_ascii_case("en") {
        let language = &settings.language;
        return Err(refused(format!(
            "{ENGLISH} hears English, not \"{language}\"; set the model to universal-streaming-multilingual"
        )));
    }
    let (other, whose) = match is_streaming {
        true => (UNIVERSAL_3_ONLY.as_slice(), "the Universal-3 models"),
        false => (STREAMING_ONLY.as_slice(), "the universal-streaming models"),
    };
    let is_set = |name: &&&str| settings.extra.get(**name).is_some_and(|value| !value.is_null());
    match other.iter().find(is_set) {
        Some(name) => Err(refused(format!("extra.{name} is for {whose}, not for {model}"))),
        None => Ok(()),
    }
}
