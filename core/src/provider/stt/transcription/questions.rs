//! What a server is asked, and what its refusal means: a form with a segment as a WAV file. Nothing here knows of a connection.

use std::sync::Arc;

use url::Url;
use vox_shared::catalogue::TRANSCRIPTION;
use vox_shared::model::bot::SttSettings;

use super::NAME;
use super::segments::Segment;
use crate::provider::Failure;
use crate::provider::egress::Refusal;
use crate::provider::egress::chat::{self, Address};
use crate::provider::extra::{Extra, Transport};

/// Where a server is, and what every question to it says beside the file.
#[derive(Clone, Debug)]
pub struct Questions {
    address: Arc<Address>,
    fields: Vec<(&'static str, String)>,
}

/// One request: `POST` of a form (`multipart/form-data`) of a `file` and these fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub url: Url,
    /// Mono, 16 bits (RIFF, PCM).
    pub file: Vec<u8>,
    pub fields: Vec<(&'static str, String)>,
}

impl Questions {
    /// As a bot's settings say.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type.
    pub fn from_settings(settings: &SttSettings) -> Result<Self, Failure> {
        let extra = Extra::new(&TRANSCRIPTION, &settings.extra)?;
        let address = Arc::new(Address::new(extra.base_url(Transport::Http)));
        Ok(Self { address, fields: fields(settings, &extra) })
    }

    /// The address as it was written, for the policy.
    pub fn address(&self) -> &Url {
        self.address.written()
    }

    /// Where the list of models is.
    pub fn models(&self) -> Url {
        self.address.route(&["models"])
    }

    /// The question for the words of a segment at `rate_hz`.
    pub fn question(&self, segment: &Segment, rate_hz: u32) -> Question {
        Question {
            url: self.address.route(&["audio", "transcriptions"]),
            file: wav(&segment.pcm, rate_hz),
            fields: self.fields.clone(),
        }
    }

    /// What it means that a question at `url` was refused. `None` where the server has no such route and is to be asked again: the
    /// next question goes below `/v1`, which is remembered.
    pub fn refused(&self, url: &Url, refusal: &Refusal) -> Option<Failure> {
        let is_elsewhere = chat::has_no_route(refusal) && self.address.turn(url);
        (!is_elsewhere).then(|| chat::http_refusal(NAME, refusal))
    }
}

/// The fields of a request beside the file.
fn fields(settings: &SttSettings, extra: &Extra<'_>) -> Vec<(&'static str, String)> {
    let model = if settings.model.is_empty() { TRANSCRIPTION.model } else { settings.model.as_str() };
    let mut fields = vec![("model", model.to_owned())];
    // Only Whisper tells times; the models after it know no form but the short one.
    let is_whisper = model.to_ascii_lowercase().contains("whisper");
    let format = extra.text("response_format").filter(|format| !format.is_empty());
    let format = format.unwrap_or(if is_whisper { "verbose_json" } else { "json" });
    fields.push(("response_format", format.to_owned()));
    if format == "verbose_json" {
        for granularity in ["segment", "word"] {
            fields.push(("timestamp_granularities[]", granularity.to_owned()));
        }
    }
    let language = settings.language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if !language.is_empty() && language != "multi" {
        let name = if model.starts_with("gpt-transcribe") { "languages[]" } else { "language" };
        fields.push((name, language));
    }
    let prompt = extra.text("prompt").map(str::trim).filter(|prompt| !prompt.is_empty());
    let terms = extra.texts("keyterms").join(", ");
    let prompt: Vec<&str> =
        prompt.into_iter().chain(Some(terms.as_str()).filter(|t| !t.is_empty())).collect();
    if !prompt.is_empty() {
        fields.push(("prompt", prompt.join(" ")));
    }
    fields
}

/// Samples as a mono WAV file of 16 bits (RIFF, PCM).
fn wav(pcm: &[i16], rate_hz: u32) -> Vec<u8> {
    let bytes = (pcm.len() * 2) as u32;
    let mut file = Vec::with_capacity(44 + pcm.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&rate_hz.to_le_bytes());
    file.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    for half in [2_u16, 16] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    vox_audio::pcm::append_bytes(pcm.iter().copied(), &mut file);
    file
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::FailureClass;

    fn questions(model: &str, language: &str, extra: Value) -> Questions {
        let settings = SttSettings {
            model: model.into(),
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        Questions::from_settings(&settings).unwrap()
    }

    fn check(model: &str, language: &str, extra: Value, expected: &[(&str, &str)]) {
        let segment = Segment { began_ms: 0, pcm: vec![1; 160] };
        let question = questions(model, language, extra).question(&segment, 16_000);
        let got: Vec<(&str, &str)> =
            question.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(got, expected);
        assert_eq!((&question.file[..4], question.file.len()), (&b"RIFF"[..], 44 + 320));
    }

    #[test]
    fn a_question_is_what_its_model_understands() {
        check(
            "",
            "en-IN",
            json!({"prompt": "A clinic.", "keyterms": ["Vox", "Acme"]}),
            &[
                ("model", "gpt-transcribe"),
                ("response_format", "json"),
                ("languages[]", "en"),
                ("prompt", "A clinic. Vox, Acme"),
            ],
        );
        let verbose = [
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "segment"),
            ("timestamp_granularities[]", "word"),
        ];
        let whisper = [("model", "Systran/faster-whisper-large-v3")].into_iter().chain(verbose);
        let expected: Vec<(&str, &str)> = whisper.chain([("language", "hi")]).collect();
        check("Systran/faster-whisper-large-v3", "hi", json!({}), &expected);
        check(
            "whisper-1",
            "multi",
            json!({"response_format": "json"}),
            &[("model", "whisper-1"), ("response_format", "json")],
        );
    }

    #[test]
    fn a_server_without_the_route_is_asked_below_v1_and_then_no_more() {
        let questions = questions("whisper-1", "en", json!({"base_url": "http://127.0.0.1:8000"}));
        let segment = Segment { began_ms: 0, pcm: Vec::new() };
        let missing = Refusal { status: 404, headers: HeaderMap::new(), body: String::new() };
        let first = questions.question(&segment, 16_000).url;
        assert_eq!(first.path(), "/audio/transcriptions");
        assert_eq!(questions.refused(&first, &missing), None);
        let second = questions.question(&segment, 16_000).url;
        assert_eq!(second.path(), "/v1/audio/transcriptions");
        let failure = questions.refused(&second, &missing).expect("both ways were tried");
        assert_eq!(failure.class, FailureClass::Refused);
    }
}
