//! What voices take in their text beside words: directions that a model wrote, and phonetic signs. It is what the vendors' own pages say,
//! by model, and nothing that they do not.

use serde_json::{Map, Value};

/// Which directions of a model a voice takes, and in which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cues {
    #[default]
    None,
    /// Any, between square brackets: `[sighs softly]`.
    Brackets,
    /// These sounds and nothing else, between square brackets: `[laugh]`.
    Sounds(&'static [&'static str]),
    /// Tags: `<emotion value="calm" />`, `<break time="0.5s" />`, `<speed ratio="1.1" />`, `<volume ratio="0.9" />`.
    Tags,
}

/// How a voice takes the signs of the International Phonetic Alphabet in its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ipa {
    #[default]
    None,
    /// In the word's place, its sounds apart: `<<m|ɛ|t>>`.
    Parted,
    /// In the word's place with the word: `\{"word": "met", "pronounce": "mɛt"\}`, a stress mark right before its vowel.
    Named,
}

/// Longest pronunciation that [`Ipa::Named`] takes, characters.
pub const IPA_CHARS: usize = 128;
/// Those of Chatterbox Turbo that its pages name.
const TURBO_SOUNDS: &[&str] = &["laugh", "chuckle", "cough"];

pub(in crate::catalogue) fn cues(vendor: &str, model: &str, extra: &Map<String, Value>) -> Cues {
    let begins = |models: &[&str]| models.iter().any(|begin| model.starts_with(begin));
    match vendor {
        "elevenlabs" | "elevenlabs_http" if begins(&["eleven_v3", "eleven_v4"]) => Cues::Brackets,
        "cartesia" if is_sonic_3(model) => Cues::Tags,
        // The server does not say which model it runs: its operator does.
        "chatterbox" if extra.get("turbo").and_then(Value::as_bool) == Some(true) => {
            Cues::Sounds(TURBO_SOUNDS)
        }
        _ => Cues::None,
    }
}

pub(in crate::catalogue) fn ipa(vendor: &str, model: &str) -> Ipa {
    match vendor {
        "cartesia" if is_sonic_3(model) => Ipa::Parted,
        "deepgram" if model.starts_with("aura-2") && (model.ends_with("-en") || model.ends_with("-es")) => {
            Ipa::Named
        }
        _ => Ipa::None,
    }
}

fn is_sonic_3(model: &str) -> bool {
    model.starts_with("sonic-3") || model == "sonic-latest"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::Kind;

    #[test]
    fn a_voice_takes_what_its_pages_say() {
        let turbo = json!({"turbo": true});
        for (vendor, model, extra, expected) in [
            ("elevenlabs", "", json!({}), (Cues::None, Ipa::None)),
            ("elevenlabs", "eleven_v3_conversational", json!({}), (Cues::Brackets, Ipa::None)),
            ("cartesia", "", json!({}), (Cues::Tags, Ipa::Parted)),
            ("cartesia", "sonic-2", json!({}), (Cues::None, Ipa::None)),
            ("chatterbox", "", json!({}), (Cues::None, Ipa::None)),
            ("chatterbox", "", turbo, (Cues::Sounds(TURBO_SOUNDS), Ipa::None)),
            ("deepgram", "", json!({}), (Cues::None, Ipa::Named)),
            ("deepgram", "aura-2-celeste-es", json!({}), (Cues::None, Ipa::Named)),
            ("deepgram", "aura-asteria-en", json!({}), (Cues::None, Ipa::None)),
            ("deepgram_flux", "", json!({}), (Cues::None, Ipa::None)),
            ("sarvam", "", json!({}), (Cues::None, Ipa::None)),
        ] {
            let voice = Kind::Voice.find(vendor).unwrap();
            let extra = extra.as_object().cloned().unwrap();
            assert_eq!((voice.cues(model, &extra), voice.ipa(model)), expected, "{vendor} {model}");
        }
    }
}
