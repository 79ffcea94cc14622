//! Deepgram Nova-3 live (`/v1/listen`): interim results, endpointing, `Finalize`.

mod codec;
mod event;
mod heard;
mod url;

use std::sync::Arc;

use ::url::Url;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::mpsc;
use vox_shared::catalogue::DEEPGRAM;
use vox_shared::model::bot::{ApiKey, SttSettings};

pub use codec::ListenCodec;
pub use event::{Event, Results, parse_event};

use super::{Recogniser, SttEvent, SttInput, SttStream};
use crate::provider::egress::{ConnectError, Egress, Refusal, WebSocket, clean, secret_header};
use crate::provider::extra::Extra;
use crate::provider::link;
use crate::provider::{AUDIO_DEPTH, Failure, STREAM_DEPTH, TaskGuard};

const NAME: &str = DEEPGRAM.name;

/// A Deepgram account and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Deepgram {
    egress: Arc<Egress>,
    key: ApiKey,
    url: Url,
}

impl Deepgram {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key (a self-hosted engine behind `base_url` needs none).
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&DEEPGRAM, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url::build(settings, &extra);
        egress.check(&url)?;
        Ok(Self { egress: Arc::clone(egress), key, url })
    }

    async fn connect(&self, rate_hz: u32) -> Result<WebSocket, Failure> {
        let mut headers = HeaderMap::new();
        if !self.key.is_empty() {
            headers.insert(AUTHORIZATION, secret_header(NAME, &format!("Token {}", self.key.expose()))?);
        }
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &rate_hz.to_string());
        self.egress.websocket(&url, headers).await.map_err(|error| match error {
            ConnectError::Failed(failure) => failure,
            ConnectError::Refused(refusal) => handshake_failure(&refusal, self.key.expose()),
        })
    }
}

impl Recogniser for Deepgram {
    fn open(&self, rate_hz: u32) -> SttStream {
        let (input, input_end) = mpsc::channel(AUDIO_DEPTH);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let client = self.clone();
        let task = tokio::spawn(async move {
            let connect = || client.connect(rate_hz);
            link::run(ListenCodec::default(), connect, input_end, events_end).await;
        });
        SttStream { input, events, task: TaskGuard::new(task) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// The text is in the `dg-error` header, or in one of three generations of JSON bodies. It speaks of parameters and rights,
/// never of the audio.
fn handshake_failure(refusal: &Refusal, key: &str) -> Failure {
    let header = refusal.headers.get("dg-error").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = header.or_else(|| {
        let body = refusal.json();
        ["err_msg", "message", "err_code", "category"]
            .iter()
            .find_map(|field| body[*field].as_str().map(str::to_owned))
    });
    let text = text.map(|text| clean(&text, key));
    refusal.failure(NAME, refusal.class(), text.as_deref())
}

#[cfg(test)]
mod tests;
