//! ElevenLabs over its multi-context WebSocket: one connection per call, one context per reply.

mod codec;
mod context;
mod error;
mod event;
mod http;
mod told;
mod url;
mod words;

use std::sync::Arc;

use ::http::HeaderMap;
use ::url::Url;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use vox_shared::catalogue::ELEVENLABS;
use vox_shared::model::bot::{ApiKey, TtsSettings};

pub use codec::ContextsCodec;
pub use event::{Alignment, Alignments, Event, EventError, parse_event};
pub use http::{ElevenLabsHttp, TimedBody};

use super::{TtsEvent, TtsInput, TtsStream, Voice};
use crate::provider::egress::{ConnectError, Egress, WebSocket, secret_header};
use crate::provider::extra::Extra;
use crate::provider::link;
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};

const NAME: &str = ELEVENLABS.name;

/// An ElevenLabs account, a voice and how it speaks.
#[derive(Clone, Debug)]
pub struct ElevenLabs {
    egress: Arc<Egress>,
    key: ApiKey,
    url: Url,
    voice_settings: Arc<Map<String, Value>>,
}

impl ElevenLabs {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or without a voice, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&ELEVENLABS, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url::build(settings, &extra)?;
        egress.check(&url)?;
        let voice_settings = Arc::new(url::voice_settings(&extra));
        Ok(Self { egress: Arc::clone(egress), key, url, voice_settings })
    }

    async fn connect(&self, rate_hz: u32) -> Result<WebSocket, Failure> {
        if !matches!(rate_hz, 8000 | 16_000 | 24_000) {
            let detail =
                format!("elevenlabs: audio at {rate_hz} Hz is not offered; use 8000, 16000 or 24000");
            return Err(Failure::new(FailureClass::Refused, detail));
        }
        let mut headers = HeaderMap::new();
        headers.insert("xi-api-key", secret_header(NAME, self.key.expose())?);
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("output_format", &format!("pcm_{rate_hz}"));
        self.egress.websocket(&url, headers).await.map_err(|error| match error {
            ConnectError::Failed(failure) => failure,
            ConnectError::Refused(refusal) => error::handshake_failure(&refusal),
        })
    }
}

impl Voice for ElevenLabs {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let (input, input_end) = mpsc::channel(STREAM_DEPTH);
        let (events_end, events) = mpsc::channel(STREAM_DEPTH);
        let client = self.clone();
        let codec = ContextsCodec::new(rate_hz, Value::Object(self.voice_settings.as_ref().clone()));
        let task = tokio::spawn(async move {
            link::run(codec, || client.connect(rate_hz), input_end, events_end).await;
        });
        TtsStream { input, events, task: TaskGuard::new(task) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
