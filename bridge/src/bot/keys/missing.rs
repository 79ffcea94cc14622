//! Vendors for which a bot names no key: settings may have one. An entry with an address of its own gets none, otherwise whoever may
//! edit a bot could have the key sent to a server of theirs.

use std::collections::BTreeMap;

use vox_shared::catalogue::{Key, Kind, account};
use vox_shared::ids::VoiceId;
use vox_shared::model::bot::{ApiKey, BotSettings, TtsSettings};

use super::Keyed;
use super::keep::address;

/// Stands for a key that settings have, where only its being there counts.
const STAND_IN: &str = "in-settings";

/// Whether any entry would use a key of the settings.
pub fn is_missing(settings: &BotSettings) -> bool {
    let mut any = false;
    let mut see = |_: &str| {
        any = true;
        None
    };
    // A copy, as looking and filling are one walk; bots have few vendors.
    let mut looked_at = settings.clone();
    fill_with(&mut looked_at, &mut see);
    any
}

/// Put the keys of the settings where the bot names none.
pub fn fill_missing(settings: &mut BotSettings, keys: &BTreeMap<String, ApiKey>) {
    fill_with(settings, &mut |provider| keys.get(provider).cloned());
}

/// The settings as if they named the keys that are theirs by the settings, to be checked and not to be stored.
pub fn with_stand_ins(settings: &BotSettings, keys: &BTreeMap<String, ApiKey>) -> BotSettings {
    let mut filled = settings.clone();
    fill_with(&mut filled, &mut |provider| keys.contains_key(provider).then(|| ApiKey::new(STAND_IN)));
    stand_in_for_voices(&mut filled.tts);
    filled
}

/// A voice that was made from a clip has a key: its own, or that of the settings (`crate::voice`).
fn stand_in_for_voices(tts: &mut TtsSettings) {
    if tts.api_key.is_empty() && address(tts).is_none() && VoiceId::in_settings(&tts.voice).is_some() {
        tts.api_key = ApiKey::new(STAND_IN);
    }
    tts.fallbacks.iter_mut().for_each(stand_in_for_voices);
}

fn fill_with(settings: &mut BotSettings, key: &mut dyn FnMut(&str) -> Option<ApiKey>) {
    fill(&mut settings.stt, Kind::Recogniser, key);
    fill(&mut settings.llm, Kind::LanguageModel, key);
    fill(&mut settings.tts, Kind::Voice, key);
}

fn fill<T: Keyed>(entry: &mut T, kind: Kind, key: &mut dyn FnMut(&str) -> Option<ApiKey>) {
    let takes_one = kind.find(entry.provider()).is_some_and(|vendor| vendor.key != Key::Never);
    if takes_one
        && entry.api_key().is_empty()
        && address(entry).is_none()
        && let Some(found) = key(account(entry.provider()))
    {
        *entry.key() = found;
    }
    for fallback in entry.fallbacks_mut() {
        fill(fallback, kind, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_of_one_company_take_its_key() {
        let keys = BTreeMap::from([("deepgram".to_owned(), ApiKey::new("k-1"))]);
        let mut bot = BotSettings::default();
        bot.stt.provider = "deepgram_flux".into();
        assert!(is_missing(&bot));
        fill_missing(&mut bot, &keys);
        assert_eq!(bot.stt.api_key.expose(), "k-1");
    }
}
