//! ElevenLabs over HTTP: a request for each text, answered with sound and the times of characters, one object a line.

mod body;

use std::sync::Arc;

use ::http::HeaderValue;
use ::url::Url;
use serde_json::{Map, Value};
use vox_shared::catalogue::ELEVENLABS_HTTP;
use vox_shared::model::bot::{ApiKey, TtsSettings};

pub use body::TimedBody;

use super::error::handshake_failure;
use super::url;
use crate::provider::Failure;
use crate::provider::egress::{Egress, Refusal, secret_header};
use crate::provider::extra::{Extra, Transport, check, endpoint};
use crate::provider::tts::asked::{self, Answer, Asked, send, warmed};
use crate::provider::tts::{TtsStream, Voice};

const NAME: &str = ELEVENLABS_HTTP.name;
/// Longest text of one request; the newest models take 3,000.
const TEXT_CHARS_MAX: usize = 2_500;

/// An ElevenLabs account, a voice and how it speaks.
#[derive(Clone, Debug)]
pub struct ElevenLabsHttp {
    egress: Arc<Egress>,
    key: ApiKey,
    base: Url,
    /// The address of a request, without `output_format`, which follows each stream's rate.
    url: Url,
    /// The body of a request, but for the text.
    fixed: Arc<Map<String, Value>>,
}

impl ElevenLabsHttp {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or without a voice, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&ELEVENLABS_HTTP, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let voice = settings.voice.trim();
        check(&ELEVENLABS_HTTP, ELEVENLABS_HTTP.voice_fault(voice).map(|fault| format!("voice {fault}")))?;
        let base = extra.base_url(Transport::Http);
        let mut url = endpoint(&base, &["v1", "text-to-speech", voice, "stream", "with-timestamps"]);
        if let Some(on) = extra.flag("enable_logging") {
            url.query_pairs_mut().append_pair("enable_logging", if on { "true" } else { "false" });
        }
        egress.check(&url)?;
        let fixed = Arc::new(fixed(settings, &extra));
        Ok(Self { egress: Arc::clone(egress), key, base, url, fixed })
    }

    fn request(&self, method: reqwest::Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        let key: HeaderValue = secret_header(NAME, self.key.expose())?;
        Ok(self.egress.request(method, url)?.header("xi-api-key", key))
    }
}

fn fixed(settings: &TtsSettings, extra: &Extra<'_>) -> Map<String, Value> {
    let model = if settings.model.is_empty() { ELEVENLABS_HTTP.model } else { &settings.model };
    let mut fixed = Map::new();
    fixed.insert("model_id".into(), model.into());
    if let Some(code) = url::language_code(model, &settings.language) {
        fixed.insert("language_code".into(), code.into());
    }
    let how = url::voice_settings(extra);
    if !how.is_empty() {
        fixed.insert("voice_settings".into(), how.into());
    }
    if let Some(mode) = extra.text("apply_text_normalization").filter(|mode| !mode.is_empty()) {
        fixed.insert("apply_text_normalization".into(), mode.into());
    }
    fixed.extend(extra.number("seed").map(|seed| ("seed".to_owned(), (seed as u32).into())));
    fixed
}

/// A voice at one rate.
#[derive(Clone, Debug)]
struct AtRate {
    voice: ElevenLabsHttp,
    rate_hz: u32,
}

impl Asked for AtRate {
    type Body = TimedBody;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn text_chars_max(&self) -> usize {
        TEXT_CHARS_MAX
    }

    async fn ask(&self, text: String) -> Result<Answer<TimedBody>, Failure> {
        let mut url = self.voice.url.clone();
        url.query_pairs_mut().append_pair("output_format", &format!("pcm_{}", self.rate_hz));
        let mut body = self.voice.fixed.as_ref().clone();
        body.insert("text".into(), text.into());
        let request = self.voice.request(reqwest::Method::POST, url)?.json(&body);
        let response = send(NAME, request).await?.map_err(|refusal| refused(&refusal))?;
        let billed =
            response.headers().get("character-cost").and_then(|cost| cost.to_str().ok()?.parse().ok());
        Ok(Answer { response, body: TimedBody::new(self.rate_hz), billed })
    }

    async fn warm(&self) -> Result<(), Failure> {
        let url = endpoint(&self.voice.base, &["v1", "user"]);
        let request = self.voice.request(reqwest::Method::GET, url)?;
        // A key that may speak need not be allowed to look at its account.
        let fault = |refusal: &Refusal| {
            let may_not_look = refusal.json()["detail"]["status"] == "missing_permissions";
            (!may_not_look).then(|| refused(refusal))
        };
        warmed(NAME, request, fault).await
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let failure = handshake_failure(refusal);
    Failure { detail: failure.detail.replacen(super::NAME, NAME, 1), ..failure }
}

impl Voice for ElevenLabsHttp {
    fn open(&self, rate_hz: u32) -> TtsStream {
        asked::stream(&AtRate { voice: self.clone(), rate_hz }, rate_hz)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_shared::egress::Policy;

    use super::*;
    use crate::provider::FailureClass;

    fn settings(voice: &str, extra: Value) -> TtsSettings {
        TtsSettings {
            api_key: ApiKey::new("k"),
            voice: voice.into(),
            language: "hi-IN".into(),
            extra: extra.as_object().cloned().unwrap(),
            ..TtsSettings::default()
        }
    }

    #[test]
    fn settings_become_the_request() {
        let extra = json!({"speed": 1.1, "seed": 7, "apply_text_normalization": "on"});
        let settings = settings("v", extra);
        let fixed = fixed(&settings, &Extra::new(&ELEVENLABS_HTTP, &settings.extra).unwrap());
        let expected = json!({
            "model_id": "eleven_flash_v2_5", "language_code": "hi", "voice_settings": {"speed": 1.1}, "seed": 7,
            "apply_text_normalization": "on"
        });
        assert_eq!(Value::Object(fixed), expected);
    }

    #[test]
    fn a_voice_is_needed_and_stands_in_the_address() {
        let egress = Arc::new(Egress::new(Policy::default()));
        let made = |voice: &str| {
            ElevenLabsHttp::from_settings(&settings(voice, json!({"enable_logging": false})), &egress)
        };
        assert_eq!(made("a/b").unwrap_err().class, FailureClass::Refused);
        let url =
            "https://api.elevenlabs.io/v1/text-to-speech/v1d/stream/with-timestamps?enable_logging=false";
        assert_eq!(made("v1d").unwrap().url.as_str(), url);
    }
}
