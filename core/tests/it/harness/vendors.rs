//! The three vendors' scripted servers, and the bot that uses them.

use serde_json::{Map, Value, json};
use vox_shared::model::bot::{ApiKey, BotSettings, LlmSettings, SttSettings, Tool, TtsSettings};
use vox_testkit::vendor::{Faults, Server, deepgram, elevenlabs, openai};

use super::GREETING;

/// What the vendors do.
#[derive(Default)]
pub struct Scripts {
    pub stt: deepgram::Script,
    pub llm: openai::Script,
    pub tts: elevenlabs::Script,
}

impl Scripts {
    /// A recogniser that hears these texts in turn, and a model that follows this script.
    pub fn new<const N: usize>(heard: [&str; N], llm: openai::Script) -> Self {
        let stt = deepgram::Script { when_out: deepgram::WhenOut::Empty, ..deepgram::Script::saying(heard) };
        Self { stt, llm, tts: elevenlabs::Script::default() }
    }
}

/// The running servers.
pub struct Vendors {
    pub stt: deepgram::Server,
    pub llm: openai::Server,
    pub tts: elevenlabs::Server,
}

impl Vendors {
    pub async fn start(scripts: Scripts) -> Self {
        Self {
            stt: Server::start(scripts.stt).await,
            llm: Server::start(scripts.llm).await,
            tts: Server::start(scripts.tts).await,
        }
    }

    /// A bot that uses all three.
    pub fn bot(&self) -> BotSettings {
        let at =
            |url: String| -> Map<String, Value> { json!({"base_url": url}).as_object().cloned().unwrap() };
        BotSettings {
            name: "Test".into(),
            system_prompt: "You answer the telephone.".into(),
            opening_message: GREETING.into(),
            re_engagement: None,
            tools: vec![Tool::built_in("end_call")],
            stt: SttSettings {
                provider: "deepgram".into(),
                api_key: ApiKey::new(self.stt.api_key()),
                extra: at(self.stt.url()),
                ..SttSettings::default()
            },
            llm: LlmSettings {
                provider: "openai".into(),
                api_key: ApiKey::new(self.llm.api_key()),
                extra: at(format!("{}/v1", self.llm.url())),
                ..LlmSettings::default()
            },
            tts: TtsSettings {
                provider: "elevenlabs".into(),
                api_key: ApiKey::new(self.tts.api_key()),
                voice: "21m00Tcm4TlvDq8ikWAM".into(),
                extra: at(self.tts.url()),
                ..TtsSettings::default()
            },
            ..BotSettings::default()
        }
    }

    /// From the next request on.
    pub fn set_faults(&self, stt: Faults, llm: Faults, tts: Faults) {
        self.stt.set_faults(stt);
        self.llm.set_faults(llm);
        self.tts.set_faults(tts);
    }

    /// The bodies of the completion requests, oldest first.
    pub fn asked(&self) -> Vec<Value> {
        let observed = self.llm.observed();
        observed
            .on_path("/chat/completions")
            .flat_map(|exchange| exchange.texts())
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// No breach of a vendor's protocol, and nothing is left open.
    pub async fn assert_no_leftovers(&self) {
        self.stt.assert_no_leftovers().await;
        self.llm.assert_no_leftovers().await;
        self.tts.assert_no_leftovers().await;
        let observed = [self.stt.observed(), self.llm.observed(), self.tts.observed()];
        let violations: Vec<String> = observed.iter().flat_map(|o| o.violations()).collect();
        assert_eq!(violations, Vec::<String>::new());
    }
}
