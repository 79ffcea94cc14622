//! Sarvam's Bulbul over its WebSocket (`/text-to-speech/ws`): one text after the other, each flushed. There is no message that
//! interrupts: a reply that is not wanted any more is left behind with its connection.

mod event;
mod tongue;

use std::sync::Arc;

use ::url::Url;
use serde_json::{Map, Value};
use vox_shared::catalogue::SARVAM_VOICES;
use vox_shared::model::bot::TtsSettings;

pub use event::{Event, EventError, parse_event};
pub use tongue::SarvamTongue;

use super::replies::RepliesCodec;
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, check, endpoint};

const NAME: &str = SARVAM_VOICES.name;

/// A Sarvam account, a speaker and how it speaks.
#[derive(Clone, Debug)]
pub struct Sarvam {
    door: Door,
    url: Url,
    /// The first message of a connection, but for the rate.
    config: Map<String, Value>,
}

impl Sarvam {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, a speaker that is no name, or a language that the vendor does not speak,
    /// `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&SARVAM_VOICES, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        check(&SARVAM_VOICES, SARVAM_VOICES.language_fault(&settings.language))?;
        check(&SARVAM_VOICES, SARVAM_VOICES.voice_fault(&settings.voice))?;
        let model = if settings.model.is_empty() { SARVAM_VOICES.model } else { &settings.model };
        let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["text-to-speech", "ws"]);
        url.query_pairs_mut().append_pair("model", model).append_pair("send_completion_event", "true");
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("api-subscription-key", ""))?;
        Ok(Self { door, url, config: config(settings, &extra, model) })
    }
}

fn config(settings: &TtsSettings, extra: &Extra<'_>, model: &str) -> Map<String, Value> {
    let mut config = Map::new();
    // The newest definition calls it `language_code`; this one is taken by all servers that there are.
    config.insert("target_language_code".into(), language(&settings.language).into());
    let speaker = SARVAM_VOICES.voice_or_default(&settings.voice);
    config.insert("speaker".into(), speaker.to_ascii_lowercase().into());
    config.insert("model".into(), model.into());
    config.insert("output_audio_codec".into(), "linear16".into());
    for name in ["pace", "temperature", "pitch", "loudness"] {
        config.extend(extra.number(name).map(|value| (name.to_owned(), value.into())));
    }
    config
        .extend(extra.flag("enable_preprocessing").map(|on| ("enable_preprocessing".to_owned(), on.into())));
    let dictionary = extra.text("dict_id").filter(|id| !id.is_empty());
    config.extend(dictionary.map(|id| ("dict_id".to_owned(), id.into())));
    config
}

/// All of the vendor's languages are those of India, English among them; Odia has a code of its own there.
fn language(language: &str) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_str() {
        "or" => "od-IN".to_owned(),
        primary => format!("{primary}-IN"),
    }
}

impl Voice for Sarvam {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let tongue = SarvamTongue::new(self.config.clone(), rate_hz);
        TtsStream::through(&self.door, self.url.clone(), RepliesCodec::new(tongue, rate_hz))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
