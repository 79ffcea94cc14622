//! The address of a stream: everything that can be set is in its query.

use serde_json::Value;
use url::Url;
use vox_shared::model::bot::SttSettings;

use crate::provider::extra::{Extra, Transport, endpoint};
use crate::provider::{Failure, FailureClass};

const HOST: &str = "wss://api.deepgram.com";
const MODEL: &str = "nova-3-general";
/// Silence after which Deepgram itself thinks an utterance is over, milliseconds. Its own default of 10 cuts within words;
/// 300 to 500 is its advice for conversations.
const ENDPOINTING_MS: u64 = 300;
/// Gap between words that yields `UtteranceEnd`; interims come once a second, so less is not useful.
const UTTERANCE_END_MS: u64 = 1000;
/// Bound of both timers.
const TIMER_MAX_MS: u64 = 10_000;
const FLAGS: [&str; 4] = ["smart_format", "numerals", "profanity_filter", "mip_opt_out"];

/// The address without `sample_rate`, which each stream adds.
pub(super) fn build(settings: &SttSettings, extra: &Extra<'_>) -> Result<Url, Failure> {
    let mut url = endpoint(&extra.base_url(HOST, Transport::WebSocket)?, &["v1", "listen"]);
    let model = if settings.model.is_empty() { MODEL } else { &settings.model };
    let language = if settings.language.is_empty() { "en" } else { &settings.language };
    let mut query = url.query_pairs_mut();
    query
        .append_pair("model", model)
        .append_pair("language", language)
        .append_pair("encoding", "linear16")
        .append_pair("channels", "1")
        .append_pair("interim_results", "true")
        .append_pair("punctuate", "true")
        .append_pair("vad_events", "true");
    let endpointing = timer(settings, "endpointing", ENDPOINTING_MS)?;
    query.append_pair("endpointing", &endpointing.map_or("false".into(), |ms| ms.to_string()));
    if let Some(ms) = timer(settings, "utterance_end_ms", UTTERANCE_END_MS)? {
        query.append_pair("utterance_end_ms", &ms.to_string());
    }
    for flag in FLAGS {
        if let Some(on) = extra.flag(flag)? {
            query.append_pair(flag, if on { "true" } else { "false" });
        }
    }
    if let Some(tag) = extra.text("tag")? {
        query.append_pair("tag", tag);
    }
    // Key terms exist from Nova-3 on; the models before it know `keywords`.
    let old = ["nova-2", "nova-general", "nova-phonecall", "nova-medical", "enhanced", "base"];
    let terms = if model == "nova" || old.iter().any(|name| model.starts_with(name)) {
        "keywords"
    } else {
        "keyterm"
    };
    for term in extra.texts("keyterms")?.into_iter().filter(|term| !term.trim().is_empty()) {
        query.append_pair(terms, term.trim());
    }
    drop(query);
    Ok(url)
}

/// A timer in milliseconds: `None` where the operator switched it off with `false` or 0.
fn timer(settings: &SttSettings, key: &str, default: u64) -> Result<Option<u64>, Failure> {
    match settings.extra.get(key) {
        None | Some(Value::Null | Value::Bool(true)) => Ok(Some(default)),
        Some(Value::Bool(false)) => Ok(None),
        Some(value) => match value.as_u64().filter(|ms| *ms <= TIMER_MAX_MS) {
            Some(0) => Ok(None),
            Some(ms) => Ok(Some(ms)),
            None => Err(Failure::new(
                FailureClass::Refused,
                format!("deepgram: extra.{key} must be false or milliseconds up to {TIMER_MAX_MS}"),
            )),
        },
    }
}
