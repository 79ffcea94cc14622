//! Sarvam's realtime recognition (`/speech-to-text-realtime/ws`): an utterance is told while it is spoken, and ends where the vendor
//! hears its end.

mod codec;
mod event;

use std::sync::Arc;

use url::Url;
use vox_shared::catalogue::SARVAM_REALTIME;
use vox_shared::model::bot::SttSettings;

pub use codec::RealtimeCodec;
pub use event::{Event, EventError, parse_event};

use super::super::fit::Fit;
use super::super::{Recogniser, SttStream};
use super::{HEADER, RATES, language, terms};
use crate::provider::Failure;
use crate::provider::door::Door;
use crate::provider::egress::Egress;
use crate::provider::extra::{Extra, Transport, check, endpoint};

const NAME: &str = SARVAM_REALTIME.name;
/// Settings that are passed on under their own names.
const PASSED_ON: [&str; 6] = [
    "stream_type",
    "mode",
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "min_speech_duration_ms",
];

/// A Sarvam account and the settings of its sessions.
#[derive(Clone, Debug)]
pub struct SarvamRealtime {
    door: Door,
    url: Url,
}

impl SarvamRealtime {
    /// Check the settings; nothing is connected yet.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type or a language that the vendor does not have, `Unauthorised` without a key.
    pub fn from_settings(settings: &SttSettings, egress: &Arc<Egress>) -> Result<Self, Failure> {
        check(&SARVAM_REALTIME, SARVAM_REALTIME.language_fault(&settings.language))?;
        let extra = Extra::new(&SARVAM_REALTIME, &settings.extra)?;
        let key = extra.key(&settings.api_key)?;
        let url = url(settings, &extra)?;
        egress.check(&url)?;
        Ok(Self { door: Door::new(NAME, egress, key, (HEADER, ""))?, url })
    }
}

/// The address without `sample_rate`, which each session adds.
///
/// # Errors
/// `Refused` for a setting that the model does not have.
fn url(settings: &SttSettings, extra: &Extra<'_>) -> Result<Url, Failure> {
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["speech-to-text-realtime", "ws"]);
    let model = if settings.model.is_empty() { SARVAM_REALTIME.model } else { &settings.model };
    let mut query = url.query_pairs_mut();
    query
        .append_pair("language_code", &language::code(&settings.language, "auto", "or-IN"))
        .append_pair("model", model)
        .append_pair("encoding", "linear16")
        .append_pair("endpointing", "vad");
    for name in PASSED_ON {
        let value = settings.extra.get(name).filter(|value| !value.is_null());
        let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            query.append_pair(name, &text);
        }
    }
    if let Some(prompt) = extra.text("prompt").map(str::trim).filter(|prompt| !prompt.is_empty()) {
        query.append_pair("prompt", prompt);
    }
    if let Some(terms) = terms(NAME, model, extra)? {
        query.append_pair("keyterms", &terms);
    }
    drop(query);
    Ok(url)
}

impl Recogniser for SarvamRealtime {
    fn open(&self, rate_hz: u32) -> SttStream {
        let fit = Fit::new(rate_hz, &RATES);
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("sample_rate", &fit.rate_hz().to_string());
        SttStream::through(&self.door, url, RealtimeCodec::new(fit))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests;
