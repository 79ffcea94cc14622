//! The queries of both endpoints: what a session asked for, or the reason the vendor refuses it.

use crate::vendor::hearing::Encoding;

/// Languages with one code at both endpoints.
const LANGUAGES: [&str; 21] = [
    "en-IN", "hi-IN", "bn-IN", "gu-IN", "kn-IN", "ml-IN", "mr-IN", "pa-IN", "ta-IN", "te-IN", "as-IN",
    "ur-IN", "ne-IN", "kok-IN", "ks-IN", "sd-IN", "sa-IN", "sat-IN", "mni-IN", "brx-IN", "mai-IN",
];
const MODES: [&str; 5] = ["transcribe", "translate", "verbatim", "translit", "codemix"];
/// Tuning of streaming recognition, all numbers.
const TUNING: [&str; 10] = [
    "positive_speech_threshold",
    "negative_speech_threshold",
    "min_speech_frames",
    "first_turn_min_speech_frames",
    "negative_frames_count",
    "negative_frames_window",
    "start_speech_volume_threshold",
    "interrupt_min_speech_frames",
    "pre_speech_pad_frames",
    "num_initial_ignored_frames",
];

/// What a streaming session asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Streaming {
    pub(crate) sample_rate: u32,
    pub(crate) vad_signals: bool,
    pub(crate) flush_signal: bool,
    pub(crate) language: String,
}

/// What a realtime session asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Realtime {
    pub(crate) model: String,
    pub(crate) language: String,
    pub(crate) encoding: Encoding,
    pub(crate) sample_rate: u32,
    pub(crate) partials: bool,
    /// The client tells the starts and ends of speech.
    pub(crate) manual: bool,
    pub(crate) times: bool,
    pub(crate) silence_ms: Option<u32>,
}

struct Given<'a>(&'a [(String, String)]);

impl<'a> Given<'a> {
    fn first(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn one_of(&self, name: &str, words: &[&str], or: &str) -> Result<String, String> {
        let word = self.first(name).unwrap_or(or);
        if words.contains(&word) { Ok(word.to_owned()) } else { Err(format!("Invalid {name}: '{word}'")) }
    }

    fn truth(&self, name: &str) -> Result<bool, String> {
        self.one_of(name, &["true", "false"], "false").map(|word| word == "true")
    }

    fn number(&self, name: &str, (least, most): (f64, f64)) -> Result<Option<f64>, String> {
        let Some(text) = self.first(name) else { return Ok(None) };
        let number = text.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| format!("Invalid {name}: '{text}'"))
    }

    fn keyterms(&self, model: &str) -> Result<(), String> {
        let Some(text) = self.first("keyterms") else { return Ok(()) };
        let terms: Vec<String> = serde_json::from_str(text).map_err(|_| "keyterms must be a JSON array")?;
        if !model.ends_with("v4") {
            return Err(format!("keyterms are not supported by {model}"));
        }
        if terms.len() > 50 || terms.iter().any(|term| term.chars().count() > 64) {
            return Err("keyterms: at most 50 of 64 characters".into());
        }
        Ok(())
    }

    fn language(&self, name: &str, (any, odia): (&str, &str)) -> Result<String, String> {
        let language = self.first(name).ok_or_else(|| format!("{name} is required"))?;
        let known = LANGUAGES.contains(&language) || [any, odia, "doi-IN"].contains(&language);
        if known { Ok(language.to_owned()) } else { Err(format!("Invalid {name}: '{language}'")) }
    }

    fn check_names(&self, known: &[&str]) -> Result<(), String> {
        let unknown = self.0.iter().find(|(name, _)| !known.contains(&name.as_str()));
        unknown.map_or(Ok(()), |(name, _)| Err(format!("Unknown parameter '{name}'")))
    }
}

impl Streaming {
    /// Check the pairs of the query.
    ///
    /// # Errors
    /// The sentence that the vendor's refusal carries.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let given = Given(pairs);
        let own = [
            "language-code",
            "model",
            "mode",
            "keyterms",
            "sample_rate",
            "vad_signals",
            "high_vad_sensitivity",
            "flush_signal",
            "input_audio_codec",
        ];
        given.check_names(&[&own[..], &TUNING[..]].concat())?;
        let model = given.one_of("model", &["saaras:v4", "saaras:v3"], "saaras:v4")?;
        given.one_of("mode", &MODES, "transcribe")?;
        given.one_of("input_audio_codec", &["wav", "pcm_s16le", "pcm_l16", "pcm_raw"], "wav")?;
        given.truth("high_vad_sensitivity")?;
        given.keyterms(&model)?;
        for name in TUNING {
            given.number(name, (0.0, 1e6))?;
        }
        let rate = given.one_of("sample_rate", &["8000", "16000"], "16000")?;
        Ok(Self {
            sample_rate: if rate == "8000" { 8_000 } else { 16_000 },
            vad_signals: given.truth("vad_signals")?,
            flush_signal: given.truth("flush_signal")?,
            language: given.language("language-code", ("unknown", "od-IN"))?,
        })
    }
}

impl Realtime {
    /// Check the pairs of the query.
    ///
    /// # Errors
    /// The reason with which the vendor closes the session.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let given = Given(pairs);
        given.check_names(&[
            "language_code",
            "model",
            "stream_type",
            "mode",
            "prompt",
            "keyterms",
            "endpointing",
            "encoding",
            "sample_rate",
            "return_timestamps",
            "threshold",
            "prefix_padding_ms",
            "silence_duration_ms",
            "min_speech_duration_ms",
        ])?;
        let model = given.one_of("model", &["saaras:v3-realtime", "saaras:v4"], "saaras:v3-realtime")?;
        given.one_of("mode", &MODES, "transcribe")?;
        given.keyterms(&model)?;
        given.number("threshold", (0.0, 1.0))?;
        given.number("prefix_padding_ms", (0.0, 60_000.0))?;
        given.number("min_speech_duration_ms", (0.0, 60_000.0))?;
        let encoding = match given
            .one_of("encoding", &["linear16", "linear32", "mulaw", "alaw"], "linear16")?
            .as_str()
        {
            "linear32" => Encoding::Linear32,
            "mulaw" => Encoding::Mulaw,
            "alaw" => Encoding::Alaw,
            _ => Encoding::Linear16,
        };
        let rate = given.one_of("sample_rate", &["8000", "16000"], "16000")?;
        let stream = given.one_of("stream_type", &["fast", "balanced", "simulated"], "balanced")?;
        Ok(Self {
            language: given.language("language_code", ("auto", "or-IN"))?,
            encoding,
            sample_rate: if rate == "8000" { 8_000 } else { 16_000 },
            partials: stream != "simulated",
            manual: given.one_of("endpointing", &["vad", "manual"], "vad")? == "manual",
            times: given.truth("return_timestamps")?,
            silence_ms: given.number("silence_duration_ms", (0.0, 60_000.0))?.map(|ms| ms as u32),
            model,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let streaming = |query: &str, because: &str| {
            let reason = Streaming::parse(&pairs(query)).unwrap_err();
            assert!(reason.contains(because), "{query}: {reason}");
        };
        streaming("model=saaras:v4", "language-code is required");
        streaming("language-code=hi-IN&model=saaras:v9", "model");
        streaming("language-code=hi", "language-code");
        streaming("language-code=or-IN", "language-code");
        streaming("language_code=hi-IN", "Unknown parameter");
        streaming("language-code=hi-IN&sample_rate=24000", "sample_rate");
        streaming("language-code=hi-IN&vad_signals=1", "vad_signals");
        streaming("language-code=hi-IN&model=saaras:v3&keyterms=[\"a\"]", "not supported");
        let realtime = |query: &str, because: &str| {
            let reason = Realtime::parse(&pairs(query)).unwrap_err();
            assert!(reason.contains(because), "{query}: {reason}");
        };
        realtime("model=saaras:v4", "language_code is required");
        realtime("language_code=od-IN", "language_code");
        realtime("language_code=auto&model=saaras:v4-realtime", "model");
        realtime("language_code=auto&sample_rate=44100", "sample_rate");
        realtime("language_code=auto&threshold=2", "threshold");
        realtime("language-code=auto", "Unknown parameter");
        assert!(Realtime::parse(&pairs("language_code=or-IN")).is_ok());
        assert!(Streaming::parse(&pairs("language-code=unknown")).is_ok());
    }
}
