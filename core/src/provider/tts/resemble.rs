//! Resemble over its WebSocket (`/stream`): a request for each text, numbered, with the times of characters. There is no message that
//! interrupts: what still comes of an interrupted reply is thrown away.

mod event;
mod tongue;

use std::sync::Arc;

use ::url::Url;
use serde_json::{Map, Value, json};
use vox_shared::catalogue::RESEMBLE;
use vox_shared::model::bot::TtsSettings;

pub use event::{Event, EventError, parse_event};
pub use tongue::ResembleTongue;

use super::replies::RepliesCodec;
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, check, endpoint};

const NAME: &str = RESEMBLE.name;

/// A Resemble account and a voice.
#[derive(Clone, Debug)]
pub struct Resemble {
    door: Door,
    url: Url,
    /// A request, but for its number, text and rate.
    fixed: Map<String, Value>,
}

impl Resemble {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or without a voice, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&RESEMBLE, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        check(&RESEMBLE, RESEMBLE.voice_fault(&settings.voice).map(|fault| format!("voice {fault}")))?;
        let url = endpoint(&extra.base_url(Transport::WebSocket), &["stream"]);
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("authorization", "Bearer "))?;
        Ok(Self { door, url, fixed: fixed(settings, &extra) })
    }
}

fn fixed(settings: &TtsSettings, extra: &Extra<'_>) -> Map<String, Value> {
    let mut fixed = Map::new();
    fixed.insert("voice_uuid".into(), settings.voice.trim().into());
    if let Some(project) = extra.text("project_uuid").filter(|project| !project.is_empty()) {
        fixed.insert("project_uuid".into(), project.into());
    }
    fixed.insert("binary_response".into(), json!(false));
    fixed.insert("output_format".into(), "wav".into());
    fixed.insert("precision".into(), "PCM_16".into());
    fixed.insert("no_audio_header".into(), json!(true));
    fixed
}

impl Voice for Resemble {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let tongue = ResembleTongue::new(self.fixed.clone(), rate_hz);
        TtsStream::through(&self.door, self.url.clone(), RepliesCodec::new(tongue, rate_hz))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
