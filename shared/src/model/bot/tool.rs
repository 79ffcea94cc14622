//! The tools that a bot's model may call: those of the conversation itself, and requests to servers of the operator's own.

pub mod arguments;
pub mod fill;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ApiKey;

/// The built-in tool that ends the call.
pub const END_CALL: &str = "end_call";
/// The tool that hands the caller over to a person.
pub const TRANSFER_CALL: &str = "transfer_call";
/// The tool that says that a machine answered instead of a person.
pub const DETECTED_VOICEMAIL: &str = "detected_voicemail";
/// The tool that presses keys of the telephone.
pub const SEND_DTMF: &str = "send_dtmf";
/// The tool that notes when the caller wishes to be called back.
pub const SCHEDULE_CALLBACK: &str = "schedule_callback";
/// The tool that goes over to another of the bot's languages.
pub const SWITCH_LANGUAGE: &str = "switch_language";
/// All that are the conversation's own.
pub const BUILT_IN: [&str; 6] =
    [END_CALL, TRANSFER_CALL, DETECTED_VOICEMAIL, SEND_DTMF, SCHEDULE_CALLBACK, SWITCH_LANGUAGE];
/// How long a tool's server has, seconds, where the tool does not say.
pub const DEFAULT_TIMEOUT_SECS: f32 = 10.0;
/// The range of that: the caller waits meanwhile, and after 20 s the model goes on without any tool.
pub const TIMEOUT_SECS: std::ops::RangeInclusive<f32> = 1.0..=15.0;
/// Largest answer of a tool's server, bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A tool the model may call: one of the built-in ones ([`BUILT_IN`]), or one with an `http` request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// JSON schema of the arguments, of the keywords in [`arguments`].
    #[serde(default)]
    pub parameters: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpTool>,
}

impl Tool {
    /// A tool of the conversation itself.
    pub fn built_in(name: &str) -> Self {
        Self { name: name.into(), description: String::new(), parameters: Value::Null, http: None }
    }
}

/// What a call of the tool sends, and how the conversation deals with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpTool {
    pub method: ToolMethod,
    /// With `{{…}}` in its path and query only: an argument of the call, or a variable of the bot's templates.
    pub url: String,
    pub headers: Vec<ToolHeader>,
    /// JSON with `{{…}}` in its strings. Without it a method that has a body sends the arguments as they are.
    pub body: Option<Value>,
    /// For the whole exchange.
    pub timeout_secs: f32,
    /// Said when the answer takes a while; empty takes the bot's own `phrases.hold`.
    pub filler: String,
    /// Whether the caller must have been asked first.
    pub confirm: bool,
    pub on_interrupt: OnInterrupt,
}

impl Default for HttpTool {
    fn default() -> Self {
        Self {
            method: ToolMethod::default(),
            url: String::new(),
            headers: Vec::new(),
            body: None,
            timeout_secs: DEFAULT_TIMEOUT_SECS,
            filler: String::new(),
            confirm: false,
            on_interrupt: OnInterrupt::default(),
        }
    }
}

/// Keys are compared, and never shown: this is for tests.
impl PartialEq for HttpTool {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_value(self).ok() == serde_json::to_value(other).ok()
    }
}

/// How it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ToolMethod {
    Get,
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

impl ToolMethod {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the arguments are sent as its body where the tool says nothing else.
    pub fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// What becomes of a run whose reply nobody waits for any more, because the caller went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInterrupt {
    /// It goes on, and the model learns its answer later.
    #[default]
    Finish,
    /// Its request is given up; whether the server did what it asks nobody knows.
    Cancel,
}

/// A header: plain, or a secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolHeader {
    pub name: String,
    pub value: String,
    /// Sealed at rest and masked when it is shown.
    pub secret: ApiKey,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_built_in_tool_says_nothing_of_requests_and_a_request_has_its_defaults() {
        let tool: Tool = serde_json::from_value(json!({"name": "end_call"})).unwrap();
        assert_eq!(tool, Tool::built_in(END_CALL));
        let written = json!({"name": "end_call", "description": "", "parameters": null});
        assert_eq!(serde_json::to_value(&tool).unwrap(), written);
        let tool: Tool =
            serde_json::from_value(json!({"name": "look_up", "http": {"url": "https://a.test/"}})).unwrap();
        let http = tool.http.unwrap();
        assert_eq!((http.method, http.timeout_secs), (ToolMethod::Post, DEFAULT_TIMEOUT_SECS));
        assert_eq!((http.on_interrupt, http.confirm), (OnInterrupt::Finish, false));
    }
}
