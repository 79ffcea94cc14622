//! Language models: the conversation in, tokens and tool calls out.

pub mod anthropic;
mod body;
mod calls;
mod exchange;
pub mod gemini;
mod keepsakes;
mod omitted;
pub mod openai;
mod reply;
pub mod responses;
pub mod scripted;
pub mod sse;
mod turns;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

pub use body::Body;
pub use keepsakes::Keepsakes;
pub use reply::{Codec, Ended, Sense, Stage, Told};

use super::{Failure, TaskGuard};

/// Who said a message of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// How the note begins by which a model learns that the conversation before it was another bot's.
pub const TAKEN_OVER: &str = "You have just taken this call over";

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub text: String,
    /// For `Assistant`: the tools it called.
    pub tool_calls: Vec<ToolCall>,
    /// For `Tool`: which call it answers.
    pub tool_call_id: Option<String>,
}

impl Message {
    /// A message of plain text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// A tool call, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// A JSON object; what did not parse is carried as a JSON string.
    pub arguments: Value,
}

/// A tool offered to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON schema.
    pub parameters: Value,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmRequest {
    pub messages: Vec<Message>,
    pub tools: Vec<ToolSpec>,
    /// What the vendor may keep of it for other calls; `None` where it may not.
    pub cache_key: Option<CacheKey>,
}

/// Which part of a prompt is the same for every caller. A vendor that has it in its cache reads it faster and cheaper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheKey {
    /// The bot and its static prompt, as the bridge names them.
    pub name: String,
    /// How much of the system message it is, bytes from its beginning.
    pub fixed_bytes: usize,
}

/// Tokens of a request; what came from the vendor's cache and what it wrote to it are parts of `tokens_in`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LlmUsage {
    pub tokens_in: u64,
    pub tokens_out: u64,
    pub tokens_cached: u64,
    #[serde(default)]
    pub tokens_cache_write: u64,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    Stop,
    /// The token limit.
    Length,
    ToolCalls,
    /// The vendor's content filter.
    Filtered,
}

/// What comes out. `Done` or `Failed` is the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LlmEvent {
    Text(String),
    ToolCall(ToolCall),
    /// The model works and says nothing yet that is for the caller: it reasons, or writes a tool's arguments.
    Progress,
    Done {
        finish: Finish,
        usage: Option<LlmUsage>,
    },
    Failed(Failure),
}

/// A running reply; dropping it cancels the request.
#[derive(Debug)]
pub struct LlmStream {
    pub events: mpsc::Receiver<LlmEvent>,
    pub task: TaskGuard,
}

/// A language model.
pub trait LanguageModel: Send + Sync {
    /// Ask. Returns at once.
    fn ask(&self, request: LlmRequest) -> LlmStream;
    /// Open what can be opened ahead of the first question. Returns at once; a failure shows when the model is asked.
    fn warm_up(&self) {}
    /// Vendor's name for events and usage.
    fn name(&self) -> &'static str;
}
