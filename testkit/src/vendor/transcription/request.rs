//! The form of a request: what is asked for, or the reason it is refused.

use axum::extract::Multipart;
use serde_json::{Value, json};

use super::script::Script;
use crate::vendor::hearing::{Decoder, Encoding};

const FORMATS: [&str; 6] = ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"];
const SUFFIXES: [&str; 9] = ["flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm"];
const MOST_BYTES: usize = 25 << 20;

/// A file and what is asked about it.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) samples: Vec<i16>,
    pub(crate) sample_rate: u32,
    pub(crate) verbose: bool,
    pub(crate) words: bool,
    pub(crate) segments: bool,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) param: Option<&'static str>,
    pub(crate) code: Option<&'static str>,
}

impl Fault {
    pub(crate) fn bad(param: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: Some(param), code: None }
    }

    pub(crate) fn body(&self) -> Value {
        let kind = if self.status < 500 { "invalid_request_error" } else { "server_error" };
        json!({"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}})
    }
}

/// The fields as they come.
#[derive(Default)]
struct Given {
    file: Option<(String, Vec<u8>)>,
    model: String,
    format: Option<String>,
    granularities: Vec<String>,
    languages: Vec<(&'static str, String)>,
    unknown: Vec<String>,
}

/// Read a form.
///
/// # Errors
/// The refusal that the vendor answers with.
pub(crate) async fn read(form: Multipart, script: &Script) -> Result<(Request, Vec<String>), Fault> {
    let given = take(form).await?;
    let unknown = given.unknown.clone();
    given.check(script).map(|request| (request, unknown))
}

async fn take(mut form: Multipart) -> Result<Given, Fault> {
    let broken = |_| Fault::bad("file", "Could not parse multipart form");
    let mut given = Given::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file = field.file_name().unwrap_or_default().to_owned();
            given.file = Some((file, field.bytes().await.map_err(broken)?.to_vec()));
            continue;
        }
        let text = field.text().await.map_err(broken)?;
        match name.as_str() {
            "model" => given.model = text,
            "response_format" => given.format = Some(text),
            "timestamp_granularities[]" => given.granularities.push(text),
            "language" => given.languages.push(("language", text)),
            "languages[]" => given.languages.push(("languages[]", text)),
            "prompt" | "temperature" => {}
            _ => given.unknown.push(name),
        }
    }
    Ok(given)
}

impl Given {
    fn check(self, script: &Script) -> Result<Request, Fault> {
        let (name, bytes) = self.file.ok_or_else(|| Fault::bad("file", "file is required"))?;
        let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix).unwrap_or_default();
        if !SUFFIXES.contains(&suffix) {
            return Err(Fault::bad(
                "file",
                format!("Unrecognized file format. Supported formats: {SUFFIXES:?}"),
            ));
        }
        if bytes.len() > MOST_BYTES {
            let message = "Maximum content size limit exceeded".to_owned();
            return Err(Fault { status: 413, message, param: None, code: None });
        }
        if !script.models.contains(&self.model) {
            let message = format!("The model '{}' does not exist", self.model);
            return Err(Fault { status: 404, message, param: Some("model"), code: Some("model_not_found") });
        }
        let format = self.format.as_deref().unwrap_or("json");
        if !FORMATS.contains(&format) {
            return Err(Fault::bad("response_format", format!("Invalid response_format '{format}'")));
        }
        let verbose = format == "verbose_json";
        if self.model.starts_with("gpt-") && format != "json" {
            let message = format!("response_format '{format}' is not compatible with model '{}'", self.model);
            return Err(Fault::bad("response_format", message));
        }
        if !self.granularities.is_empty() && !verbose {
            return Err(Fault::bad("timestamp_granularities", "timestamp_granularities needs verbose_json"));
        }
        let takes_several = self.model.starts_with("gpt-transcribe");
        for (field, language) in &self.languages {
            if (*field == "languages[]") != takes_several {
                return Err(Fault::bad("language", format!("{field} is not supported by {}", self.model)));
            }
            if language.len() != 2 {
                return Err(Fault::bad("language", format!("Invalid language '{language}'")));
            }
        }
        let mut decoder = Decoder::new(Encoding::Container, 0, 1);
        let samples = decoder.decode(&bytes).ok().filter(|samples| !samples.is_empty());
        let samples = samples.ok_or_else(|| Fault::bad("file", "The audio file could not be decoded"))?;
        if samples.len() < decoder.sample_rate as usize / 10 {
            return Err(Fault::bad("file", "Audio file is too short. Minimum audio length is 0.1 seconds."));
        }
        let asks = |what: &str| self.granularities.iter().any(|granularity| granularity == what);
        Ok(Request {
            samples,
            sample_rate: decoder.sample_rate,
            verbose,
            words: asks("word"),
            segments: self.granularities.is_empty() || asks("segment"),
        })
    }
}
