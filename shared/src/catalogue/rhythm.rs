//! What a recogniser says while somebody speaks. How soon its silence shows that it hears nothing hangs on it (decision 0068).

use serde_json::{Map, Value};

use super::{Ability, Kind, Vendor};

/// When a recogniser gives results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rhythm {
    /// At least once a second of audio, with words or without: where there are none it is deaf.
    Steady,
    /// Where it hears words, sooner or later: a sound without words has none.
    #[default]
    ByWords,
    /// When an utterance is over, or when it is asked for the words so far.
    AtEnds,
}

/// Vendors that tell of all audio, be it of its time alone: Deepgram's interims come about once a second, Flux' updates four times,
/// Soniox' messages say how far the audio is.
const STEADY: &[&str] = &["deepgram", "deepgram_flux", "soniox"];

impl Rhythm {
    /// Of the recogniser with this name and these settings; the careful one of a name that nobody knows.
    pub fn of(name: &str, extra: &Map<String, Value>) -> Self {
        match Kind::Recogniser.find(name) {
            Some(_) if STEADY.contains(&name) => Self::Steady,
            Some(vendor) if vendor.can(Ability::FinalOnDemand) && !tells_interims(vendor, extra) => {
                Self::AtEnds
            }
            _ => Self::ByWords,
        }
    }

    /// In a row of `docs/providers.md`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Steady => "1.5 s of speech without a result",
            Self::ByWords => {
                "4.5 s of speech without a first result, 5 s without the next: it says nothing of sound without words"
            }
            Self::AtEnds => {
                "1.5 s without an answer when it is asked for the words so far, after 4 s of speech: it says nothing by itself while \
                 somebody speaks"
            }
        }
    }
}

/// Words while they are spoken, which a setting may switch off.
fn tells_interims(vendor: &Vendor, extra: &Map<String, Value>) -> bool {
    let is_off = |value: &Value| *value == Value::Bool(false) || value.as_u64() == Some(0);
    vendor.can(Ability::Interim) && !extra.get("interim_ms").is_some_and(is_off)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, extra: Value, expected: Rhythm) {
        assert_eq!(Rhythm::of(name, extra.as_object().unwrap()), expected, "{name} {extra}");
    }

    #[test]
    fn a_recogniser_is_known_by_its_name_and_its_settings() {
        for name in STEADY {
            check(name, json!({}), Rhythm::Steady);
        }
        check("assemblyai", json!({}), Rhythm::ByWords);
        check("pocketsphinx", json!({}), Rhythm::ByWords);
        check("sarvam", json!({}), Rhythm::AtEnds);
        // Nobody can ask it.
        check("sarvam_realtime", json!({"stream_type": "simulated"}), Rhythm::ByWords);
        check("openai", json!({"interim_ms": null}), Rhythm::ByWords);
        check("openai", json!({"interim_ms": 0}), Rhythm::AtEnds);
        check("openai", json!({"interim_ms": false}), Rhythm::AtEnds);
        check("somebody_new", json!({}), Rhythm::ByWords);
    }
}
