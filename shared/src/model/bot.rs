//! A bot's settings, as the operator edits them and as the runtime config carries them. Every default is here, once.

pub mod access;
pub mod answering;
pub mod carriers;
pub mod guidance;
pub mod languages;
pub mod mcp;
pub mod outcome;
pub mod redaction;
pub mod resilience;
pub mod sounds;
pub mod speech;
pub mod tool;
pub mod transfer;
pub mod turn;

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::catalogue::{FLITE, POCKETSPHINX, SCRIPTED};
pub use access::{ActiveHours, LineAccess};
pub use answering::{Answering, OnMenu};
pub use carriers::{Carrier, CarrierAccount, CarrierAccounts};
pub use guidance::{
    AutoDispositions, CacheRetention, CallLimits, ConversationPolicy, PolicyScenario, PromptMode,
    PromptSettings, ScenarioWhen, SipHeaderConfig, WidgetSettings,
};
pub use languages::BotLanguage;
pub use mcp::McpServer;
pub use outcome::{Outcome, OutcomeField, OutcomeFieldKind, OutcomeSpeaker};
pub use redaction::{Hidden, Redaction, Sink};
pub use resilience::{CommonAnswer, Resilience};
pub use sounds::{Background, Recorded, SoundSettings};
pub use speech::{Forbidden, Guardrails, Pronunciation, Required, SpokenForms};
pub use tool::{HttpTool, OnInterrupt, Tool, ToolHeader, ToolMethod};
pub use transfer::{TransferMethod, TransferTarget, TransferType};
pub use turn::{TurnSettings, VadSettings};

/// A vendor key. Serialises in clear: it must reach the core; views that go to people mask it first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Wrap a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(SecretString::from(key.into()))
    }

    /// The key in clear, for the request that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl Serialize for ApiKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.expose())
    }
}

/// One recogniser (speech to text).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SttSettings {
    /// A recogniser of the catalogue.
    pub provider: String,
    pub api_key: ApiKey,
    pub model: String,
    /// BCP-47.
    pub language: String,
    /// The vendor's settings, see `docs/providers.md`.
    pub extra: Map<String, Value>,
    /// Tried in order when this one fails.
    pub fallbacks: Vec<SttSettings>,
}

impl Default for SttSettings {
    fn default() -> Self {
        Self {
            provider: POCKETSPHINX.name.into(),
            api_key: ApiKey::default(),
            model: String::new(),
            language: "en".into(),
            extra: Map::new(),
            fallbacks: Vec::new(),
        }
    }
}

/// One language model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmSettings {
    /// A language model of the catalogue.
    pub provider: String,
    pub api_key: ApiKey,
    pub model: String,
    /// 0 to 2.
    pub temperature: f32,
    /// Longest reply, tokens.
    pub max_tokens: u32,
    /// The vendor's settings, see `docs/providers.md`.
    pub extra: Map<String, Value>,
    pub fallbacks: Vec<LlmSettings>,
}

impl Default for LlmSettings {
    fn default() -> Self {
        Self {
            provider: SCRIPTED.name.into(),
            api_key: ApiKey::default(),
            model: String::new(),
            temperature: 0.7,
            max_tokens: 256,
            extra: Map::new(),
            fallbacks: Vec::new(),
        }
    }
}

/// One voice (text to speech).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct TtsSettings {
    /// A voice of the catalogue.
    pub provider: String,
    pub api_key: ApiKey,
    pub model: String,
    /// The vendor's voice id; for flite `kal` or `slt`.
    pub voice: String,
    pub language: String,
    /// The vendor's settings, see `docs/providers.md`.
    pub extra: Map<String, Value>,
    pub fallbacks: Vec<TtsSettings>,
}

impl Default for TtsSettings {
    fn default() -> Self {
        Self {
            provider: FLITE.name.into(),
            api_key: ApiKey::default(),
            model: String::new(),
            voice: "slt".into(),
            language: "en".into(),
            extra: Map::new(),
            fallbacks: Vec::new(),
        }
    }
}

/// What the bot says when the caller is silent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReEngagement {
    /// Silence before a prompt, seconds.
    pub after_secs: f32,
    /// Said in turn; when they are used up the goodbye follows.
    pub prompts: Vec<String>,
    pub goodbye: String,
}

impl Default for ReEngagement {
    fn default() -> Self {
        Self {
            after_secs: 10.0,
            prompts: vec![
                "Are you still there?".into(),
                "I can't hear you. Are you still on the line?".into(),
            ],
            goodbye: "I still can't hear you, so I'll end the call here. Goodbye.".into(),
        }
    }
}

/// Whether and how the call is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSettings {
    pub enabled: bool,
}

impl Default for RecordingSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Fixed phrases for when a vendor fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phrases {
    /// Speech was heard but no words came.
    pub not_understood: String,
    /// The reply takes long: said so that the line is not dead.
    pub hold: String,
    /// The model failed; the bot asks again.
    pub trouble: String,
    /// Nothing helped; said before hanging up.
    pub apology: String,
    /// The call reached its longest duration.
    pub time_up: String,
    /// The bot's goodbye when the model ends the call without one; empty takes a stock phrase in the language that is spoken.
    pub closing: String,
    /// A worker died in the call and another one goes on with it; empty takes a stock phrase in the language that is spoken.
    pub line_back: String,
}

impl Default for Phrases {
    fn default() -> Self {
        Self {
            not_understood: "Sorry, I didn't catch that. Could you say it again?".into(),
            hold: "One moment, please.".into(),
            trouble: "Sorry, one moment. Could you say that once more?".into(),
            apology: "I'm sorry, we have a technical problem. Please call again later. Goodbye.".into(),
            time_up: "We have reached the end of our time. Thank you for calling. Goodbye.".into(),
            closing: String::new(),
            line_back: String::new(),
        }
    }
}

/// Everything an operator sets on a bot.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct BotSettings {
    pub name: String,
    pub enabled: bool,
    pub system_prompt: String,
    pub opening_message: String,
    /// IANA name; an unknown one counts as UTC.
    pub timezone: String,
    pub active_hours: ActiveHours,
    pub line_access: LineAccess,
    pub carriers: CarrierAccounts,
    pub re_engagement: Option<ReEngagement>,
    /// Words that interrupt the bot while it speaks.
    pub min_words_interruption: u32,
    pub max_call_duration_seconds: u32,
    /// Turns of the caller after which the model is told the beginning of the conversation in short; 0 for never.
    pub summary_after_turns: u32,
    pub voicemail_message: String,
    pub pre_transfer_message: String,
    pub tools: Vec<Tool>,
    /// Whose tools the model may call beside these.
    pub mcp_servers: Vec<McpServer>,
    pub transfer_targets: Vec<TransferTarget>,
    /// The older form of targets: a number by its label.
    pub transfer_numbers: BTreeMap<String, String>,
    pub conversation_policy: Option<ConversationPolicy>,
    pub prompt_parts: PromptSettings,
    pub resilience: Resilience,
    pub common_answers: Vec<CommonAnswer>,
    pub limits: CallLimits,
    /// Most that the calls of a day, UTC, may cost together: millionths of the tenant's currency.
    pub max_cost_micros_per_day: Option<u64>,
    pub post_call_analysis_prompt: Option<String>,
    /// What the analysis must look like, a JSON schema.
    pub analysis_schema: Option<Value>,
    pub qc_prompt: Option<String>,
    pub auto_dispositions: Option<AutoDispositions>,
    /// What a call may come to, in the order in which their dispositions count.
    pub outcomes: Vec<Outcome>,
    pub sip_header_config: Option<SipHeaderConfig>,
    pub widget: WidgetSettings,
    pub phrases: Phrases,
    /// Values for `{{name}}` in prompts, below those of the call.
    pub variables: Map<String, Value>,
    pub stt: SttSettings,
    pub llm: LlmSettings,
    pub tts: TtsSettings,
    pub vad: VadSettings,
    pub turn: TurnSettings,
    pub recording: RecordingSettings,
    pub redaction: Redaction,
    pub spoken_forms: SpokenForms,
    pub pronunciations: Vec<Pronunciation>,
    pub guardrails: Guardrails,
    pub sounds: SoundSettings,
    /// What the bot can go over to in the middle of a call.
    pub languages: Vec<BotLanguage>,
    pub answering: Answering,
}

impl Default for BotSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            enabled: true,
            system_prompt: String::new(),
            opening_message: String::new(),
            timezone: "UTC".into(),
            active_hours: ActiveHours::default(),
            line_access: LineAccess::default(),
            carriers: CarrierAccounts::default(),
            re_engagement: Some(ReEngagement::default()),
            min_words_interruption: 3,
            max_call_duration_seconds: 600,
            summary_after_turns: 20,
            voicemail_message: String::new(),
            pre_transfer_message: String::new(),
            tools: Vec::new(),
            mcp_servers: Vec::new(),
            transfer_targets: Vec::new(),
            transfer_numbers: BTreeMap::new(),
            conversation_policy: None,
            prompt_parts: PromptSettings::default(),
            resilience: Resilience::default(),
            common_answers: Vec::new(),
            limits: CallLimits::default(),
            max_cost_micros_per_day: None,
            post_call_analysis_prompt: None,
            analysis_schema: None,
            qc_prompt: None,
            auto_dispositions: None,
            outcomes: Vec::new(),
            sip_header_config: None,
            widget: WidgetSettings::default(),
            phrases: Phrases::default(),
            variables: Map::new(),
            stt: SttSettings::default(),
            llm: LlmSettings::default(),
            tts: TtsSettings::default(),
            vad: VadSettings::default(),
            turn: TurnSettings::default(),
            recording: RecordingSettings::default(),
            redaction: Redaction::default(),
            spoken_forms: SpokenForms::default(),
            pronunciations: Vec::new(),
            guardrails: Guardrails::default(),
            sounds: SoundSettings::default(),
            languages: Vec::new(),
            answering: Answering::default(),
        }
    }
}
