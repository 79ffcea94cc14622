//! Soniox' voices over their WebSocket (`/tts-websocket`): a stream for each reply, several on one connection, with the times of
//! characters.

mod event;
mod tongue;

use std::sync::Arc;

use ::url::Url;
use serde_json::{Map, Value, json};
use vox_shared::catalogue::SONIOX_VOICES;
use vox_shared::model::bot::TtsSettings;

pub use event::{Event, EventError, parse_event};
pub use tongue::SonioxTongue;

use super::replies::RepliesCodec;
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, check, endpoint};

const NAME: &str = SONIOX_VOICES.name;

/// A Soniox account, a voice and how it speaks.
#[derive(Clone, Debug)]
pub struct Soniox {
    door: Door,
    url: Url,
    /// The first message of a stream, but for its name and rate.
    opening: Map<String, Value>,
}

impl Soniox {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&SONIOX_VOICES, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        check(&SONIOX_VOICES, SONIOX_VOICES.voice_fault(&settings.voice))?;
        let url = endpoint(&extra.base_url(Transport::WebSocket), &["tts-websocket"]);
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("authorization", "Bearer "))?;
        Ok(Self { door, url, opening: opening(settings, &extra) })
    }
}

fn opening(settings: &TtsSettings, extra: &Extra<'_>) -> Map<String, Value> {
    let model = if settings.model.is_empty() { SONIOX_VOICES.model } else { &settings.model };
    let mut opening = Map::new();
    opening.insert("model".into(), model.into());
    let language = settings.language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let language = if language.len() == 2 { language } else { "en".to_owned() };
    opening.insert("language".into(), language.into());
    opening.insert("voice".into(), SONIOX_VOICES.voice_or_default(&settings.voice).into());
    opening.insert("audio_format".into(), "pcm_s16le".into());
    opening.insert("return_timestamps".into(), true.into());
    opening.extend(extra.number("speed").map(|speed| ("speed".to_owned(), json!(speed))));
    opening.extend(extra.flag("reduce_silence").map(|on| ("reduce_silence".to_owned(), on.into())));
    let tag = extra.text("tag").filter(|tag| !tag.is_empty());
    opening.extend(tag.map(|tag| ("client_reference_id".to_owned(), tag.into())));
    opening
}

impl Voice for Soniox {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let tongue = SonioxTongue::new(self.opening.clone(), rate_hz);
        TtsStream::through(&self.door, self.url.clone(), RepliesCodec::new(tongue, rate_hz))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
