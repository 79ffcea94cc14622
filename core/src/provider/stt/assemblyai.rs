//! AssemblyAI's streaming recognition, third version (`/v3/ws`): turns that grow, and their ends.

mod codec;
mod event;
mod pace;
mod url;

use std::sync::Arc;
use std::time::Duration;

use ::url::Url;
use vox_shared::catalogue::ASSEMBLYAI;
use vox_shared::model::bot::SttSettings;

pub use codec::TurnsCodec;
pub use event::{Event, EventError, Turn, parse_event};

use super::{Recogniser, SttEvent, SttInput, SttStream};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::Extra;

const NAME: &str = ASSEMBLYAI.name;
/// What is told again to a session that takes the place of one that was lost.
const REPLAY: Duration = Duration::from_secs(1);

/// An AssemblyAI account and the settings of its sessions.
#[derive(Clone, Debug)]
pub struct AssemblyAi {
    door: Door,
    url: Url,
    formats: bool,
}

impl AssemblyAi {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or one that the model has not, `Unauthorised` without a key.
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        let extra = Extra::new(&ASSEMBLYAI, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let (url, formats) = url::build(settings, &extra)?;
        egress.check(&url)?;
        // The key stands there as it is, without a word before it.
        let door = Door::new(NAME, egress, key, ("authorization", ""))?;
        Ok(Self { door, url, formats })
    }
}

impl Recogniser for AssemblyAi {
    fn open(&self, rate_hz: u32) -> SttStream {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &rate_hz.to_string());
        SttStream::through(&self.door, url, TurnsCodec::new(rate_hz, self.formats))
    }

    /// More would be in the way of what is said now: it goes no faster than it was spoken.
    fn replay_most(&self) -> Duration {
        REPLAY
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
