//! Deepgram Nova-3 live (`/v1/listen`): interim results, endpointing, `Finalize`.

mod codec;
mod event;
mod heard;
mod url;

use std::sync::Arc;

use ::url::Url;
use vox_shared::catalogue::DEEPGRAM;
use vox_shared::model::bot::SttSettings;

pub use codec::ListenCodec;
pub use event::{Event, Results, parse_event};

use super::{Recogniser, SttEvent, SttInput, SttStream};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::Extra;

const NAME: &str = DEEPGRAM.name;
/// The header with which Deepgram says why it refuses a handshake; its bodies come in three generations.
const REASON: &str = "dg-error";

/// A Deepgram account and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Deepgram {
    door: Door,
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
        let door = Door::new(NAME, egress, key, ("authorization", "Token "))?.with_reason_in(REASON);
        Ok(Self { door, url })
    }
}

impl Recogniser for Deepgram {
    fn open(&self, rate_hz: u32) -> SttStream {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &rate_hz.to_string());
        SttStream::through(&self.door, url, ListenCodec::default())
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
