//! The conversation as the model sees it. Bot text enters only as far as it was heard.

mod handed;
mod told;

use std::time::Duration;

use serde_json::Value;

use super::party::Party;
use super::plan::SayingId;
use super::text::append;
use super::thinking::NO_ANSWER;
use crate::provider::llm::{CacheKey, Message, Role, ToolCall, ToolSpec};

/// A message and, where its place was kept for it, the line it comes from.
#[derive(Debug)]
struct Entry {
    message: Message,
    line: Option<SayingId>,
    /// The text is what the model said and nobody heard yet.
    promised: bool,
    /// The caller may not be done with it: it can be taken back.
    draft: Option<Draft>,
    /// One of two people who talk with each other said it, and began then.
    by: Option<(Party, Duration)>,
}

impl Entry {
    fn new(message: Message) -> Self {
        Self { message, line: None, promised: false, draft: None, by: None }
    }
}

/// Names words of the caller that can be taken back; counted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft(u64);

/// The conversation so far.
#[derive(Debug)]
pub struct Context {
    system: String,
    tools: Vec<ToolSpec>,
    cache_key: Option<CacheKey>,
    /// The beginning of the conversation in short, once it is told so.
    recap: String,
    history: Vec<Entry>,
    drafts: u64,
}

impl Context {
    /// A conversation that has not begun.
    pub fn new(system: String, tools: Vec<ToolSpec>, cache_key: Option<CacheKey>) -> Self {
        Self { system, tools, cache_key, recap: String::new(), history: Vec::new(), drafts: 0 }
    }

    /// What the model may call from now on.
    pub fn set_tools(&mut self, tools: Vec<ToolSpec>) {
        self.tools = tools;
    }

    /// The caller said.
    pub fn caller(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.history.last_mut() {
            Some(last) if last.message.role == Role::User && last.draft.is_none() && last.by.is_none() => {
                join(&mut last.message.text, text)
            }
            _ => self.push(Message::text(Role::User, text)),
        }
    }

    /// One of two people who talk with each other said this, and began then: its place is before what began later.
    pub fn heard(&mut self, who: Party, text: &str, began: Duration) {
        if text.is_empty() {
            return;
        }
        let is_later = |e: &Entry| e.by.is_some_and(|(_, other)| other > began);
        let place = self.history.iter().position(is_later).unwrap_or(self.history.len());
        let message = Message::text(Role::User, who.quoted(text));
        self.history.insert(place, Entry { by: Some((who, began)), ..Entry::new(message) });
    }

    /// What somebody had said turns out to be more: `before` becomes `whole`. False when it is not there.
    pub fn amend(&mut self, who: Party, before: &str, whole: &str) -> bool {
        let is_own =
            |e: &&mut Entry| e.message.role == Role::User && e.by.map_or(Party::Caller, |(p, _)| p) == who;
        for entry in self.history.iter_mut().rev().filter(is_own) {
            if let Some(at) = entry.message.text.rfind(before).filter(|_| !before.is_empty()) {
                entry.message.text.replace_range(at..at + before.len(), whole);
                return true;
            }
        }
        false
    }

    /// The operator wants the model to know this from now on.
    pub fn note(&mut self, text: &str) {
        self.push(Message::text(Role::System, text));
    }

    /// The caller said, as it seems: a reply may be asked for before it is known whether that was all.
    pub fn draft(&mut self, text: &str) -> Draft {
        self.drafts += 1;
        let draft = Draft(self.drafts);
        self.push(Message::text(Role::User, text));
        if let Some(entry) = self.history.last_mut() {
            entry.draft = Some(draft);
        }
        draft
    }

    /// That was what the caller said.
    pub fn confirm(&mut self, draft: Draft) {
        self.history.iter_mut().filter(|e| e.draft == Some(draft)).for_each(|e| e.draft = None);
    }

    /// The caller goes on: those words, as far as they were known by now, come again. Whatever else was heard, said and noted
    /// meanwhile stays.
    pub fn withdraw(&mut self, draft: Draft) {
        self.history.retain(|e| e.draft != Some(draft));
    }

    /// The model said this and called a tool after it: its place in the conversation is here, however late it is heard.
    pub fn promise(&mut self, line: SayingId, text: &str) {
        if !text.is_empty() && !self.history.iter().any(|e| e.line == Some(line)) {
            let message = Message::text(Role::Assistant, text);
            self.history.push(Entry { line: Some(line), promised: true, ..Entry::new(message) });
        }
    }

    /// The bot was heard to say this of the line. Empty text is nothing.
    pub fn bot_heard(&mut self, line: SayingId, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(entry) = self.history.iter_mut().find(|e| e.line == Some(line) && e.promised) {
            entry.promised = false;
            entry.message.text = text.to_owned();
            return;
        }
        // Lines are said in their order: what was heard of this one comes before what is promised of a later one.
        let is_later = |e: &Entry| e.promised && e.line.is_some_and(|later| later > line);
        let end = self.history.iter().position(is_later).unwrap_or(self.history.len());
        let own = self.history.iter().rposition(|e| e.line == Some(line));
        match own.or(end.checked_sub(1)).map(|at| &mut self.history[at]) {
            Some(entry) if is_speech(entry) => append(&mut entry.message.text, text),
            _ => {
                let message = Message::text(Role::Assistant, text);
                self.history.insert(end, Entry::new(message));
            }
        }
    }

    /// What was promised and will not be heard any more leaves the conversation.
    pub fn drop_promises(&mut self) {
        self.history.retain(|e| !e.promised);
    }

    /// Tools ran, all of one reply.
    pub fn tool_results(&mut self, round: Vec<(ToolCall, Value)>) {
        let (calls, results): (Vec<_>, Vec<_>) =
            round.into_iter().map(|(call, result)| (call.clone(), (call.id, result))).unzip();
        let message =
            Message { role: Role::Assistant, text: String::new(), tool_calls: calls, tool_call_id: None };
        self.push(message);
        for (id, result) in results {
            let text = text_of(&result);
            let message = Message { role: Role::Tool, text, tool_calls: Vec::new(), tool_call_id: Some(id) };
            self.push(message);
        }
    }

    /// A tool answered that no reply waits for any more: here, or where the model was told that it had not.
    pub fn late_result(&mut self, call: ToolCall, result: Value) {
        let is_told = |m: &Message| m.tool_call_id.as_ref() == Some(&call.id) && m.text == NO_ANSWER;
        match self.history.iter_mut().rev().find(|e| is_told(&e.message)) {
            Some(entry) => entry.message.text = text_of(&result),
            None => self.tool_results(vec![(call, result)]),
        }
    }

    /// Whether the caller has said anything.
    pub fn has_caller_words(&self) -> bool {
        self.history.iter().any(|e| e.message.role == Role::User)
    }

    /// Everything after the system message.
    pub fn history(&self) -> Vec<Message> {
        self.history.iter().map(|e| e.message.clone()).collect()
    }

    fn push(&mut self, message: Message) {
        self.history.push(Entry::new(message));
    }
}

/// Whether it is what the bot was heard to say, and nothing else.
fn is_speech(entry: &Entry) -> bool {
    entry.message.role == Role::Assistant && entry.message.tool_calls.is_empty() && !entry.promised
}

fn text_of(result: &Value) -> String {
    result.as_str().map_or_else(|| result.to_string(), str::to_owned)
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests;
