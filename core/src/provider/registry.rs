//! Which vendors there are: one line for each.

use std::sync::Arc;

use serde_json::Value;
use vox_engines::EngineBinary;
use vox_shared::catalogue::{
    ANTHROPIC, ASSEMBLYAI, AURA, CARTESIA, CHATTERBOX, DEEPGRAM, DEEPGRAM_FLUX, ELEVENLABS, ELEVENLABS_HTTP,
    FLITE, FLUX_VOICES, GEMINI, GROQ, Kind, OPENAI, POCKETSPHINX, RESEMBLE, RESPONSES, SARVAM,
    SARVAM_REALTIME, SARVAM_VOICES, SCRIPTED, SONIOX, SONIOX_VOICES, SPEECH, TRANSCRIPTION, VERTEX, Vendor,
};
use vox_shared::clock::Clock;
use vox_shared::model::bot::{LlmSettings, SttSettings, TtsSettings};

use super::accounts::Accounts;
use super::egress::Egress;
use super::llm::LanguageModel;
use super::llm::anthropic::Anthropic;
use super::llm::gemini::{Gemini, KeptPrompts};
use super::llm::openai::OpenAi;
use super::llm::responses::Responses;
use super::llm::scripted::Scripted;
use super::stt::Recogniser;
use super::stt::assemblyai::AssemblyAi;
use super::stt::deepgram::Deepgram;
use super::stt::flux::Flux;
use super::stt::pocketsphinx::Pocketsphinx;
use super::stt::sarvam::realtime::SarvamRealtime;
use super::stt::sarvam::streaming::Sarvam;
use super::stt::soniox::Soniox;
use super::stt::transcription::Transcription;
use super::tts::Voice;
use super::tts::aura::Aura;
use super::tts::cartesia::Cartesia;
use super::tts::chatterbox::Chatterbox;
use super::tts::elevenlabs::{ElevenLabs, ElevenLabsHttp};
use super::tts::flite::Flite;
use super::tts::flux::Flux as FluxVoices;
use super::tts::resemble::Resemble;
use super::tts::sarvam::Sarvam as SarvamVoices;
use super::tts::soniox::Soniox as SonioxVoices;
use super::tts::speech::Speech;
use super::{Failure, FailureClass};

/// What vendors are made from.
#[derive(Clone, Debug)]
pub struct Providers {
    /// The one way to addresses that users gave.
    pub egress: Arc<Egress>,
    /// The tokens of vendors that want them.
    pub accounts: Arc<Accounts>,
    /// The prompts that Google keeps for all calls.
    pub kept_prompts: Arc<KeptPrompts>,
    /// The program of the keyless engines, where it is installed.
    pub engines: Option<EngineBinary>,
}

type Made<T> = Result<Arc<T>, Failure>;
type Maker<T, S> = (&'static Vendor, fn(&Providers, &S) -> Made<T>);

const RECOGNISERS: &[Maker<dyn Recogniser, SttSettings>] = &[
    (&DEEPGRAM, |with, settings| Ok(Arc::new(Deepgram::from_settings(settings, &with.egress)?))),
    (&DEEPGRAM_FLUX, |with, settings| Ok(Arc::new(Flux::from_settings(settings, &with.egress)?))),
    (&SONIOX, |with, settings| Ok(Arc::new(Soniox::from_settings(settings, &with.egress)?))),
    (&ASSEMBLYAI, |with, settings| Ok(Arc::new(AssemblyAi::from_settings(settings, &with.egress)?))),
    (&SARVAM, |with, settings| Ok(Arc::new(Sarvam::from_settings(settings, &with.egress)?))),
    (&SARVAM_REALTIME, |with, settings| Ok(Arc::new(SarvamRealtime::from_settings(settings, &with.egress)?))),
    (&TRANSCRIPTION, |with, settings| Ok(Arc::new(Transcription::from_settings(settings, &with.egress)?))),
    (&POCKETSPHINX, |with, settings| {
        Ok(Arc::new(Pocketsphinx::from_settings(settings, with.engines.as_ref())?))
    }),
];

const LANGUAGE_MODELS: &[Maker<dyn LanguageModel, LlmSettings>] = &[
    (&ANTHROPIC, |with, settings| Ok(Arc::new(Anthropic::from_settings(settings, &with.egress)?))),
    (&GEMINI, |with, settings| {
        Ok(Arc::new(Gemini::from_settings(settings, &with.egress)?.sharing(&with.kept_prompts)))
    }),
    (&GROQ, |with, settings| Ok(Arc::new(OpenAi::from_settings(&GROQ, settings, &with.egress)?))),
    (&OPENAI, |with, settings| match settings.extra.get("api").and_then(Value::as_str) {
        Some(RESPONSES) => Ok(Arc::new(Responses::from_settings(&OPENAI, settings, &with.egress)?)),
        _ => Ok(Arc::new(OpenAi::from_settings(&OPENAI, settings, &with.egress)?)),
    }),
    (&VERTEX, |with, settings| {
        let model = Gemini::of_vertex(settings, &with.egress, &with.accounts)?;
        Ok(Arc::new(model.sharing(&with.kept_prompts)))
    }),
    (&SCRIPTED, |_, settings| Ok(Arc::new(Scripted::from_settings(settings)?))),
];

const VOICES: &[Maker<dyn Voice, TtsSettings>] = &[
    (&ELEVENLABS, |with, settings| Ok(Arc::new(ElevenLabs::from_settings(settings, &with.egress)?))),
    (&ELEVENLABS_HTTP, |with, settings| Ok(Arc::new(ElevenLabsHttp::from_settings(settings, &with.egress)?))),
    (&CARTESIA, |with, settings| Ok(Arc::new(Cartesia::from_settings(settings, &with.egress)?))),
    (&AURA, |with, settings| Ok(Arc::new(Aura::from_settings(settings, &with.egress)?))),
    (&FLUX_VOICES, |with, settings| Ok(Arc::new(FluxVoices::from_settings(settings, &with.egress)?))),
    (&SARVAM_VOICES, |with, settings| Ok(Arc::new(SarvamVoices::from_settings(settings, &with.egress)?))),
    (&SONIOX_VOICES, |with, settings| Ok(Arc::new(SonioxVoices::from_settings(settings, &with.egress)?))),
    (&RESEMBLE, |with, settings| Ok(Arc::new(Resemble::from_settings(settings, &with.egress)?))),
    (&SPEECH, |with, settings| Ok(Arc::new(Speech::from_settings(settings, &with.egress)?))),
    (&CHATTERBOX, |with, settings| Ok(Arc::new(Chatterbox::from_settings(settings, &with.egress)?))),
    (&FLITE, |with, settings| Ok(Arc::new(Flite::from_settings(settings, with.engines.as_ref())?))),
];

impl Providers {
    /// Vendors over this way out, by this clock.
    pub fn new(egress: Arc<Egress>, clock: Clock, engines: Option<EngineBinary>) -> Self {
        let accounts = Arc::new(Accounts::new(Arc::clone(&egress), clock));
        Self { egress, accounts, kept_prompts: Arc::default(), engines }
    }

    /// The recogniser a bot asks for. Nothing is connected or started yet.
    ///
    /// # Errors
    /// `Refused` for an unknown name or wrong settings; otherwise as the vendor says.
    pub fn recogniser(&self, settings: &SttSettings) -> Result<Arc<dyn Recogniser>, Failure> {
        made(Kind::Recogniser, RECOGNISERS, &settings.provider)?(self, settings)
    }

    /// The language model a bot asks for.
    ///
    /// # Errors
    /// As [`Self::recogniser`].
    pub fn language_model(&self, settings: &LlmSettings) -> Result<Arc<dyn LanguageModel>, Failure> {
        made(Kind::LanguageModel, LANGUAGE_MODELS, &settings.provider)?(self, settings)
    }

    /// The voice a bot asks for.
    ///
    /// # Errors
    /// As [`Self::recogniser`].
    pub fn voice(&self, settings: &TtsSettings) -> Result<Arc<dyn Voice>, Failure> {
        made(Kind::Voice, VOICES, &settings.provider)?(self, settings)
    }
}

fn made<M: Copy>(kind: Kind, known: &[(&'static Vendor, M)], name: &str) -> Result<M, Failure> {
    known.iter().find(|(vendor, _)| vendor.name == name).map(|(_, maker)| *maker).ok_or_else(|| {
        let detail = format!("there is no {} \"{name}\"; use one of {}", kind.noun(), kind.names());
        Failure::new(FailureClass::Refused, detail)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_shared::egress::Policy;

    use super::*;

    #[test]
    fn every_row_of_the_catalogue_is_implemented_and_nothing_else() {
        let check = |kind: Kind, implemented: Vec<&str>| {
            let rows: Vec<&str> = kind.vendors().iter().map(|vendor| vendor.name).collect();
            assert_eq!(implemented, rows, "{kind:?}");
        };
        check(Kind::Recogniser, RECOGNISERS.iter().map(|(vendor, _)| vendor.name).collect());
        check(Kind::LanguageModel, LANGUAGE_MODELS.iter().map(|(vendor, _)| vendor.name).collect());
        check(Kind::Voice, VOICES.iter().map(|(vendor, _)| vendor.name).collect());
    }

    fn providers() -> Providers {
        Providers::new(Arc::new(Egress::new(Policy::default())), Clock::system(), None)
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
        assert_eq!(
            failure.detail,
            "there is no recogniser \"parrot\"; use one of deepgram, deepgram_flux, soniox, assemblyai, sarvam, sarvam_realtime, openai, pocketsphinx"
        );
    }

    #[test]
    fn an_engine_that_is_not_installed_says_so() {
        let failure = providers().voice(&TtsSettings::default()).map(|_| ()).unwrap_err();
        assert_eq!(failure.class, FailureClass::NotInstalled);
    }
}
