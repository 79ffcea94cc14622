//! The keyless model: follows a script instead of guessing. It keeps nothing between requests: like any model it is given
//! the conversation and says what comes next, so the same messages always bring the same reply.

mod calendar;
mod dialogue;
mod history;
mod matching;
mod numbers;
mod slots;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use vox_shared::catalogue::SCRIPTED;
use vox_shared::model::bot::LlmSettings;
use vox_shared::model::script::Script;

use self::dialogue::{Act, Answer, Dialogue};
use self::history::Last;
use super::{Finish, LanguageModel, LlmEvent, LlmRequest, LlmStream, LlmUsage, Message, ToolCall, ToolSpec};
use crate::provider::{Failure, FailureClass, STREAM_DEPTH, TaskGuard};

/// The tool that ends a call; its `message` is spoken to the end first.
const END_CALL: &str = "end_call";
const TRANSFER: &str = "transfer_call";
const VOICEMAIL: &str = "detected_voicemail";

/// A reply of the script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What to say; empty when a tool call carries the words.
    pub text: String,
    pub tool_calls: Vec<ToolCall>,
}

/// What the script says next in this conversation. Only the caller's messages decide; see `docs/scripted-model.md`.
pub fn reply(script: &Script, messages: &[Message], offered: &[ToolSpec]) -> Reply {
    let history = history::read(messages);
    let (mut dialogue, mut answer) = Dialogue::begin(script);
    for turn in &history.turns {
        answer = dialogue.hear(turn);
    }
    match history.last {
        Last::Nothing | Last::Caller => {
            let open = dialogue.ask_again().text;
            done((answer, open), history.turns.len(), offered)
        }
        Last::Bot => done((dialogue.ask_again(), String::new()), history.turns.len(), offered),
        Last::Tool => match answer.act {
            // They are back.
            Some(Act::Transfer { failed, .. }) => Reply { text: failed, tool_calls: Vec::new() },
            _ => Reply::default(),
        },
    }
}

/// A tool that was not offered is not called: a goodbye is said and the caller hangs up, nobody is promised a person, and a machine is asked
/// what people are asked.
fn done((answer, otherwise): (Answer, String), turn: usize, offered: &[ToolSpec]) -> Reply {
    let (text, act) = (answer.text, answer.act);
    let call = |name: &str, arguments: Value| {
        let is_offered = offered.iter().any(|tool| tool.name == name);
        let call = ToolCall { id: format!("call_scripted_{turn}"), name: name.into(), arguments };
        is_offered.then(|| vec![call])
    };
    match act {
        None => Reply { text, tool_calls: Vec::new() },
        Some(Act::EndCall) => match call(END_CALL, json!({ "message": text })) {
            Some(tool_calls) => Reply { text: String::new(), tool_calls },
            None => Reply { text, tool_calls: Vec::new() },
        },
        Some(Act::Transfer { to, failed }) => {
            let arguments = to.map_or_else(|| json!({}), |to| json!({ "target": to }));
            match call(TRANSFER, arguments) {
                Some(tool_calls) => Reply { text, tool_calls },
                None => Reply { text: failed, tool_calls: Vec::new() },
            }
        }
        Some(Act::Voicemail) => match call(VOICEMAIL, json!({})) {
            Some(tool_calls) => Reply { text, tool_calls },
            None => Reply { text: otherwise, tool_calls: Vec::new() },
        },
    }
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
    let reply = reply(script, &request.messages, &request.tools);
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
