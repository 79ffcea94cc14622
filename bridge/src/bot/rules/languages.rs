//! The rules of languages that a bot can go over to: what its vendors cannot is told by their names.

use vox_shared::catalogue::{Kind, VoiceRule};
use vox_shared::ids::VoiceId;
use vox_shared::model::bot::languages::{BotLanguage, MAX_LANGUAGES, primary};
use vox_shared::model::bot::{BotSettings, SttSettings, TtsSettings};

use super::{Faults, MAX_WORD_BYTES};

/// Of Deepgram Flux: it hears English alone.
const ENGLISH_FLUX: &str = "flux-general-en";

pub(super) fn check(settings: &BotSettings, faults: &mut Faults) {
    let entries = &settings.languages;
    faults.count("languages", entries.len(), MAX_LANGUAGES);
    for (place, entry) in entries.iter().take(MAX_LANGUAGES).enumerate() {
        let at = format!("languages.{place}");
        let path = format!("{at}.language");
        for (field, text) in [("voice", &entry.voice), ("voice_model", &entry.voice_model)] {
            faults.text(&format!("{at}.{field}"), text, MAX_WORD_BYTES);
        }
        if !is_tag(&entry.language) {
            faults.add(&path, "must be a language's tag, such as hi or en-IN; multi and auto are none");
            continue;
        }
        let is_same = |other: &BotLanguage| other.language.trim().eq_ignore_ascii_case(entry.language.trim());
        faults.unless(!entries[..place].iter().any(is_same), &path, || "it is in the list already".into());
        if let Some(why) = unheard(settings, entry).or_else(|| unspoken(settings, entry)) {
            faults.add(&path, why);
        }
        if let Some(why) = no_such_voice(&settings.tts, entry) {
            faults.add(&format!("{at}.voice"), why);
        }
    }
}

fn is_tag(language: &str) -> bool {
    let language = language.trim();
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    (2..=3).contains(&primary(language).len())
        && language.split(['-', '_']).all(is_word)
        && !language.eq_ignore_ascii_case("any")
}

/// Why one of the recognisers cannot hear it.
fn unheard(settings: &BotSettings, entry: &BotLanguage) -> Option<String> {
    let mut all = std::iter::once(&settings.stt).chain(&settings.stt.fallbacks);
    all.find_map(|stt| of_recogniser(stt, &entry.language))
}

fn of_recogniser(stt: &SttSettings, language: &str) -> Option<String> {
    let vendor = Kind::Recogniser.find(&stt.provider)?;
    let model = if stt.model.trim().is_empty() { vendor.model } else { stt.model.trim() };
    let is_deaf = model == ENGLISH_FLUX && primary(language) != "en";
    let of_model = is_deaf
        .then(|| format!("the model {model} hears English alone; flux-general-multi hears other languages"));
    let why = of_model.or_else(|| vendor.language_fault(language))?;
    Some(format!("the recogniser {} cannot hear it: {why}", stt.provider))
}

/// Why one of the voices cannot speak it.
fn unspoken(settings: &BotSettings, entry: &BotLanguage) -> Option<String> {
    let first = (&settings.tts, entry.voice_model.trim());
    let fallbacks = settings.tts.fallbacks.iter().map(|tts| (tts, ""));
    std::iter::once(first).chain(fallbacks).find_map(|(tts, model)| of_voice((tts, model), &entry.language))
}

fn of_voice((tts, other_model): (&TtsSettings, &str), language: &str) -> Option<String> {
    let vendor = Kind::Voice.find(&tts.provider)?;
    let own = if tts.model.trim().is_empty() { vendor.model } else { tts.model.trim() };
    let model = if other_model.is_empty() { own } else { other_model };
    // Such a model ends with the language that it speaks.
    let is_of_another = matches!(vendor.voice, VoiceRule::None)
        && model.rsplit('-').next().is_some_and(|spoken| spoken != primary(language));
    let of_model =
        is_of_another.then(|| format!("the model {model} speaks another language; name one in voice_model"));
    let why = vendor.language_fault(language).or(of_model)?;
    Some(format!("the voice {} cannot speak it: {why}", tts.provider))
}

fn no_such_voice(tts: &TtsSettings, entry: &BotLanguage) -> Option<String> {
    let given = Some(entry.voice.trim()).filter(|voice| !voice.is_empty())?;
    if VoiceId::in_settings(given).is_some() {
        return Some(
            "a voice that was made from a clip cannot be named here; name the vendor's own id".into(),
        );
    }
    Kind::Voice.find(&tts.provider)?.voice_fault(given)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(given: Value) -> Vec<(String, String)> {
        let settings: BotSettings = serde_json::from_value(given).unwrap();
        let mut faults = Faults::default();
        check(&settings, &mut faults);
        faults.0.into_iter().map(|fault| (fault.path, fault.message)).collect()
    }

    #[test]
    fn what_a_vendor_cannot_is_told_by_its_name() {
        let both = json!([{"language": "en"}, {"language": "hi-IN", "voice": "v2"}]);
        let fine = json!({
            "languages": both, "stt": {"provider": "deepgram"},
            "tts": {"provider": "cartesia", "voice": "v1", "fallbacks": [{"provider": "sarvam"}]},
        });
        assert_eq!(told(fine), []);
        for (given, path, vendor) in [
            (json!({"stt": {"provider": "pocketsphinx"}}), "languages.1.language", "pocketsphinx"),
            (json!({"stt": {"provider": "deepgram_flux"}}), "languages.1.language", "flux-general-multi"),
            (
                json!({"tts": {"provider": "cartesia", "voice": "v", "fallbacks": [{"provider": "flite"}]}}),
                "languages.1.language",
                "flite",
            ),
            (json!({"tts": {"provider": "deepgram"}}), "languages.1.language", "voice_model"),
        ] {
            let mut settings = json!({
                "languages": [{"language": "en"}, {"language": "hi"}],
                "stt": {"provider": "soniox"}, "tts": {"provider": "cartesia", "voice": "v"},
            });
            settings.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
            let found = told(settings);
            assert!(matches!(&found[..], [(at, why)] if at == path && why.contains(vendor)), "{found:?}");
        }
        let spanish = json!({
            "languages": [{"language": "es", "voice_model": "aura-2-celeste-es"}],
            "stt": {"provider": "deepgram"}, "tts": {"provider": "deepgram"},
        });
        assert_eq!(told(spanish), []);
        let own = json!({
            "languages": [{"language": "en", "voice": "voice_01k"}],
            "stt": {"provider": "soniox"}, "tts": {"provider": "elevenlabs", "voice": "v"},
        });
        assert!(matches!(&told(own)[..], [(at, _)] if at == "languages.0.voice"));
    }

    #[test]
    fn tags_are_tags_and_stand_once() {
        let languages: Vec<Value> =
            ["multi", "", "EN", "en", "h"].map(|language| json!({"language": language})).into();
        let given = json!({
            "languages": languages, "stt": {"provider": "soniox"}, "tts": {"provider": "cartesia", "voice": "v"},
        });
        let paths: Vec<String> = told(given).into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            ["languages.0.language", "languages.1.language", "languages.3.language", "languages.4.language"]
        );
    }
}
