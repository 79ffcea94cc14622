//! Deepgram Flux (`/v2/listen`): a recogniser that says itself when a turn begins, has probably ended, goes on after all, and ends.

mod codec;
mod event;
mod url;

use std::sync::Arc;

use ::url::Url;
use vox_shared::catalogue::DEEPGRAM_FLUX;
use vox_shared::model::bot::SttSettings;

pub use codec::FluxCodec;
pub use event::{Event, EventError, Message, Turn, TurnKind, parse_event};

use super::{Recogniser, SttEvent, SttInput, SttStream};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::Extra;

const NAME: &str = DEEPGRAM_FLUX.name;
/// The header with which Deepgram says why it refuses a handshake.
const REASON: &str = "dg-error";

/// A Deepgram account and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Flux {
    door: Door,
    url: Url,
    forces: bool,
}

impl Flux {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or settings that do not go together, `Unauthorised` without a key (a self-hosted engine
    /// behind `base_url` needs none).
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&DEEPGRAM_FLUX, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url::build(settings, &extra)?;
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, ("authorization", "Token "))?.with_reason_in(REASON);
        // It came to the vendor's first host first.
        let is_first = url.as_str().starts_with(&DEEPGRAM_FLUX.home.replacen("http", "ws", 1));
        let forces = extra.flag("force_end_turn").unwrap_or(is_first);
        Ok(Self { door, url, forces })
    }
}

impl Recogniser for Flux {
    fn open(&self, rate_hz: u32) -> SttStream {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &rate_hz.to_string());
        SttStream::through(&self.door, url, FluxCodec::new(rate_hz, self.forces))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
