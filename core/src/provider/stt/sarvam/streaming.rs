//! Sarvam's streaming recognition (`/speech-to-text/ws`): an utterance is told once, when it is over.

mod codec;
mod event;

use std::sync::Arc;

use url::Url;
use vox_shared::catalogue::SARVAM;
use vox_shared::model::bot::SttSettings;

pub use codec::UtterancesCodec;
pub use event::{Event, EventError, parse_event};

use super::super::fit::Fit;
use super::super::{Recogniser, SttStream};
use super::{HEADER, RATES, language, terms};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, check, endpoint};

const NAME: &str = SARVAM.name;

/// A Sarvam account and the settings of its streams.
#[derive(Clone, Debug)]
pub struct Sarvam {
    door: Door,
    url: Url,
    prompt: Option<String>,
}

impl Sarvam {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or a language that the vendor does not have, `Unauthorised` without a key.
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        check(&SARVAM, SARVAM.language_fault(&settings.language))?;
        let extra = Extra::new(&SARVAM, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url(settings, &extra)?;
        egress.check(&url)?;
        let door = Door::new(NAME, egress, key, (HEADER, ""))?;
        let prompt =
            extra.text("prompt").map(str::trim).filter(|prompt| !prompt.is_empty()).map(str::to_owned);
        Ok(Self { door, url, prompt })
    }
}

/// The address without `sample_rate`, which each stream adds.
///
/// # Errors
/// `Refused` for a setting that the model does not have.
fn url(settings: &SttSettings, extra: &Extra<'_>) -> Result<Url, Failure> {
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["speech-to-text", "ws"]);
    let model = if settings.model.is_empty() { SARVAM.model } else { &settings.model };
    let mut query = url.query_pairs_mut();
    query
        .append_pair("language-code", &language::code(&settings.language, "unknown", "od-IN"))
        .append_pair("model", model)
        .append_pair("mode", extra.text("mode").filter(|mode| !mode.is_empty()).unwrap_or("transcribe"))
        .append_pair("vad_signals", "true")
        .append_pair("flush_signal", "true")
        .append_pair("input_audio_codec", "pcm_s16le");
    if let Some(on) = extra.flag("high_vad_sensitivity") {
        query.append_pair("high_vad_sensitivity", if on { "true" } else { "false" });
    }
    if let Some(terms) = terms(NAME, model, extra)? {
        query.append_pair("keyterms", &terms);
    }
    drop(query);
    Ok(url)
}

impl Recogniser for Sarvam {
    fn open(&self, rate_hz: u32) -> SttStream {
        let fit = Fit::new(rate_hz, &RATES);
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &fit.rate_hz().to_string());
        SttStream::through(&self.door, url, UtterancesCodec::new(fit, self.prompt.clone()))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
