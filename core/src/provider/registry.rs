//! Which vendors there are: one line for each.

use std::sync::Arc;

use vox_engines::EngineBinary;
use vox_shared::model::bot::{LlmSettings, SttSettings, TtsSettings};

use super::egress::Egress;
use super::llm::LanguageModel;
use super::llm::openai::OpenAi;
use super::llm::scripted::Scripted;
use super::stt::Recogniser;
use super::stt::deepgram::Deepgram;
use super::stt::pocketsphinx::Pocketsphinx;
use super::tts::Voice;
use super::tts::elevenlabs::ElevenLabs;
use super::tts::flite::Flite;
use super::{Failure, FailureClass};

/// What vendors are made from.
#[derive(Clone, Debug)]
pub struct Providers {
    /// The one way to addresses that users gave.
    pub egress: Arc<Egress>,
    /// The program of the keyless engines, where it is installed.
    pub engines: Option<EngineBinary>,
}

type Made<T> = Result<Arc<T>, Failure>;
type Maker<T, S> = fn(&Providers, &S) -> Made<T>;

const RECOGNISERS: &[(&str, Maker<dyn Recogniser, SttSettings>)] = &[
    ("deepgram", |with, settings| Ok(Arc::new(Deepgram::from_settings(settings, &with.egress)?))),
    ("pocketsphinx", |with, settings| {
        Ok(Arc::new(Pocketsphinx::from_settings(settings, with.engines.as_ref())?))
    }),
];

const LANGUAGE_MODELS: &[(&str, Maker<dyn LanguageModel, LlmSettings>)] = &[
    ("openai", |with, settings| Ok(Arc::new(OpenAi::from_settings(settings, &with.egress)?))),
    ("scripted", |_, settings| Ok(Arc::new(Scripted::from_settings(settings)?))),
];

const VOICES: &[(&str, Maker<dyn Voice, TtsSettings>)] = &[
    ("elevenlabs", |with, settings| Ok(Arc::new(ElevenLabs::from_settings(settings, &with.egress)?))),
    ("flite", |with, settings| Ok(Arc::new(Flite::from_settings(settings, with.engines.as_ref())?))),
];

impl Providers {
    /// The recogniser a bot asks for. Nothing is connected or started yet.
    ///
    /// # Errors
    /// `Refused` for an unknown name or wrong settings; otherwise as the vendor says.
    pub fn recogniser(&self, settings: &SttSettings) -> Result<Arc<dyn Recogniser>, Failure> {
        made("recogniser", RECOGNISERS, &settings.provider)?(self, settings)
    }

    /// The language model a bot asks for.
    ///
    /// # Errors
    /// As [`Self::recogniser`].
    pub fn language_model(&self, settings: &LlmSettings) -> Result<Arc<dyn LanguageModel>, Failure> {
        made("language model", LANGUAGE_MODELS, &settings.provider)?(self, settings)
    }

    /// The voice a bot asks for.
    ///
    /// # Errors
    /// As [`Self::recogniser`].
    pub fn voice(&self, settings: &TtsSettings) -> Result<Arc<dyn Voice>, Failure> {
        made("voice", VOICES, &settings.provider)?(self, settings)
    }
}

fn made<M: Copy>(kind: &str, known: &[(&str, M)], name: &str) -> Result<M, Failure> {
    known.iter().find(|(known, _)| *known == name).map(|(_, maker)| *maker).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
        let detail = format!("there is no {kind} \"{name}\"; use one of {}", names.join(", "));
        Failure::new(FailureClass::Refused, detail)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_shared::egress::Policy;

    use super::*;

    fn providers() -> Providers {
        Providers { egress: Arc::new(Egress::new(Policy::default())), engines: None }
    }

    #[test]
    fn a_known_name_makes_its_vendor() {
        let script = json!({"start": "a", "states": {"a": {"ask": "Well?"}}});
        let mut settings = LlmSettings::default();
        settings.extra.insert("script".into(), script);
        assert_eq!(providers().language_model(&settings).map(|model| model.name()).ok(), Some("scripted"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let settings = SttSettings { provider: "parrot".into(), ..SttSettings::default() };
        let failure = providers().recogniser(&settings).map(|_| ()).unwrap_err();
        assert_eq!(failure.class, FailureClass::Refused);
        assert_eq!(failure.detail, "there is no recogniser \"parrot\"; use one of deepgram, pocketsphinx");
    }

    #[test]
    fn an_engine_that_is_not_installed_says_so() {
        let failure = providers().voice(&TtsSettings::default()).map(|_| ()).unwrap_err();
        assert_eq!(failure.class, FailureClass::NotInstalled);
    }
}
