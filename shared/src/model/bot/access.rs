//! When a bot answers, and whom.

use serde::{Deserialize, Serialize};

use super::ApiKey;

/// When the bot answers at all, in its own time zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActiveHours {
    pub enabled: bool,
    /// `mon` to `sun`; all seven by default.
    pub days: Vec<String>,
    /// Local `HH:MM`; a window over midnight has `start` after `end`.
    pub start: String,
    pub end: String,
}

impl Default for ActiveHours {
    fn default() -> Self {
        Self {
            enabled: false,
            days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(str::to_owned).to_vec(),
            start: "00:00".into(),
            end: "24:00".into(),
        }
    }
}

/// Who may open the bot's carrier lines (all but `/talk`), beside a carrier that signs with an account of the bot's. With neither token nor addresses anybody who
/// reaches the worker may, and the keys of a dialler's first message that speak to the bridge (`_campaign_session_id`, …) do
/// not count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineAccess {
    /// What a caller may present instead of calling from one of the addresses.
    pub token: ApiKey,
    /// Addresses or ranges, `203.0.113.7` or `10.1.0.0/16`.
    pub addresses: Vec<String>,
}

impl LineAccess {
    /// Whether strangers are kept out.
    pub fn is_guarded(&self) -> bool {
        !self.token.is_empty() || !self.addresses.is_empty()
    }
}
