//! What is to be dialled, checked.

use serde_json::{Map, Value};
use vox_shared::ids::{BotId, TenantId};
use vox_shared::phone::Number;

use crate::fields::FieldError;
use crate::store::bots::Creation;

/// Most bytes of what is told to the call, as JSON.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;
/// What only the dialler says to the bridge: a CRM could take another call's name with it.
const DIALLERS_OWN: [&str; 8] = [
    "_campaign_session_id",
    "_campaign_id",
    "_campaign_call_id",
    "_campaign_attempt",
    "_campaign_run_number",
    "_campaign_machines",
    "_campaign_leave_message",
    "sip_candidate_headers",
];

/// A call that is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    pub tenant: TenantId,
    /// The user or the key that asks.
    pub sender: String,
    pub bot: BotId,
    pub to: Number,
    pub from: Option<Number>,
    /// What the bot is told of the call.
    pub event: Map<String, Value>,
    /// When it came with an `Idempotency-Key`.
    pub creation: Option<Creation>,
}

/// A number of a request, or what is wrong with it.
pub fn number(path: &str, text: &str) -> Result<Number, FieldError> {
    text.parse().map_err(|error: vox_shared::phone::BadNumber| FieldError::new(path, error.to_string()))
}

/// What is wrong with what the bot is to be told.
pub fn event_faults(path: &str, event: &Map<String, Value>) -> Vec<FieldError> {
    let mut faults: Vec<FieldError> = DIALLERS_OWN
        .iter()
        .filter(|name| event.contains_key(**name))
        .map(|name| FieldError::new(format!("{path}.{name}"), "belongs to the dialler; leave it out"))
        .collect();
    let size = serde_json::to_vec(event).map_or(0, |text| text.len());
    if size > MAX_EVENT_BYTES {
        faults.push(FieldError::new(path, format!("{size} bytes, and {MAX_EVENT_BYTES} are the most")));
    }
    faults
}
