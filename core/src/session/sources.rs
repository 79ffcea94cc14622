//! What servers of the bot's (Model Context Protocol) say of their tools, when a call begins.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a server said of its tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// As the bot's settings name it.
    pub name: String,
    /// Its place among the bot's servers.
    pub place: usize,
    /// Or why there are none, for the record: it names no address and no key.
    pub found: Result<Vec<SourceTool>, String>,
    /// What the bot allows and the model cannot be offered, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// A tool of a server's, by the name under which the model calls it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceTool {
    pub name: String,
    pub description: String,
    /// JSON schema of its arguments. What is a rule here is held, what is not goes to the model alone.
    pub parameters: Value,
    /// Said when it takes a while; empty for the bot's own phrase.
    pub filler: String,
    /// The caller must have been asked.
    pub confirm: bool,
    /// It is given up when the caller goes on.
    pub cancels: bool,
}
