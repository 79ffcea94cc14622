//! What a bridge learns of running calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{BotId, SessionId, TenantId};
use vox_shared::model::bot::Redaction;
use vox_shared::wire::live::LiveReport;
use vox_shared::wire::result::DisconnectedBy;

/// A call and to whom it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    pub session_id: SessionId,
    pub tenant_id: TenantId,
    pub bot_id: BotId,
    /// What of it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// The number that was called, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    pub disconnected_by: DisconnectedBy,
    pub duration_seconds: f64,
}

/// Something new of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// Its worker told of it.
    Told { whose: Whose, report: LiveReport },
    /// A bridge says something of it itself.
    Said { whose: Whose, event: String, data: Map<String, Value> },
    /// It has its terminal record.
    Ended { whose: Whose, end: End },
}
