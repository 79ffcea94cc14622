//! The runtime config: all that core needs to know for one call (bridge to core, `GET /api/v1/config/{bot_id}`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{BotId, SessionId, TenantId};
use crate::model::bot::{
    LlmSettings, Phrases, ReEngagement, RecordingSettings, SttSettings, Tool, TtsSettings, TurnSettings,
    VadSettings,
};

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
    #[serde(default)]
    pub voicemail_message: String,
    #[serde(default)]
    pub pre_transfer_message: String,
    #[serde(default)]
    pub tools: Vec<Tool>,
    #[serde(default)]
    pub conversation_policy: Option<Value>,
    #[serde(default)]
    pub transfer_targets: Vec<Value>,
    #[serde(default)]
    pub transfer_numbers: Map<String, Value>,
    #[serde(default)]
    pub phrases: Phrases,
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
}

fn utc() -> String {
    "UTC".into()
}

fn three() -> u32 {
    3
}

fn ten_minutes() -> u32 {
    600
}

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
    }
}
