//! Soniox's real-time transcription (`/transcribe-websocket`): parts of words, final or not yet, and marks for the end of an
//! utterance and of what was asked for.

mod codec;
mod event;
mod heard;
mod opening;

use std::sync::Arc;

use ::url::Url;
use serde_json::{Map, Value, json};
use vox_shared::catalogue::SONIOX;
use vox_shared::model::bot::SttSettings;

pub use codec::TokensCodec;
pub use event::{Event, Token, Tokens, What, parse_event};

use super::{Recogniser, SttEvent, SttInput, SttStream};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, endpoint};

const NAME: &str = SONIOX.name;

/// A Soniox account and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Soniox {
    door: Door,
    url: Url,
    opening: Map<String, Value>,
}

impl Soniox {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key.
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&SONIOX, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = endpoint(&extra.base_url(Transport::WebSocket), &["transcribe-websocket"]);
        egress.check(&url)?;
        // The key may stand in the first message too, but not for long any more, and never in both places.
        let door = Door::new(NAME, egress, key, ("authorization", "Bearer "))?;
        Ok(Self { door, url, opening: opening::build(settings, &extra) })
    }

    fn opening(&self, rate_hz: u32) -> String {
        let mut opening = self.opening.clone();
        opening.insert("sample_rate".into(), json!(rate_hz));
        Value::Object(opening).to_string()
    }
}

impl Recogniser for Soniox {
    fn open(&self, rate_hz: u32) -> SttStream {
        SttStream::through(&self.door, self.url.clone(), TokensCodec::new(self.opening(rate_hz)))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
