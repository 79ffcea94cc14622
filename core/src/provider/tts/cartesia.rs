//! Cartesia's Sonic over its WebSocket (`/tts/websocket`): a context for each reply, its sound in segments that end when they are
//! flushed, with the times of words.

mod event;
mod tongue;

use std::sync::Arc;

use ::url::Url;
use serde_json::{Map, Value, json};
use vox_shared::catalogue::CARTESIA;
use vox_shared::model::bot::TtsSettings;

pub use event::{Event, EventError, parse_event};
pub use tongue::CartesiaTongue;

use super::replies::RepliesCodec;
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, check, endpoint};

const NAME: &str = CARTESIA.name;
/// The newest version of which all that is used here is documented.
const VERSION: &str = "2026-03-01";

/// A Cartesia account, a voice and how it speaks.
#[derive(Clone, Debug)]
pub struct Cartesia {
    door: Door,
    url: Url,
    /// What is the same in every request of a context, but for the rate.
    fixed: Map<String, Value>,
}

impl Cartesia {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or without a voice, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&CARTESIA, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        check(&CARTESIA, CARTESIA.voice_fault(&settings.voice).map(|fault| format!("voice {fault}")))?;
        let url = endpoint(&extra.base_url(Transport::WebSocket), &["tts", "websocket"]);
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("authorization", "Bearer "))?;
        let door = door.with_header("cartesia-version", VERSION);
        Ok(Self { door, url, fixed: fixed(settings, &extra) })
    }
}

fn fixed(settings: &TtsSettings, extra: &Extra<'_>) -> Map<String, Value> {
    let model = if settings.model.is_empty() { CARTESIA.model } else { &settings.model };
    let mut fixed = Map::new();
    fixed.insert("model_id".into(), model.into());
    fixed.insert("voice".into(), json!({"mode": "id", "id": settings.voice.trim()}));
    let language = settings.language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if language.len() == 2 {
        fixed.insert("language".into(), language.into());
    }
    fixed.insert("add_timestamps".into(), true.into());
    // The session cuts the reply into sentences: there is nothing to wait for.
    fixed.insert("max_buffer_delay_ms".into(), 0.into());
    let mut how = Map::new();
    for key in ["speed", "volume"] {
        how.extend(extra.number(key).map(|value| (key.to_owned(), value.into())));
    }
    how.extend(
        extra.text("emotion").filter(|text| !text.is_empty()).map(|e| ("emotion".to_owned(), e.into())),
    );
    if !how.is_empty() {
        fixed.insert("generation_config".into(), how.into());
    }
    if let Some(id) = extra.text("pronunciation_dict_id").filter(|id| !id.is_empty()) {
        fixed.insert("pronunciation_dict_id".into(), id.into());
    }
    fixed
}

impl Voice for Cartesia {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let tongue = CartesiaTongue::new(self.fixed.clone(), rate_hz);
        TtsStream::through(&self.door, self.url.clone(), RepliesCodec::new(tongue, rate_hz))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
