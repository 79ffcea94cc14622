//! Deepgram's Aura over its WebSocket (`/v1/speak`): one text after the other, each flushed, sound as bytes without a header.

mod event;
mod tongue;

use std::sync::Arc;

use ::url::Url;
use vox_shared::catalogue::AURA;
use vox_shared::model::bot::TtsSettings;

pub use event::{Event, EventError, parse_event};
pub use tongue::AuraTongue;
pub(super) use tongue::closed;

use super::replies::RepliesCodec;
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, endpoint};

const NAME: &str = AURA.name;

/// A Deepgram account and one of Aura's voices.
#[derive(Clone, Debug)]
pub struct Aura {
    door: Door,
    url: Url,
}

impl Aura {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&AURA, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url(settings, &extra);
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("authorization", "Token "))?.with_reason_in("dg-error");
        Ok(Self { door, url })
    }
}

/// The address without `sample_rate`, which follows each stream's.
fn url(settings: &TtsSettings, extra: &Extra<'_>) -> Url {
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["v1", "speak"]);
    let model = if settings.model.is_empty() { AURA.model } else { &settings.model };
    let mut query = url.query_pairs_mut();
    query.append_pair("model", model).append_pair("encoding", "linear16");
    if let Some(speed) = extra.number("speed") {
        query.append_pair("speed", &speed.to_string());
    }
    if let Some(out) = extra.flag("mip_opt_out") {
        query.append_pair("mip_opt_out", if out { "true" } else { "false" });
    }
    drop(query);
    url
}

impl Voice for Aura {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &rate_hz.to_string());
        TtsStream::through(&self.door, url, RepliesCodec::new(AuraTongue::new(rate_hz), rate_hz))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
