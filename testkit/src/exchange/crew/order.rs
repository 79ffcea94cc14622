//! What a worker is asked for.

use serde::Deserialize;
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, ReservationId};
use vox_shared::phone::Number;

/// The longest ringing that a worker waits for, seconds.
const MAX_RING_SECS: u64 = 120;

/// The body of the contract and nothing else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub room_name: String,
    pub bot_id: BotId,
    #[serde(default)]
    pub to_number: Option<String>,
    #[serde(default)]
    pub from_number: Option<String>,
    #[serde(default)]
    pub config_url: Option<String>,
    #[serde(default)]
    pub connected_event: Option<Map<String, Value>>,
    #[serde(default)]
    pub campaign_call_id: Option<String>,
    #[serde(default, rename = "reservation_id")]
    _reservation_id: Option<ReservationId>,
    #[serde(default)]
    pub answer: Awaits,
    /// How long the callee is waited for, seconds, where the answer is awaited.
    #[serde(default)]
    pub ring_secs: Option<u64>,
}

/// Whether the callee has answered already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Awaits {
    #[default]
    Given,
    Awaited,
}

impl Body {
    /// What a real worker would refuse, if anything.
    pub fn fault(&self) -> Option<String> {
        if self.room_name.trim().is_empty() || self.room_name.chars().count() > 256 {
            return Some("room_name must have 1 to 256 characters".into());
        }
        for (name, text) in [("to_number", &self.to_number), ("from_number", &self.from_number)] {
            if let Some(fault) = text.as_ref().and_then(|text| text.parse::<Number>().err()) {
                return Some(format!("{name} {fault}"));
            }
        }
        if self.ring_secs.is_some_and(|secs| !(1..=MAX_RING_SECS).contains(&secs)) {
            return Some(format!("ring_secs must be 1 to {MAX_RING_SECS}"));
        }
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if !self.config_url.as_ref().is_none_or(is_url) {
            return Some("config_url must be the address of a bridge".into());
        }
        None
    }
}
