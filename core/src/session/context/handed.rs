//! The conversation in the hands of another bot.

use super::{Context, Entry};
use crate::provider::llm::{CacheKey, Message, Role, ToolCall, ToolSpec};
use crate::session::rules::{END_CALL, TRANSFER_CALL};

/// Of what went into a tool of the bot before and came out of it, each, characters.
const CARRIED_CHARS: usize = 1_000;

impl Context {
    /// Another bot goes on with the conversation. What the one before it looked up is told as a note: the tools are not this one's.
    pub fn go_over(&mut self, system: String, tools: Vec<ToolSpec>, cache_key: Option<CacheKey>) {
        (self.system, self.tools, self.cache_key) = (system, tools, cache_key);
        let mut calls: Vec<ToolCall> = Vec::new();
        let mut carried = Vec::with_capacity(self.history.len());
        for mut entry in std::mem::take(&mut self.history) {
            calls.append(&mut entry.message.tool_calls);
            let told = match entry.message.role {
                Role::Tool => looked_up(&calls, &entry.message)
                    .map(|note| Entry::new(Message::text(Role::System, note))),
                Role::Assistant => Some(entry).filter(|entry| !entry.message.text.is_empty()),
                Role::System | Role::User => Some(entry),
            };
            carried.extend(told);
        }
        self.history = carried;
    }
}

/// What a tool of the bot before answered. What only led to the hand-over is nothing to be told.
fn looked_up(calls: &[ToolCall], answer: &Message) -> Option<String> {
    let call = calls.iter().rfind(|call| Some(&call.id) == answer.tool_call_id.as_ref())?;
    if matches!(call.name.as_str(), TRANSFER_CALL | END_CALL) {
        return None;
    }
    let ToolCall { name, arguments, .. } = call;
    let short = |text: &str| text.chars().take(CARRIED_CHARS).collect::<String>();
    let (asked, answer) = (short(&arguments.to_string()), short(&answer.text));
    Some(format!("The assistant before you called '{name}' with {asked}. The answer: {answer}"))
}
