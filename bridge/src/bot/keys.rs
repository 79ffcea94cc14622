//! Vendor keys: shown masked, never taken back masked, and kept when a change does not name them. A stored key goes only
//! to the vendor and address it was given for: otherwise whoever may edit a bot could send it to a server of their own.

use serde_json::{Map, Value};
use vox_shared::model::bot::{ApiKey, BotSettings, LlmSettings, SttSettings, TtsSettings};

use crate::error::FieldError;

/// Stands for the hidden part of a key.
const ELLIPSIS: char = '…';
/// Keys shorter than this are hidden whole: eight shown characters would be too much of them.
const MIN_SHOWN: usize = 16;
const KEY: &str = "api_key";
/// The sections that hold keys.
const SECTIONS: [&str; 3] = ["stt", "llm", "tts"];

/// `first4…last4`, nothing of a short key, empty for none.
pub fn mask(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    match characters.len() {
        0 => String::new(),
        n if n < MIN_SHOWN => ELLIPSIS.to_string(),
        n => characters[..4].iter().chain([&ELLIPSIS]).chain(&characters[n - 4..]).collect(),
    }
}

/// Whether a text is a mask rather than a key. No vendor's key has characters beyond printable ASCII.
fn is_masked(key: &str) -> bool {
    key.contains("***") || key.chars().any(|c| !c.is_ascii_graphic())
}

/// Settings as a person may see them.
pub fn masked(settings: &BotSettings) -> Map<String, Value> {
    // Through text, not through `to_value`: a 32-bit 0.7 would become 0.699999988079071.
    let text = serde_json::to_string(settings).expect("settings are always serialisable");
    let mut shown: Map<String, Value> = serde_json::from_str(&text).expect("settings are a JSON object");
    for section in SECTIONS {
        if let Some(Value::Object(section)) = shown.get_mut(section) {
            mask_section(section);
        }
    }
    shown
}

fn mask_section(section: &mut Map<String, Value>) {
    if let Some(Value::String(key)) = section.get_mut(KEY) {
        *key = mask(key);
    }
    if let Some(Value::Array(fallbacks)) = section.get_mut("fallbacks") {
        fallbacks.iter_mut().filter_map(Value::as_object_mut).for_each(mask_section);
    }
}

/// Take the keys out of a section.
pub fn clear(section: &mut Map<String, Value>) {
    section.remove(KEY);
    if let Some(Value::Array(fallbacks)) = section.get_mut("fallbacks") {
        fallbacks.iter_mut().filter_map(Value::as_object_mut).for_each(clear);
    }
}

/// The parts of a vendor's settings that concern its key.
pub trait Keyed: Sized {
    fn provider(&self) -> &str;
    fn extra(&self) -> &Map<String, Value>;
    fn key(&mut self) -> &mut ApiKey;
    fn api_key(&self) -> &ApiKey;
    fn fallbacks(&self) -> &[Self];
    fn fallbacks_mut(&mut self) -> &mut Vec<Self>;
}

macro_rules! keyed {
    ($($settings:ty),*) => {$(
        impl Keyed for $settings {
            fn provider(&self) -> &str { &self.provider }
            fn extra(&self) -> &Map<String, Value> { &self.extra }
            fn key(&mut self) -> &mut ApiKey { &mut self.api_key }
            fn api_key(&self) -> &ApiKey { &self.api_key }
            fn fallbacks(&self) -> &[Self] { &self.fallbacks }
            fn fallbacks_mut(&mut self) -> &mut Vec<Self> { &mut self.fallbacks }
        }
    )*};
}

keyed!(SttSettings, LlmSettings, TtsSettings);

/// Put the stored keys where the new settings name none.
pub fn keep_stored(new: &mut BotSettings, stored: &BotSettings, faults: &mut Vec<FieldError>) {
    keep(&mut new.stt, &stored.stt, "stt", faults);
    keep(&mut new.llm, &stored.llm, "llm", faults);
    keep(&mut new.tts, &stored.tts, "tts", faults);
}

fn keep<T: Keyed>(new: &mut T, stored: &T, path: &str, faults: &mut Vec<FieldError>) {
    if new.api_key().is_empty() && !stored.api_key().is_empty() && new.provider() == stored.provider() {
        if new.extra().get("base_url") == stored.extra().get("base_url") {
            *new.key() = stored.api_key().clone();
        } else {
            let why = "give the key again: the stored one is not sent to another base_url";
            faults.push(FieldError::new(format!("{path}.{KEY}"), why));
        }
    }
    for (place, fallback) in new.fallbacks_mut().iter_mut().enumerate() {
        if let Some(stored) = stored.fallbacks().get(place) {
            keep(fallback, stored, &format!("{path}.fallbacks.{place}"), faults);
        }
    }
}

/// Refuse a mask that was sent back as a key.
pub fn refuse_mask(key: &ApiKey, path: &str, faults: &mut Vec<FieldError>) {
    if is_masked(key.expose()) {
        let why = "this is a masked key; leave the field out to keep the stored one, or send the whole key";
        faults.push(FieldError::new(format!("{path}.{KEY}"), why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key(key: &str, base_url: Option<&str>) -> BotSettings {
        let mut settings = BotSettings::default();
        settings.llm.provider = "openai".into();
        settings.llm.api_key = ApiKey::new(key);
        settings
            .llm
            .fallbacks
            .push(LlmSettings { api_key: ApiKey::new("fallback-0123456789"), ..LlmSettings::default() });
        if let Some(url) = base_url {
            settings.llm.extra.insert("base_url".into(), url.into());
        }
        settings
    }

    #[test]
    fn a_mask_shows_little_and_is_recognised() {
        assert_eq!(mask("sk-0123456789abcdef"), "sk-0…cdef");
        assert_eq!((mask("short").as_str(), mask("")), ("…", String::new()));
        for text in [mask("sk-0123456789abcdef"), mask("short"), "sk-***".into(), "two words".into()] {
            assert!(is_masked(&text), "{text}");
        }
        assert!(!is_masked("sk-0123456789abcdef") && !is_masked(""));
    }

    #[test]
    fn no_key_is_left_in_what_is_shown() {
        let shown = Value::Object(masked(&with_key("sk-0123456789abcdef", None))).to_string();
        assert!(!shown.contains("0123456789"), "{shown}");
        assert!(shown.contains("\"temperature\":0.7"), "{shown}");
    }

    #[test]
    fn an_omitted_key_is_kept_only_for_the_same_address() {
        let stored = with_key("sk-0123456789abcdef", None);
        let mut faults = Vec::new();
        let mut new = with_key("", None);
        new.llm.fallbacks[0].api_key = ApiKey::default();
        keep_stored(&mut new, &stored, &mut faults);
        assert_eq!(new.llm.api_key.expose(), "sk-0123456789abcdef");
        assert_eq!(new.llm.fallbacks[0].api_key.expose(), "fallback-0123456789");
        assert!(faults.is_empty());

        let mut moved = with_key("", Some("https://evil.example"));
        keep_stored(&mut moved, &stored, &mut faults);
        assert!(moved.llm.api_key.is_empty());
        assert_eq!(faults[0].path, "llm.api_key");
    }
}
