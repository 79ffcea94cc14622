//! The runtime config: all that core needs to know for one call (bridge to core), and what core says to get it
//! (`POST /api/v1/config/{bot_id}`; `GET` takes the same fields as a query).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::egress::HostRules;
use crate::ids::{BotId, SessionId, TenantId, WorkerId};
use crate::model::bot::{
    Answering, ApiKey, AutoDispositions, BotLanguage, CacheRetention, CallLimits, CarrierAccount,
    CommonAnswer, Guardrails, LlmSettings, McpServer, Phrases, PromptMode, Pronunciation, ReEngagement,
    RecordingSettings, Redaction, Resilience, SoundSettings, SpokenForms, SttSettings, Tool, TtsSettings,
    TurnSettings, VadSettings,
};
use crate::price::Rate;
use crate::wire::permit::Permit;

/// What core says about the call that begins.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigRequest {
    pub version: u32,
    /// The id that core proposes. Asking again with the same one is harmless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The line's route: `ws`, `exotel`, `talk`, `twilio`, `plivo`, `telnyx` or `vonage`; or `livekit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// Everything the line said first.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub connected_event: Map<String, Value>,
    /// Spent on this call; `talk` needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// What the caller presented as the bot's line token, unchecked: the bridge decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_token: Option<String>,
    /// The address the line came from, as text without a port; behind a trusted proxy the one it forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The carrier's signature of the upgrade, unchecked: the bridge has the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<LineSignature>,
    /// Who will have the call: orders for it are sent there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// What the worker made up for this call, at least 32 URL-safe characters: who asks again must know it, and so must who delivers
    /// for the call without its token. Workers from before say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The bot that has the running call `session_id` now, and wants to hand the caller over to the bot that is asked for. Nothing is
    /// begun and nothing counted anew: the config is for the rest of that call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_from: Option<BotId>,
}

/// Without what must not reach a log: numbers, what the line said, tickets and tokens.
impl fmt::Debug for ConfigRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigRequest")
            .field("session_id", &self.session_id)
            .field("transport", &self.transport)
            .field("worker_id", &self.worker_id)
            .field("has_ticket", &self.ticket.is_some())
            .field("has_line_token", &self.line_token.is_some())
            .field("has_signature", &self.signature.is_some())
            .field("has_claim", &self.claim.is_some())
            .field("handed_from", &self.handed_from)
            .finish_non_exhaustive()
    }
}

/// A carrier's signature of the WebSocket upgrade, and what it signed as the worker saw it. The scheme is not among it: TLS ends
/// before the worker.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LineSignature {
    /// `X-Twilio-Signature` or `X-Plivo-Signature-V3`.
    pub value: String,
    /// Plivo's, signed too; empty for Twilio.
    pub nonce: String,
    /// The `Host` that was asked for, with its port if it had one.
    pub host: String,
    /// Path and query.
    pub target: String,
}

/// Whoever has a signature may use it again: it is in no log.
impl fmt::Debug for LineSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineSignature").field("host", &self.host).finish_non_exhaustive()
    }
}

/// What the worker may ask of the call's carrier in the name of the bot's owner: only of a call that came over that carrier's line,
/// and of a bot that has an account there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CarrierAccess {
    #[serde(flatten)]
    pub account: CarrierAccount,
    /// Where Plivo fetches whom to dial, `dial` in its query; empty where the bridge has no public address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dial_url: String,
}

/// The answer to a config fetch. Unknown fields are ignored, missing ones take the contract's defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuntimeConfig {
    #[serde(default = "super::wire_version")]
    pub version: u32,
    pub session_id: SessionId,
    #[serde(default)]
    pub tenant_id: Option<TenantId>,
    #[serde(default)]
    pub bot_id: Option<BotId>,
    /// The version of the bot's settings that this config is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_version: Option<u32>,
    pub webhook_url: String,
    pub system_prompt: String,
    pub opening_message: String,
    #[serde(default = "utc")]
    pub timezone: String,
    #[serde(default)]
    pub re_engagement: Option<ReEngagement>,
    #[serde(default = "three")]
    pub min_words_interruption: u32,
    #[serde(default = "ten_minutes")]
    pub max_call_duration_seconds: u32,
    #[serde(default = "twenty")]
    pub summary_after_turns: u32,
    #[serde(default)]
    pub voicemail_message: String,
    #[serde(default)]
    pub pre_transfer_message: String,
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// Servers whose tools the model may call beside these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<McpServer>,
    #[serde(default)]
    pub conversation_policy: Option<Value>,
    #[serde(default)]
    pub transfer_targets: Vec<Value>,
    #[serde(default)]
    pub transfer_numbers: Map<String, Value>,
    /// Said to the model after the call, on the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_call_analysis_prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qc_prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_dispositions: Option<AutoDispositions>,
    #[serde(default)]
    pub resilience: Resilience,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub common_answers: Vec<CommonAnswer>,
    #[serde(default)]
    pub limits: CallLimits,
    /// What the call's vendors cost, so that it can be held to `limits.max_cost_micros`. Only of a call that has such a limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<Rate>,
    /// Which hosts the tenant's tools may ask, beside what the worker's own policy says.
    #[serde(default, skip_serializing_if = "HostRules::is_empty")]
    pub egress: HostRules,
    /// The system prompt once more, divided for vendors that cache its beginning.
    #[serde(default)]
    pub prompt_parts: PromptParts,
    #[serde(default)]
    pub phrases: Phrases,
    /// Texts of this config that are said alike to every caller. Only they are kept as sound: what holds a caller's name or
    /// debt is nobody else's.
    #[serde(default)]
    pub stable_phrases: Vec<String>,
    #[serde(default)]
    pub stt: SttSettings,
    #[serde(default)]
    pub llm: LlmSettings,
    #[serde(default)]
    pub tts: TtsSettings,
    #[serde(default)]
    pub vad: VadSettings,
    #[serde(default)]
    pub turn: TurnSettings,
    #[serde(default)]
    pub recording: RecordingSettings,
    #[serde(default)]
    pub redaction: Redaction,
    #[serde(default)]
    pub spoken_forms: SpokenForms,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pronunciations: Vec<Pronunciation>,
    #[serde(default, skip_serializing_if = "Guardrails::is_empty")]
    pub guardrails: Guardrails,
    /// Sounds of the bot, which the worker asks the bridge for.
    #[serde(default, skip_serializing_if = "SoundSettings::is_empty")]
    pub sounds: SoundSettings,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<BotLanguage>,
    /// Of a call that is placed: whether it is found out who has answered.
    #[serde(default, skip_serializing_if = "Answering::is_default")]
    pub answering: Answering,
    /// Why the call was given these vendors first; the worker sends it back with the result. Null where no routing is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Value>,
    /// Of the vendors that serve only so many calls at once, by their keys. Bridges from before give none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permits: Vec<Permit>,
    /// Names in the greeting and the fixed phrases that had no value and were left out, and in words what else could not be had (`crm: …`,
    /// `voice: …`); each is an event of the call, `template_unknown`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_warnings: Vec<String>,
    /// What the worker proves itself with for this call, and for no other. Bridges from before give none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_token: Option<ApiKey>,
    /// The bot's account with the call's carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Box<CarrierAccess>>,
}

/// A prompt in two parts. In `legacy` mode both are empty, and `system_prompt` is all there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptParts {
    pub mode: PromptMode,
    /// Never true of a prompt whose cached part holds anything of one caller.
    pub cache_enabled: bool,
    /// The same for every caller of this version of the bot.
    pub static_system_prompt: String,
    /// This call's own; it comes behind the static part.
    pub dynamic_runtime_prompt: String,
    /// Another one for every other static part.
    pub static_version: String,
    /// Names the bot and the static part, empty when nothing may be cached.
    pub cache_key: String,
    pub cache_retention: CacheRetention,
}

fn utc() -> String {
    "UTC".into()
}

fn three() -> u32 {
    3
}

fn twenty() -> u32 {
    20
}

fn ten_minutes() -> u32 {
    600
}

/// The code that tells [`Refusal::LineForbidden`] from a wrong internal secret, which is 403 too.
pub const LINE_FORBIDDEN: &str = "line_forbidden";

/// Why the bridge refuses a call at config time. The wire form is the HTTP status and a JSON detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 404.
    UnknownBot,
    /// 402.
    QuotaSpent,
    /// 503 with a detail that starts `outside_active_hours`.
    OutsideHours,
    /// 401: the ticket is missing, spent or expired.
    BadTicket,
    /// 403 with the code [`LINE_FORBIDDEN`]: the bot's lines are guarded, and the caller has neither its token nor an
    /// address on its list.
    LineForbidden,
    /// Any other status.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_required_fields_are_enough() {
        let text = include_str!("config_v1_minimal.golden.json");
        let config: RuntimeConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.min_words_interruption, 3);
        assert_eq!(config.max_call_duration_seconds, 600);
        assert_eq!((config.llm.temperature, config.llm.max_tokens), (0.7, 256));
        assert_eq!(config.timezone, "UTC");
        assert!(config.re_engagement.is_none() && config.transfer_targets.is_empty());
        assert!(config.template_warnings.is_empty());
    }

    #[test]
    fn the_whole_config_of_this_version_is_read() {
        let text = include_str!("config_v1_whole.golden.json");
        let config: RuntimeConfig = serde_json::from_str(text).unwrap();
        assert_eq!((config.bot_version, config.limits.max_tokens), (Some(7), Some(20_000)));
        assert_eq!((config.prompt_parts.mode, config.prompt_parts.cache_enabled), (PromptMode::Direct, true));
        assert_eq!(config.transfer_targets[0]["type"], "phone_number");
        assert!(config.tools[1].http.as_ref().is_some_and(|http| http.confirm));
        assert_eq!((config.rates[0].money, config.egress.is_empty()), (150_000, false));
        assert_eq!(config.auto_dispositions.as_ref().unwrap().rnr.as_deref(), Some("No answer"));
        // Nothing of it is lost on the way.
        let (given, written): (Value, Value) =
            (serde_json::from_str(text).unwrap(), serde_json::to_value(&config).unwrap());
        for (name, value) in given.as_object().unwrap() {
            assert_eq!(&written[name], value, "{name}");
        }
    }

    #[test]
    fn the_golden_request_is_read_and_tells_a_log_no_secret() {
        let text = include_str!("config_request_v1.golden.json");
        let request: ConfigRequest = serde_json::from_str(text).unwrap();
        assert_eq!(
            (request.line_token.as_deref(), request.peer.as_deref()),
            (Some("lt-0123456789"), Some("203.0.113.9"))
        );
        assert_eq!(request.connected_event["name"], "Asha");
        let shown = format!("{request:?}");
        for secret in ["lt-0123456789", "tk-0123456789", "Asha", "+4915112345678"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let least: ConfigRequest = serde_json::from_str("{}").unwrap();
        assert_eq!(least, ConfigRequest::default());
    }
}
