//! A Chatterbox server of one's own (`/synthesize`): a WAV file that is written while it is spoken.

use std::sync::Arc;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};
use url::Url;
use vox_shared::catalogue::CHATTERBOX;
use vox_shared::model::bot::TtsSettings;

use super::asked::{self, Answer, Asked, SoundBody, check_is_sound, send, warmed};
use super::{TtsStream, Voice};
use crate::provider::egress::{Egress, Refusal, secret_header};
use crate::provider::extra::{Extra, Transport, check, endpoint};
use crate::provider::{Failure, FailureClass};

const NAME: &str = CHATTERBOX.name;
/// Longest text of one request; the server cuts it into sentences itself.
const TEXT_CHARS_MAX: usize = 1_000;

/// A Chatterbox server, a voice and how it speaks.
#[derive(Clone, Debug)]
pub struct Chatterbox {
    egress: Arc<Egress>,
    authorization: Option<HeaderValue>,
    base: Url,
    voice: String,
    options: Arc<Map<String, Value>>,
}

impl Chatterbox {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&CHATTERBOX, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        check(&CHATTERBOX, CHATTERBOX.voice_fault(&settings.voice))?;
        let base = extra.base_url(Transport::Http);
        egress.check(&base)?;
        let key = key.expose();
        let authorization =
            if key.is_empty() { None } else { Some(secret_header(NAME, &format!("Bearer {key}"))?) };
        let voice = CHATTERBOX.voice_or_default(&settings.voice).to_owned();
        let options = Arc::new(options(&extra));
        Ok(Self { egress: Arc::clone(egress), authorization, base, voice, options })
    }

    fn request(&self, method: reqwest::Method, path: &str) -> Result<reqwest::RequestBuilder, Failure> {
        let mut request = self.egress.request(method, endpoint(&self.base, &[path]))?;
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }
}

fn options(extra: &Extra<'_>) -> Map<String, Value> {
    let mut options = Map::new();
    options.insert("streaming".into(), true.into());
    for name in ["exaggeration", "cfg_weight"] {
        options.extend(extra.number(name).map(|value| (name.to_owned(), json!(value))));
    }
    options
}

/// A server that is loading its model, or is at its limit, is there again soon.
fn refused(refusal: &Refusal) -> Failure {
    refusal.failure(NAME, refusal.class(), None)
}

impl Asked for Chatterbox {
    type Body = SoundBody;

    fn vendor(&self) -> &'static str {
        NAME
    }

    fn text_chars_max(&self) -> usize {
        TEXT_CHARS_MAX
    }

    async fn ask(&self, text: String) -> Result<Answer<SoundBody>, Failure> {
        let body = json!({"text": text, "voice_id": self.voice, "options": self.options.as_ref()});
        let request = self.request(reqwest::Method::POST, "synthesize")?.json(&body);
        let response = send(NAME, request).await?.map_err(|refusal| refused(&refusal))?;
        check_is_sound(NAME, &response)?;
        Ok(Answer { response, body: SoundBody::new(None), billed: None })
    }

    /// Anything but 200 says that the model is not loaded.
    async fn warm(&self) -> Result<(), Failure> {
        let request = self.request(reqwest::Method::GET, "health")?;
        let unhealthy = |refusal: &Refusal| match refusal.class() {
            class @ (FailureClass::Unauthorised | FailureClass::OverLimit) => {
                Some(refusal.failure(NAME, class, None))
            }
            _ => Some(refusal.failure(NAME, FailureClass::Unavailable, Some("its model is not loaded"))),
        };
        warmed(NAME, request, unhealthy).await
    }
}

impl Voice for Chatterbox {
    fn open(&self, rate_hz: u32) -> TtsStream {
        asked::stream(self, rate_hz)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
