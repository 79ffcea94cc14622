//! The address of a stream: everything that can be set is in its query.

use url::Url;
use vox_shared::catalogue::DEEPGRAM_FLUX;
use vox_shared::model::bot::SttSettings;

use crate::provider::extra::{Extra, Transport, endpoint};
use crate::provider::{Failure, FailureClass};

/// The model that hears English alone, and the one that takes hints.
const ENGLISH: &str = "flux-general-en";
const MULTILINGUAL: &str = "flux-general-multi";
/// Settings that are passed on under their own names.
const PASSED_ON: [&str; 6] =
    ["eot_threshold", "eager_eot_threshold", "eot_timeout_ms", "numerals", "profanity_filter", "mip_opt_out"];

/// The address without `sample_rate`, which each stream adds.
///
/// # Errors
/// `Refused` for settings that do not go together.
pub(super) fn build(settings: &SttSettings, extra: &Extra<'_>) -> Result<Url, Failure> {
    let model = if settings.model.is_empty() { DEEPGRAM_FLUX.model } else { settings.model.as_str() };
    let hints = hints(settings, extra, model)?;
    if let (Some(eager), end) = (extra.number("eager_eot_threshold"), extra.number("eot_threshold"))
        && eager > end.unwrap_or(EOT_THRESHOLD)
    {
        return Err(refused("extra.eager_eot_threshold must not be above extra.eot_threshold"));
    }
    let mut url = endpoint(&extra.base_url(Transport::WebSocket), &["v2", "listen"]);
    let mut query = url.query_pairs_mut();
    query.append_pair("model", model).append_pair("encoding", "linear16");
    for name in PASSED_ON {
        if let Some(value) = settings.extra.get(name).filter(|value| !value.is_null()) {
            query.append_pair(name, &value.to_string());
        }
    }
    for term in extra.texts("keyterms").into_iter().map(str::trim).filter(|term| !term.is_empty()) {
        query.append_pair("keyterm", term);
    }
    for hint in &hints {
        query.append_pair("language_hint", hint);
    }
    if let Some(tag) = extra.text("tag").filter(|tag| !tag.is_empty()) {
        query.append_pair("tag", tag);
    }
    drop(query);
    Ok(url)
}

/// What the vendor takes where none is named.
const EOT_THRESHOLD: f64 = 0.7;

/// The languages to expect: those of the settings, or the bot's own; `multi` expects any. Of the English model none is asked.
fn hints(settings: &SttSettings, extra: &Extra<'_>, model: &str) -> Result<Vec<String>, Failure> {
    let primary = |language: &str| language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let given = extra.texts("language_hints");
    let own = primary(&settings.language);
    if model == ENGLISH {
        let other = given.iter().map(|hint| primary(hint)).chain([own]).find(|l| !l.is_empty() && l != "en");
        return match other {
            Some(language) => Err(refused(&format!(
                "{ENGLISH} hears English, not \"{language}\"; set the model to {MULTILINGUAL}"
            ))),
            None => Ok(Vec::new()),
        };
    }
    let hints = if given.is_empty() { vec![own] } else { given.into_iter().map(primary).collect() };
    Ok(hints.into_iter().filter(|hint| !hint.is_empty() && hint != "multi").collect())
}

fn refused(what: &str) -> Failure {
    Failure::new(FailureClass::Refused, format!("{}: {what}", DEEPGRAM_FLUX.name))
}
