//! What came of the tools that the session had run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What came of a tool's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolAnswer {
    pub status: ToolStatus,
    /// Of HTTP, where a server answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// For the model.
    pub result: Value,
}

impl From<Value> for ToolAnswer {
    /// It went well.
    fn from(result: Value) -> Self {
        Self { status: ToolStatus::Ok, code: None, result }
    }
}

/// How a tool's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    Ok,
    /// The server says that this is not possible.
    Refused,
    /// The server does not work, or there is none.
    Failed,
    TimedOut,
    TooLarge,
    /// Its address may not be used.
    Forbidden,
    /// The caller went on, and it is a tool that is given up then.
    Cancelled,
    /// The call ended before it answered.
    Unfinished,
}

impl ToolStatus {
    /// The word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::Forbidden => "forbidden",
            Self::Cancelled => "cancelled",
            Self::Unfinished => "unfinished",
        }
    }
}
