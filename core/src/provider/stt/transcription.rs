//! OpenAI's transcription (`/audio/transcriptions`) and every server that speaks it: Whisper on a machine of one's own, Groq. A gate
//! cuts the line's audio into segments, each is one request.

mod answer;
mod ask;
mod listen;
mod segments;

use std::sync::Arc;

use tokio::sync::mpsc;
use vox_shared::catalogue::TRANSCRIPTION;
use vox_shared::model::bot::SttSettings;

pub use answer::{AnswerError, Transcript, parse_answer};
pub use segments::{Change, Cuts, Segment, Segmenter};

use super::{Recogniser, SttStream};
use crate::provider::egress::chat::Address;
use crate::provider::egress::{Egress, secret_header};
use crate::provider::extra::{Extra, Transport};
use crate::provider::{AUDIO_DEPTH, Failure, STREAM_DEPTH, TaskGuard};
use ask::Server;
use listen::Listener;

const NAME: &str = TRANSCRIPTION.name;
/// Silence that ends a segment: the session waits longer before it answers, so the words are on their way by then.
const SILENCE_MS: u64 = 400;
/// Looks at a segment that goes on. The session gives up speech that has no words for 4 s.
const INTERIM_MS: u64 = 2_000;

/// A server that transcribes, and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Transcription {
    server: Server,
    cuts: Cuts,
}

impl Transcription {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key (a server behind `base_url` may need none).
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&TRANSCRIPTION, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let address = Arc::new(Address::new(extra.base_url(Transport::Http)));
        egress.check(address.written())?;
        let key = key.expose();
        let authorization =
            if key.is_empty() { None } else { Some(secret_header(NAME, &format!("Bearer {key}"))?) };
        let fields = fields(settings, &extra);
        let server = Server { egress: Arc::clone(egress), authorization, address, fields };
        let silence_ms = extra.number("silence_duration_ms").map_or(SILENCE_MS, |ms| ms as u64);
        let cuts = Cuts { silence_ms, interim_ms: extra.timer("interim_ms", INTERIM_MS) };
        Ok(Self { server, cuts })
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

impl Recogniser for Transcription {
    fn open(&self, rate_hz: u32) -> SttStream {
        let (input, input_end) = mpsc::channel(AUDIO_DEPTH);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let listener = Listener::new(self.server.clone(), rate_hz, self.cuts);
        let task = tokio::spawn(listener.run(input_end, events_end));
        SttStream { input, events, task: TaskGuard::new(task) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(model: &str, language: &str, extra: Value, expected: &[(&str, &str)]) {
        let settings = SttSettings {
            model: model.into(),
            language: language.into(),
            extra: extra.as_object().cloned().unwrap(),
            ..SttSettings::default()
        };
        let got = fields(&settings, &Extra::new(&TRANSCRIPTION, &settings.extra).unwrap());
        let got: Vec<(&str, &str)> = got.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(got, expected);
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
}
