//! Deepgram's Flux voices over their WebSocket (`/v2/speak`): text as it comes, a turn that is flushed at its end, an interruption
//! that stops what is billed, and the bill.

mod event;
mod tongue;

use std::sync::Arc;

use ::url::Url;
use vox_shared::catalogue::FLUX_VOICES;
use vox_shared::model::bot::TtsSettings;

pub use event::{Event, EventError, parse_event};
pub use tongue::FluxTongue;

use super::replies::RepliesCodec;
use super::{TtsStream, Voice};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, endpoint};

const NAME: &str = FLUX_VOICES.name;

/// A Deepgram account and one of Flux' voices.
#[derive(Clone, Debug)]
pub struct Flux {
    door: Door,
    url: Url,
}

impl Flux {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type, `Unauthorised` without a key.
    pub fn from_settings(settings: &TtsSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&FLUX_VOICES, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url(settings, &extra);
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("authorization", "Token "))?.with_reason_in("dg-error");
        Ok(Self { door, url })
    }
}

/// The address without `sample_rate`, which follows each stream's.
fn url(settings: &TtsSettings, extra: &Extra<'_>) -> Url {
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["v2", "speak"]);
    let model = if settings.model.is_empty() { FLUX_VOICES.model } else { &settings.model };
    let mut query = url.query_pairs_mut();
    query.append_pair("model", model).append_pair("encoding", "linear16");
    for name in ["speed", "expressivity"] {
        if let Some(value) = extra.number(name) {
            query.append_pair(name, &value.to_string());
        }
    }
    if let Some(out) = extra.flag("mip_opt_out") {
        query.append_pair("mip_opt_out", if out { "true" } else { "false" });
    }
    if let Some(tag) = extra.text("tag").filter(|tag| !tag.is_empty()) {
        query.append_pair("tag", tag);
    }
    drop(query);
    url
}

impl Voice for Flux {
    fn open(&self, rate_hz: u32) -> TtsStream {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &rate_hz.to_string());
        TtsStream::through(&self.door, url, RepliesCodec::new(FluxTongue::new(rate_hz), rate_hz))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
