//! OpenAI's speech (`/audio/speech`) and every server that speaks it: Kokoro, Orpheus and others on a machine of one's own, Groq.

use std::sync::Arc;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};
use url::Url;
use vox_shared::catalogue::SPEECH;
use vox_shared::model::bot::TtsSettings;

use super::asked::{self, Answer, Asked, SoundBody, check_is_sound, send, warmed};
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::egress::chat::{self, Address};
use crate::provider::egress::{Egress, Refusal, secret_header};
use crate::provider::extra::{Extra, Transport, check};

const NAME: &str = SPEECH.name;
/// Longest text of one request.
const TEXT_CHARS_MAX: usize = 4_096;
/// Samples without a header come at this rate and no other.
const PCM_HZ: u32 = 24_000;

/// A server that speaks, and how.
#[derive(Clone, Debug)]
pub struct Speech {
    egress: Arc<Egress>,
    authorization: Option<HeaderValue>,
    address: Arc<Address>,
    /// The body of a request, but for the text.
    fixed: Arc<Map<String, Value>>,
    pcm_hz: u32,
}

impl Speech {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key (a server behind `base_url` may need none).
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&SPEECH, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        check(&SPEECH, SPEECH.voice_fault(&settings.voice))?;
        let address = Arc::new(Address::new(extra.base_url(Transport::Http)));
        egress.check(address.written())?;
        let key = key.expose();
        let authorization =
            if key.is_empty() { None } else { Some(secret_header(NAME, &format!("Bearer {key}"))?) };
        let fixed = Arc::new(fixed(settings, &extra));
        let pcm_hz = extra.number("pcm_rate_hz").map_or(PCM_HZ, |hz| hz as u32);
        Ok(Self { egress: Arc::clone(egress), authorization, address, fixed, pcm_hz })
    }

    fn request(&self, method: reqwest::Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        let mut request = self.egress.request(method, url)?;
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    /// When the server has no such route, ask below `/v1`, which is remembered.
    async fn post(&self, body: &Value) -> Result<reqwest::Response, Failure> {
        loop {
            let url = self.address.route(&["audio", "speech"]);
            let request = self.request(reqwest::Method::POST, url.clone())?.json(body);
            match send(NAME, request).await? {
                Ok(response) => return Ok(response),
                Err(refusal) if chat::has_no_route(&refusal) && self.address.turn(&url) => {}
                Err(refusal) => return Err(chat::http_refusal(NAME, &refusal)),
            }
        }
    }
}

fn fixed(settings: &TtsSettings, extra: &Extra<'_>) -> Map<String, Value> {
    let model = if settings.model.is_empty() { SPEECH.model } else { &settings.model };
    let mut fixed = Map::new();
    fixed.insert("model".into(), model.into());
    let voice = SPEECH.voice_or_default(&settings.voice);
    // One that was made from a clip is named by its id.
    let voice = if voice.starts_with("voice_") { json!({ "id": voice }) } else { json!(voice) };
    fixed.insert("voice".into(), voice);
    let format = extra.text("response_format").filter(|format| !format.is_empty()).unwrap_or("pcm");
    fixed.insert("response_format".into(), format.into());
    let instructions = extra.text("instructions").map(str::trim).filter(|text| !text.is_empty());
    fixed.extend(instructions.map(|text| ("instructions".to_owned(), text.into())));
    fixed.extend(extra.number("speed").map(|speed| ("speed".to_owned(), json!(speed))));
    fixed
}

impl Asked for Speech {
    type Body = SoundBody;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn text_chars_max(&self) -> usize {
        TEXT_CHARS_MAX
    }

    async fn ask(&self, text: String) -> Result<Answer<SoundBody>, Failure> {
        let mut body = self.fixed.as_ref().clone();
        body.insert("input".into(), text.into());
        let response = Box::pin(self.post(&Value::Object(body))).await?;
        check_is_sound(NAME, &response)?;
        Ok(Answer { response, body: SoundBody::new(Some(self.pcm_hz)), billed: None })
    }

    async fn warm(&self) -> Result<(), Failure> {
        let request = self.request(reqwest::Method::GET, self.address.route(&["models"]))?;
        // Many servers that only speak have no list of models.
        let refused = |refusal: &Refusal| {
            (!matches!(refusal.status, 400 | 404 | 405 | 501)).then(|| chat::http_refusal(NAME, refusal))
        };
        warmed(NAME, request, refused).await
    }
}

impl Voice for Speech {
    fn open(&self, rate_hz: u32) -> TtsStream {
        asked::stream(self, rate_hz)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_the_request() {
        let check = |voice: &str, extra: Value, expected: Value| {
            let settings = TtsSettings {
                voice: voice.into(),
                extra: extra.as_object().cloned().unwrap(),
                ..TtsSettings::default()
            };
            let fixed = fixed(&settings, &Extra::new(&SPEECH, &settings.extra).unwrap());
            assert_eq!(Value::Object(fixed), expected);
        };
        let plain = json!({"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "pcm"});
        check("", json!({}), plain);
        let all = json!({
            "model": "gpt-4o-mini-tts", "voice": "af_heart", "response_format": "wav", "speed": 1.5, "instructions": "Calmly."
        });
        check("af_heart", json!({"response_format": "wav", "speed": 1.5, "instructions": " Calmly. "}), all);
    }
}
