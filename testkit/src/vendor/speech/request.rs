//! What is asked for, or the reason the server refuses it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::script::Script;

const MAX_TEXT_CHARS: usize = 4_096;

/// The body as it comes. Null counts as absent.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    model: Option<String>,
    input: Option<String>,
    voice: Option<Value>,
    instructions: Option<String>,
    response_format: Option<String>,
    speed: Option<f64>,
    stream_format: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

/// What is to be said.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) text: String,
    pub(crate) voice: String,
    pub(crate) speed: f64,
    pub(crate) is_wav: bool,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    message: String,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl Fault {
    pub(crate) fn new(status: u16, message: impl Into<String>, code: Option<&'static str>) -> Self {
        Self { status, message: message.into(), param: None, code }
    }

    fn bad(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(400, message, None) }
    }

    pub(crate) fn body(&self) -> Value {
        let kind = if self.status < 500 { "invalid_request_error" } else { "server_error" };
        json!({"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}})
    }
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(body).map_err(|error| Fault::bad("body", format!("Invalid JSON: {error}")))
    }

    /// # Errors
    /// What the server objects to.
    pub(crate) fn check(&self, script: &Script) -> Result<Wanted, Fault> {
        let model = self.model.as_deref().unwrap_or_default();
        if !script.models.iter().any(|known| known == model) {
            let message = format!("The model '{model}' does not exist");
            let fault = Fault::new(404, message, Some("model_not_found"));
            return Err(Fault { param: Some("model"), ..fault });
        }
        let text = self.input.clone().unwrap_or_default();
        if text.is_empty() || text.chars().count() > MAX_TEXT_CHARS {
            return Err(Fault::bad("input", "input must have 1 to 4096 characters"));
        }
        let voice = self.voice.as_ref().and_then(|voice| voice.as_str().or(voice["id"].as_str()));
        let voice = voice.ok_or_else(|| Fault::bad("voice", "voice is missing"))?.to_owned();
        let speed = self.speed.unwrap_or(1.0);
        if !(0.25..=4.0).contains(&speed) {
            return Err(Fault::bad("speed", "speed must be between 0.25 and 4"));
        }
        if self.instructions.is_some() && model.starts_with("tts-1") {
            return Err(Fault::bad("instructions", "this model takes no instructions"));
        }
        if self.stream_format.as_deref().is_some_and(|format| format != "audio") {
            return Err(Fault::bad("stream_format", "this scripted server streams audio only"));
        }
        let is_wav = match self.response_format.as_deref() {
            Some("pcm") => false,
            Some("wav") => true,
            _ => return Err(Fault::bad("response_format", "this scripted server produces pcm and wav")),
        };
        Ok(Wanted { text, voice, speed, is_wav })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_refuses_is_refused() {
        let check = |changes: Value, param: &str| {
            let mut body =
                json!({"model": "tts-1", "input": "Hi.", "voice": "alloy", "response_format": "pcm"});
            for (name, value) in changes.as_object().unwrap() {
                body[name] = value.clone();
            }
            let request = Request::parse(body.to_string().as_bytes()).unwrap();
            let fault = request.check(&Script::default()).unwrap_err();
            assert_eq!(fault.body()["error"]["param"], param, "{changes}");
        };
        check(json!({"model": "tts-9"}), "model");
        check(json!({"input": ""}), "input");
        check(json!({"voice": null}), "voice");
        check(json!({"speed": 5}), "speed");
        check(json!({"instructions": "Calmly."}), "instructions");
        check(json!({"response_format": "mp3"}), "response_format");
        check(json!({"response_format": null}), "response_format");
    }
}
