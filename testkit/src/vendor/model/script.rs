//! What a scripted language model answers to what, whoever's protocol it speaks.

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// One scripted answer and when it is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The conditions, all of which must hold.
    pub when: When,
    /// What is said.
    pub say: String,
    /// The tools called after that.
    pub tool_calls: Vec<ToolCall>,
    /// Token counts other than the estimated ones.
    pub usage: Option<Usage>,
}

/// Conditions on a request; an absent one holds.
///
/// A rule without `tool_result` is skipped for a request that ends in a tool's result, so that a rule that calls a
/// tool does not fire again on its own result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The last user message contains this, whatever the case.
    pub contains: Option<String>,
    /// The last user message matches this expression.
    pub matches: Option<Pattern>,
    /// This is the n-th completion request of the server, from 1.
    pub request: Option<u32>,
    /// The request ends in the result of this tool (`*` for any).
    pub tool_result: Option<String>,
}

/// An answer without conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// What is said; `{user}` stands for the last user message.
    pub say: String,
    /// The tools called after that.
    pub tool_calls: Vec<ToolCall>,
    /// Token counts other than the estimated ones.
    pub usage: Option<Usage>,
}

/// A call the model makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The function's name.
    pub name: String,
    /// Its arguments: an object, or a string that is sent as it stands (broken JSON included).
    #[serde(default)]
    pub arguments: Value,
}

/// Scripted token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
    /// How many of the prompt came from the cache.
    #[serde(default)]
    pub cached_tokens: u32,
}

/// A compiled expression that reads from a script as its text.
#[derive(Clone, Debug)]
pub struct Pattern(pub(crate) Regex);

impl Pattern {
    /// Compile an expression.
    ///
    /// # Errors
    /// When it is not a regular expression.
    pub fn new(expression: &str) -> Result<Self, regex::Error> {
        Regex::new(expression).map(Self)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expression = String::deserialize(deserializer)?;
        Self::new(&expression).map_err(serde::de::Error::custom)
    }
}

impl Rule {
    /// Say this when the last user message contains that.
    pub fn on(contains: impl Into<String>, say: impl Into<String>) -> Self {
        let when = When { contains: Some(contains.into()), ..When::default() };
        Self { when, say: say.into(), ..Self::default() }
    }

    /// Call this tool after having spoken.
    pub fn calling(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.tool_calls.push(ToolCall { name: name.into(), arguments });
        self
    }
}
