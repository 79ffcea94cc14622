//! The address of a stream: everything that can be set is in its query.

use url::Url;
use vox_shared::catalogue::DEEPGRAM;
use vox_shared::model::bot::SttSettings;

use crate::provider::extra::{Extra, Transport, endpoint};

/// Silence after which Deepgram itself thinks an utterance is over, milliseconds. Its own default of 10 cuts within words;
/// 300 to 500 is its advice for conversations.
const ENDPOINTING_MS: u64 = 300;
/// Gap between words that yields `UtteranceEnd`; interims come once a second, so less is not useful.
const UTTERANCE_END_MS: u64 = 1000;
const FLAGS: [&str; 4] = ["smart_format", "numerals", "profanity_filter", "mip_opt_out"];

/// The address without `sample_rate`, which each stream adds.
pub(super) fn build(settings: &SttSettings, extra: &Extra<'_>) -> Url {
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["v1", "listen"]);
    let model = if settings.model.is_empty() { DEEPGRAM.model } else { &settings.model };
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
    let endpointing = extra.timer("endpointing", ENDPOINTING_MS);
    query.append_pair("endpointing", &endpointing.map_or("false".into(), |ms| ms.to_string()));
    if let Some(ms) = extra.timer("utterance_end_ms", UTTERANCE_END_MS) {
        query.append_pair("utterance_end_ms", &ms.to_string());
    }
    for flag in FLAGS {
        if let Some(on) = extra.flag(flag) {
            query.append_pair(flag, if on { "true" } else { "false" });
        }
    }
    if let Some(tag) = extra.text("tag") {
        query.append_pair("tag", tag);
    }
    // Key terms exist from Nova-3 on; the models before it know `keywords`.
    let old = ["nova-2", "nova-general", "nova-phonecall", "nova-medical", "enhanced", "base"];
    let terms = if model == "nova" || old.iter().any(|name| model.starts_with(name)) {
        "keywords"
    } else {
        "keyterm"
    };
    for term in extra.texts("keyterms").into_iter().filter(|term| !term.trim().is_empty()) {
        query.append_pair(terms, term.trim());
    }
    drop(query);
    url
}
