//! The query of `/v3/ws`: what a session asked for, or the reason the vendor refuses it.

use crate::vendor::hearing::{Encoding, Rules};

const STREAMING: [&str; 2] = ["universal-streaming-english", "universal-streaming-multilingual"];
const OTHERS: [&str; 5] =
    ["u3-rt-pro", "universal-3-5-pro", "universal-3-6", "universal-3-6-pro", "whisper-rt"];
const BOOLEANS: [&str; 9] = [
    "format_turns",
    "language_detection",
    "filter_profanity",
    "speaker_labels",
    "continuous_partials",
    "session_heartbeat",
    "acknowledge_silence",
    "redact_pii",
    "include_partial_turns",
];
/// Numbers with their bounds.
const NUMBERS: [(&str, f64, f64); 10] = [
    ("sample_rate", 8_000.0, 48_000.0),
    ("end_of_turn_confidence_threshold", 0.0, 1.0),
    ("min_turn_silence", 0.0, 60_000.0),
    ("max_turn_silence", 0.0, 60_000.0),
    ("vad_threshold", 0.0, 1.0),
    ("inactivity_timeout", 5.0, 3_600.0),
    ("interruption_delay", 0.0, 1_000.0),
    ("previous_context_n_turns", 0.0, 100.0),
    ("voice_focus_threshold", 0.0, 1.0),
    ("max_speakers", 1.0, 100.0),
];
/// Of the streaming models alone, and of the others alone.
const STREAMING_ONLY: [&str; 2] = ["format_turns", "end_of_turn_confidence_threshold"];
const OTHERS_ONLY: [&str; 7] = [
    "prompt",
    "mode",
    "language_codes",
    "continuous_partials",
    "interruption_delay",
    "agent_context",
    "previous_context_n_turns",
];
const LISTS: [&str; 3] = ["keyterms_prompt", "language_codes", "redact_pii_policies"];
const WORDS: [(&str, &[&str]); 5] = [
    ("encoding", &["pcm_s16le", "pcm_mulaw"]),
    ("mode", &["min_latency", "balanced", "max_accuracy"]),
    ("domain", &["medical-v1"]),
    ("voice_focus", &["near-field", "far-field"]),
    ("redact_pii_sub", &["hash", "entity_name"]),
];
const FREE: [&str; 4] = ["speech_model", "prompt", "agent_context", "token"];

/// What a session asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) model: String,
    pub(crate) encoding: Encoding,
    pub(crate) sample_rate: u32,
    /// Ended turns of a streaming model are told formatted too.
    pub(crate) format_turns: bool,
    /// The model formats whatever it is told.
    pub(crate) always_formats: bool,
    pub(crate) end_ms: u32,
}

impl Wanted {
    /// Check the pairs of the query.
    ///
    /// # Errors
    /// The sentence that the vendor's error carries.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str| first(name).and_then(|value| value.parse::<f64>().ok());
        let model = first("speech_model").ok_or("speech_model is required")?;
        let is_streaming = STREAMING.contains(&model);
        if !is_streaming && !OTHERS.contains(&model) {
            return Err(format!("unknown speech_model '{model}'"));
        }
        let others = if is_streaming { OTHERS_ONLY.as_slice() } else { STREAMING_ONLY.as_slice() };
        for (name, value) in pairs {
            if others.contains(&name.as_str()) {
                return Err(format!("{name} is not supported by {model}"));
            }
            check(name, value)?;
        }
        let (least, most) = if is_streaming { (400.0, 1_280.0) } else { (100.0, 1_000.0) };
        let least = number("min_turn_silence").unwrap_or(least);
        let most = number("max_turn_silence").unwrap_or(most);
        let by_silence = number("end_of_turn_confidence_threshold").is_some_and(|threshold| threshold >= 1.0);
        Ok(Self {
            model: model.to_owned(),
            encoding: match first("encoding") {
                Some("pcm_mulaw") => Encoding::Mulaw,
                _ => Encoding::Linear16,
            },
            sample_rate: number("sample_rate").unwrap_or(16_000.0) as u32,
            format_turns: first("format_turns").is_some_and(is_true),
            always_formats: !is_streaming,
            end_ms: if by_silence { most } else { least } as u32,
        })
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules { interims: true, endpointing_ms: Some(self.end_ms), utterance_end_ms: None, vad_events: true }
    }
}

/// The vendor's own Python client writes a capital.
fn is_true(text: &str) -> bool {
    matches!(text, "true" | "True")
}

fn check(name: &str, value: &str) -> Result<(), String> {
    if let Some((_, least, most)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
        let fits = value.parse::<f64>().is_ok_and(|number| (*least..=*most).contains(&number));
        return if fits { Ok(()) } else { Err(format!("{name} must be from {least} to {most}")) };
    }
    if BOOLEANS.contains(&name) {
        return if matches!(value, "true" | "false" | "True" | "False") {
            Ok(())
        } else {
            Err(format!("{name} must be true or false"))
        };
    }
    if LISTS.contains(&name) {
        let list: Result<Vec<String>, _> = serde_json::from_str(value);
        return list.map(|_| ()).map_err(|_| format!("{name} must be a JSON list of strings"));
    }
    if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) {
        return if words.contains(&value) {
            Ok(())
        } else {
            Err(format!("{name} must be one of {}", words.join(", ")))
        };
    }
    if FREE.contains(&name) { Ok(()) } else { Err(format!("unknown parameter '{name}'")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Wanted, String> {
        Wanted::parse(&url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>())
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |query: &str, because: &str| {
            let reason = parse(query).unwrap_err();
            assert!(reason.contains(because), "{query}: {reason}");
        };
        let model = "speech_model=universal-streaming-english";
        check("sample_rate=16000", "required");
        check("speech_model=best", "unknown speech_model");
        check(&format!("{model}&sample_rate=fast"), "sample_rate");
        check(&format!("{model}&format_turns=yes"), "true or false");
        check(&format!("{model}&keyterms_prompt=a,b"), "JSON list");
        check(&format!("{model}&mode=balanced"), "not supported");
        check("speech_model=u3-rt-pro&format_turns=true", "not supported");
        check("speech_model=u3-rt-pro&mode=quick", "one of");
        check(&format!("{model}&keyterms=a"), "unknown parameter");
        check(&format!("{model}&encoding=opus"), "one of");
    }

    #[test]
    fn silence_that_ends_a_turn_follows_the_model_and_the_threshold() {
        let check = |query: &str, end_ms| assert_eq!(parse(query).unwrap().end_ms, end_ms, "{query}");
        check("speech_model=universal-streaming-english", 400);
        check("speech_model=u3-rt-pro", 100);
        check("speech_model=universal-streaming-english&end_of_turn_confidence_threshold=1", 1_280);
        check("speech_model=universal-streaming-english&min_turn_silence=160", 160);
    }
}
