//! What guides a bot beyond its prompt, and what is made of a call when it is over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A structured policy: the rules of a kind of call that is always the same. An unknown `type` counts as no policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversationPolicy {
    /// `collection_recovery`, `collection_early_dpd`, `collection_pre_due` or `insurance_renewal_motor`.
    #[serde(rename = "type")]
    pub kind: String,
    pub enabled: bool,
    /// What amounts and dates are said in: `en` or `hi`, with a region if wanted.
    pub language: String,
    /// Which variable holds a fact, where it is not called like the fact: `{"amount_due": "crm.loan.emi"}`.
    pub fields: BTreeMap<String, String>,
    pub scenarios: Vec<PolicyScenario>,
}

impl Default for ConversationPolicy {
    fn default() -> Self {
        Self {
            kind: String::new(),
            enabled: true,
            language: "en".into(),
            fields: BTreeMap::new(),
            scenarios: Vec::new(),
        }
    }
}

/// Something that may come up in a call, and what the bot does then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyScenario {
    pub name: String,
    pub instructions: String,
    #[serde(default)]
    pub when: ScenarioWhen,
    /// One that is not enabled is left out, whatever `when` says.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// When a scenario counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioWhen {
    /// In every call.
    Always,
    /// When the caller brings it up.
    #[default]
    Asked,
}

/// How the prompt is divided for vendors that cache its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptSettings {
    pub mode: PromptMode,
    /// Whether the part that is the same for every caller may be cached.
    pub cache_enabled: bool,
    pub cache_retention: CacheRetention,
    /// Put behind the system prompt; this is the place for what belongs to one caller.
    pub dynamic_prompt: String,
}

/// Whether the parts are handed out apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptMode {
    /// One prompt.
    #[default]
    Legacy,
    /// A static and a dynamic part.
    Direct,
}

/// How long a vendor keeps a cached prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheRetention {
    #[default]
    #[serde(rename = "in_memory")]
    InMemory,
    #[serde(rename = "24h")]
    Day,
}

/// What a call may use up, beside its duration. What is absent is not limited. The worker holds a running call to all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallLimits {
    /// Millionths of the tenant's currency. The bridge sets it aside in the budgets of the day before the call begins, and hands out
    /// what the call's vendors cost; what has no price costs nothing.
    pub max_cost_micros: Option<u64>,
    /// Of the language model, in and out.
    pub max_tokens: Option<u32>,
    /// Runs of the bot's own tools. One more is refused to the model, and the call goes on.
    pub max_tool_calls: Option<u32>,
    /// Of the caller, in a row, seconds.
    pub max_silence_secs: Option<u32>,
}

/// Dispositions of calls that are not analysed; what is absent has the deployment's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoDispositions {
    pub rnr: Option<String>,
    pub voicemail: Option<String>,
    pub timeout: Option<String>,
    pub error: Option<String>,
    /// Somebody took the call and said nothing.
    pub no_customer_message: Option<String>,
}

impl AutoDispositions {
    /// Each with its name.
    pub fn all(&self) -> [(&'static str, &Option<String>); 5] {
        let Self { rnr, voicemail, timeout, error, no_customer_message } = self;
        [
            ("rnr", rnr),
            ("voicemail", voicemail),
            ("timeout", timeout),
            ("error", error),
            ("no_customer_message", no_customer_message),
        ]
    }
}

/// Which headers of the telephone line become variables. Of `sip_candidate_headers` nothing else is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SipHeaderConfig {
    /// The variable below `call.` by the name of its header; names of headers are compared without regard to case.
    pub headers: BTreeMap<String, String>,
}

/// The bot's widget on web pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WidgetSettings {
    pub enabled: bool,
    /// Where the widget may be shown, `https://www.example.com`; none means nowhere.
    pub allowed_origins: Vec<String>,
}
