//! The keyless model: follows a script instead of guessing. It keeps nothing between requests: like any model it is given
//! the conversation and says what comes next, so the same messages always bring the same reply.

mod calendar;
mod dialogue;
mod history;
mod matching;
mod numbers;
mod slots;

use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;
use vox_shared::catalogue::SCRIPTED;
use vox_shared::model::bot::LlmSettings;
use vox_shared::model::script::Script;

use self::dialogue::{Answer, Dialogue};
use self::history::Last;
use super::{Finish, LanguageModel, LlmEvent, LlmRequest, LlmStream, LlmUsage, Message, ToolCall};
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};

/// The tool that ends a call; its `message` is spoken to the end first.
const END_CALL: &str = "end_call";

/// A reply of the script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What to say; empty when a tool call carries the words.
    pub text: String,
    pub tool_calls: Vec<ToolCall>,
}

/// What the script says next in this conversation. Only the caller's messages decide; see `docs/scripted-model.md`.
pub fn reply(script: &Script, messages: &[Message]) -> Reply {
    let history = history::read(messages);
    let (mut dialogue, mut answer) = Dialogue::begin(script);
    for turn in &history.turns {
        answer = dialogue.hear(turn);
    }
    match history.last {
        Last::Nothing | Last::Caller => spoken(answer, history.turns.len()),
        Last::Bot => spoken(dialogue.ask_again(), history.turns.len()),
        Last::Tool => Reply::default(),
    }
}

fn spoken(answer: Answer, turn: usize) -> Reply {
    if !answer.end_call {
        return Reply { text: answer.text, tool_calls: Vec::new() };
    }
    let arguments = json!({ "message": answer.text });
    let call = ToolCall { id: format!("call_scripted_{turn}"), name: END_CALL.into(), arguments };
    Reply { text: String::new(), tool_calls: vec![call] }
}

/// The model of one bot.
#[derive(Clone, Debug)]
pub struct Scripted {
    script: Arc<Script>,
}

impl Scripted {
    /// The model of a bot whose script is in `extra.script`.
    ///
    /// # Errors
    /// `Refused`, with the place and the remedy, when there is no script or it is wrong.
    pub fn from_settings(settings: &LlmSettings) -> Result<Self, Failure> {
        let refused = |detail: String| Failure::new(FailureClass::Refused, detail);
        let script = settings.extra.get("script").ok_or_else(|| {
            refused(
                "the scripted model has no script; put one into llm.extra.script (docs/scripted-model.md)"
                    .into(),
            )
        })?;
        let script = Script::parse(script).map_err(|error| refused(format!("llm.extra.script: {error}")))?;
        Ok(Self { script: Arc::new(script) })
    }
}

impl LanguageModel for Scripted {
    fn ask(&self, request: LlmRequest) -> LlmStream {
        let (to, events) = mpsc::channel(STREAM_DEPTH);
        let script = Arc::clone(&self.script);
        let task = TaskGuard::new(tokio::spawn(async move {
            for event in events_of(&script, &request) {
                if to.send(event).await.is_err() {
                    return;
                }
            }
        }));
        LlmStream { events, task }
    }

    fn name(&self) -> &'static str {
        SCRIPTED.name
    }
}

/// The whole stream: text word by word, tool calls, the end. Words count as tokens.
fn events_of(script: &Script, request: &LlmRequest) -> Vec<LlmEvent> {
    let mut reply = reply(script, &request.messages);
    let can_end = request.tools.iter().any(|tool| tool.name == END_CALL);
    if !can_end {
        // A tool that was not offered is not called: the goodbye is said and the caller hangs up.
        let goodbyes = reply
            .tool_calls
            .drain(..)
            .filter_map(|call| call.arguments["message"].as_str().map(String::from));
        reply.text.extend(goodbyes);
    }
    let goodbye_words: usize =
        reply.tool_calls.iter().filter_map(|call| call.arguments["message"].as_str()).map(count_words).sum();
    let usage = LlmUsage {
        tokens_in: request.messages.iter().map(|message| count_words(&message.text) as u64).sum(),
        tokens_out: (count_words(&reply.text) + goodbye_words) as u64,
        ..LlmUsage::default()
    };
    let finish = if reply.tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
    let text = reply.text.split_inclusive(' ').map(|piece| LlmEvent::Text(piece.to_owned()));
    let mut events: Vec<LlmEvent> = text.collect();
    events.extend(reply.tool_calls.into_iter().map(LlmEvent::ToolCall));
    events.push(LlmEvent::Done { finish, usage: Some(usage) });
    events
}

fn count_words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[cfg(test)]
mod tests;
