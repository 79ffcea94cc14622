//! The conversation as the model sees it. Bot text enters only as far as it was heard.

use crate::provider::llm::{LlmRequest, Message, Role, ToolCall, ToolSpec};

/// History sent to the model at most, counted as characters / 4.
const HISTORY_TOKENS: usize = 8_000;
const CHARS_PER_TOKEN: usize = 4;

/// The conversation so far.
#[derive(Debug)]
pub struct Context {
    system: String,
    tools: Vec<ToolSpec>,
    cache_key: Option<String>,
    history: Vec<Message>,
}

impl Context {
    /// A conversation that has not begun.
    pub fn new(system: String, tools: Vec<ToolSpec>, cache_key: Option<String>) -> Self {
        Self { system, tools, cache_key, history: Vec::new() }
    }

    /// The caller said.
    pub fn caller(&mut self, text: &str) {
        self.append(Role::User, text);
    }

    /// The bot was heard to say. Empty text is nothing.
    pub fn bot_heard(&mut self, text: &str) {
        self.append(Role::Assistant, text);
    }

    /// A tool ran.
    pub fn tool_result(&mut self, call: ToolCall, result: &str) {
        let id = call.id.clone();
        self.history.push(Message {
            role: Role::Assistant,
            text: String::new(),
            tool_calls: vec![call],
            tool_call_id: None,
        });
        self.history.push(Message {
            role: Role::Tool,
            text: result.to_owned(),
            tool_calls: Vec::new(),
            tool_call_id: Some(id),
        });
    }

    /// Everything after the system message.
    pub fn history(&self) -> &[Message] {
        &self.history
    }

    /// The request for the next reply.
    pub fn request(&self) -> LlmRequest {
        let mut messages = vec![Message::text(Role::System, self.system.clone())];
        messages.extend_from_slice(self.recent());
        LlmRequest { messages, tools: self.tools.clone(), cache_key: self.cache_key.clone() }
    }

    /// The newest messages that fit, beginning with one of the caller or bot, never with a tool's answer alone.
    fn recent(&self) -> &[Message] {
        let mut left = HISTORY_TOKENS * CHARS_PER_TOKEN;
        let mut from = self.history.len();
        while from > 0 {
            let size = self.history[from - 1].text.len();
            if size > left && from < self.history.len() {
                break;
            }
            left = left.saturating_sub(size);
            from -= 1;
        }
        while self.history.get(from).is_some_and(|m| m.role == Role::Tool) {
            from += 1;
        }
        &self.history[from..]
    }

    fn append(&mut self, role: Role, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.history.last_mut() {
            Some(last) if last.role == role && last.tool_calls.is_empty() => {
                last.text.push(' ');
                last.text.push_str(text);
            }
            _ => self.history.push(Message::text(role, text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_speaker_in_a_row_is_one_message() {
        let mut context = Context::new("Be kind.".into(), Vec::new(), None);
        context.bot_heard("Hello.");
        context.bot_heard("");
        context.caller("I need");
        context.caller("help");
        let request = context.request();
        assert_eq!(request.messages.len(), 3);
        assert_eq!(request.messages[2].text, "I need help");
    }

    #[test]
    fn the_oldest_messages_fall_out_first() {
        let mut context = Context::new(String::new(), Vec::new(), None);
        for i in 0..100 {
            context.caller(&format!("{i} {}", "x".repeat(1000)));
            context.bot_heard("yes");
        }
        let request = context.request();
        let size: usize = request.messages.iter().map(|m| m.text.len()).sum();
        assert!(size <= HISTORY_TOKENS * CHARS_PER_TOKEN);
        assert!(request.messages.last().is_some_and(|m| m.text == "yes"));
        assert_eq!(context.history().len(), 200);
    }
}
