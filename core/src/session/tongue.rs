//! The languages of a bot: which there are, and what the config of one that goes on in another is.

use serde_json::{Value, json};
use vox_shared::model::bot::languages::{BotLanguage, find_language, primary};
use vox_shared::model::bot::tool::SWITCH_LANGUAGE;
use vox_shared::model::bot::{SttSettings, Tool};
use vox_shared::wire::config::RuntimeConfig;

use super::farewell::stock_goodbye;
use super::text::Wording;

/// What the bot speaks. A voice's language is English where nobody set it; a recogniser of one other language knows better.
pub fn language(config: &RuntimeConfig) -> &str {
    let (voice, recogniser) = (config.tts.language.trim(), config.stt.language.trim());
    let is_set = !matches!(voice, "" | "en");
    if is_set || matches!(recogniser, "" | "multi" | "auto") { voice } else { recogniser }
}

/// Settings of recognisers that name several languages.
const HINTS: [&str; 2] = ["language_hints", "language_codes"];

/// How the bot speaks a language that it can go over to.
#[derive(Clone, Debug)]
pub struct Tongue {
    pub language: String,
    pub wording: Wording,
    /// The bot's goodbye when the model has none.
    pub closing: String,
}

/// The bot's languages, its first one among them; none where it has only one.
pub fn tongues(config: &RuntimeConfig) -> Vec<Tongue> {
    tags(config)
        .iter()
        .filter_map(|tag| {
            let own = in_language(config, tag)?;
            let phrase = config.phrases.closing.trim();
            let closing = if phrase.is_empty() { stock_goodbye(tag).to_owned() } else { phrase.to_owned() };
            Some(Tongue { language: tag.clone(), wording: Wording::of(&own, tag), closing })
        })
        .collect()
}

fn tags(config: &RuntimeConfig) -> Vec<String> {
    if config.languages.is_empty() {
        return Vec::new();
    }
    let first = language(config).to_owned();
    let others = config.languages.iter().map(|entry| entry.language.trim().to_owned());
    let is_known = !first.is_empty() && find_language(&config.languages, &first).is_none();
    is_known.then_some(first).into_iter().chain(others).collect()
}

/// The config of a bot that goes on in this language of its: recognisers that hear one language hear this one, and voices speak it. `None`
/// for one that it does not have.
pub fn in_language(config: &RuntimeConfig, wanted: &str) -> Option<RuntimeConfig> {
    let mut changed = config.clone();
    let Some(BotLanguage { language: tag, voice, voice_model }) = find_language(&config.languages, wanted)
    else {
        let is_first = primary(wanted) == primary(language(config)) && !config.languages.is_empty();
        return is_first.then_some(changed);
    };
    hear(&mut changed.stt, tag);
    changed.stt.fallbacks.iter_mut().for_each(|stt| hear(stt, tag));
    let tts = &mut changed.tts;
    tag.clone_into(&mut tts.language);
    tts.fallbacks.iter_mut().for_each(|fallback| tag.clone_into(&mut fallback.language));
    for (new, field) in [(voice, &mut tts.voice), (voice_model, &mut tts.model)] {
        if !new.trim().is_empty() {
            new.clone_into(field);
        }
    }
    Some(changed)
}

fn hear(stt: &mut SttSettings, tag: &str) {
    if !hears_any(stt) {
        tag.clone_into(&mut stt.language);
    }
}

/// Whether a recogniser is set to hear all of them, or several.
pub fn hears_any(stt: &SttSettings) -> bool {
    let is_list =
        |name: &&str| stt.extra.get(*name).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    matches!(primary(&stt.language).as_str(), "multi" | "auto") || HINTS.iter().any(is_list)
}

/// The schema of the tool's arguments: the model is told which languages there are. A tool that has its own keeps it.
pub fn schema(tool: &Tool, config: &RuntimeConfig) -> Option<Value> {
    let tags = tags(config);
    let is_ours = tool.name == SWITCH_LANGUAGE && !tool.parameters.is_object() && !tags.is_empty();
    is_ours.then(|| {
        let language = json!({"type": "string", "enum": tags});
        json!({"type": "object", "required": ["language"], "properties": {"language": language}})
    })
}

#[cfg(test)]
mod tests {
    use vox_shared::model::bot::TtsSettings;

    use super::*;

    fn config(given: Value) -> RuntimeConfig {
        let mut config =
            json!({"session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": ""});
        config.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn vendors_that_know_one_language_at_a_time_are_given_the_new_one() {
        let base = config(json!({
            "languages": [{"language": "hi-IN", "voice": "v2"}, {"language": "de", "voice_model": "m2"}],
            "stt": {"language": "en", "fallbacks": [{"language": "multi"}]},
            "tts": {"language": "en-IN", "voice": "v1", "model": "m1", "fallbacks": [{"voice": "f"}]},
        }));
        let hindi = in_language(&base, "hi").unwrap();
        assert_eq!(
            (hindi.stt.language.as_str(), hindi.stt.fallbacks[0].language.as_str()),
            ("hi-IN", "multi")
        );
        let tts = |config: &RuntimeConfig| {
            let TtsSettings { language, voice, model, fallbacks, .. } = config.tts.clone();
            (language, voice, model, fallbacks[0].language.clone(), fallbacks[0].voice.clone())
        };
        let told = |of: [&str; 5]| of.map(str::to_owned).into();
        assert_eq!(tts(&hindi), told(["hi-IN", "v2", "m1", "hi-IN", "f"]));
        assert_eq!(tts(&in_language(&base, "de").unwrap()), told(["de", "v1", "m2", "de", "f"]));
        assert_eq!(tts(&in_language(&base, "en").unwrap()), tts(&base), "back to the first");
        assert!(in_language(&base, "ta").is_none());
        assert!(in_language(&config(json!({})), "en").is_none());
        let all: Vec<String> = tongues(&base).into_iter().map(|tongue| tongue.language).collect();
        assert_eq!(all, ["en-IN", "hi-IN", "de"]);
    }

    #[test]
    fn a_recogniser_that_hears_several_languages_is_left_alone() {
        for (stt, expected) in [
            (json!({"language": "en"}), false),
            (json!({"language": "multi"}), true),
            (json!({"language": "auto"}), true),
            (json!({"language": "en", "extra": {"language_hints": ["en", "hi"]}}), true),
            (json!({"language": "en", "extra": {"language_hints": []}}), false),
        ] {
            let stt: SttSettings = serde_json::from_value(stt).unwrap();
            assert_eq!(hears_any(&stt), expected, "{stt:?}");
        }
    }
}
