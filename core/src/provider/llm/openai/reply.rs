//! A reply as it grows: text passed on at once, tool calls gathered until they are whole.

use serde_json::Value;

use super::event::{Arguments, Chunk, ToolPart};
use crate::provider::llm::calls::{ARGUMENTS_MAX, CALLS_MAX, arguments, new_id};
use crate::provider::llm::reply::TEXT_MAX;
use crate::provider::llm::{Finish, LlmUsage, ToolCall};
use crate::provider::{Failure, FailureClass};

/// What is known of the reply so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    vendor: &'static str,
    calls: Vec<Growing>,
    text_bytes: usize,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<LlmUsage>,
}

#[derive(Debug, Default)]
struct Growing {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    arguments: String,
}

impl Growing {
    /// A name comes once. Some servers repeat it, with each piece of the arguments; some cut it in pieces before them.
    fn take_name(&mut self, name: Option<String>) {
        match (&mut self.name, name) {
            (known @ None, name) => *known = name,
            (Some(known), Some(more)) if self.arguments.is_empty() && !known.starts_with(&more) => {
                if more.starts_with(known.as_str()) { *known = more } else { known.push_str(&more) }
            }
            _ => {}
        }
    }

    fn has_all(&self) -> bool {
        self.name.is_some() && serde_json::from_str::<Value>(&self.arguments).is_ok()
    }
}

impl Reply {
    pub(super) fn of(vendor: &'static str) -> Self {
        Self { vendor, ..Self::default() }
    }

    fn malformed(&self, what: &str) -> Failure {
        Failure::new(FailureClass::Malformed, format!("{}: {what}", self.vendor))
    }

    /// Take a chunk; what it brings to be spoken is returned.
    pub(super) fn take(&mut self, mut chunk: Chunk) -> Result<String, Failure> {
        if chunk.is_whole && self.has_begun() {
            // Some servers close a stream with the whole message: all of it has been told.
            chunk = Chunk { text: String::new(), tools: Vec::new(), ..chunk };
        }
        self.text_bytes += chunk.text.len();
        if self.text_bytes > TEXT_MAX {
            return Err(self.malformed("the reply does not end"));
        }
        for part in chunk.tools {
            self.take_part(part)?;
        }
        // Usage may come in every chunk: the last is the sum.
        self.usage = chunk.usage.or(self.usage);
        self.finish = chunk.finish.or(self.finish);
        Ok(chunk.text)
    }

    /// Whether there is text or part of a tool call.
    pub(super) fn has_begun(&self) -> bool {
        self.text_bytes > 0 || !self.calls.is_empty()
    }

    /// Whether the stream may end here without a word about it: something came, and no tool's arguments are cut.
    pub(super) fn may_end(&self) -> bool {
        let is_whole = |call: &Growing| {
            let arguments = call.arguments.trim();
            call.name.is_some() && (arguments.is_empty() || serde_json::from_str::<Value>(arguments).is_ok())
        };
        self.has_begun() && self.calls.iter().all(is_whole)
    }

    fn take_part(&mut self, part: ToolPart) -> Result<(), Failure> {
        let at = match self.place(&part) {
            Some(at) => at,
            None if self.calls.len() < CALLS_MAX => {
                self.calls.push(Growing { index: part.index, ..Growing::default() });
                self.calls.len() - 1
            }
            None => {
                return Err(self.malformed("too many tool calls in one reply"));
            }
        };
        let call = &mut self.calls[at];
        call.id = call.id.take().or(part.id);
        call.take_name(part.name);
        match part.arguments {
            Arguments::Piece(piece) => call.arguments.push_str(&piece),
            Arguments::Whole(whole) => call.arguments = whole.to_string(),
        }
        if call.arguments.len() > ARGUMENTS_MAX {
            return Err(self.malformed("a tool call's arguments do not end"));
        }
        Ok(())
    }

    /// The call that a piece belongs to: by index, else by id, else the newest. Some servers give every call index 0 and only
    /// its own id; a new id with a name is then a new call.
    fn place(&self, part: &ToolPart) -> Option<usize> {
        let differs = |call: &Growing| part.id.is_some() && call.id.is_some() && call.id != part.id;
        if part.id.is_some()
            && let Some(known) = self.calls.iter().position(|call| call.id == part.id)
        {
            return Some(known);
        }
        match part.index {
            Some(index) => {
                let at = self.calls.iter().rposition(|call| call.index == Some(index))?;
                let call = &self.calls[at];
                // The same index for every call, and no id to tell them by.
                let follows =
                    part.id.is_none() && call.has_all() && part.begins_another(call.name.as_deref());
                let another = (differs(call) && part.name.is_some()) || follows;
                (!another).then_some(at)
            }
            None => {
                let newest = self.calls.len().checked_sub(1)?;
                // Without index and id, a name after finished arguments begins another call.
                let call = &self.calls[newest];
                let another = differs(call) || (part.name.is_some() && call.has_all());
                (!another).then_some(newest)
            }
        }
    }

    /// The tool calls and how the reply ended. A reply cut short by a limit or filter has no calls: they may be incomplete.
    pub(super) fn end(&mut self) -> Result<(Vec<ToolCall>, Finish), Failure> {
        let calls = std::mem::take(&mut self.calls);
        let finish = match self.finish {
            Some(cut @ (Finish::Length | Finish::Filtered)) => return Ok((Vec::new(), cut)),
            // Some servers say `stop` with tool calls present, and the other way round.
            _ if calls.is_empty() => Finish::Stop,
            _ => Finish::ToolCalls,
        };
        let tool_call = |call: Growing| {
            let name = call.name.ok_or_else(|| self.malformed("a tool call without a name"))?;
            let id = call.id.unwrap_or_else(new_id);
            Ok(ToolCall { id, name, arguments: arguments(call.arguments) })
        };
        Ok((calls.into_iter().map(tool_call).collect::<Result<_, Failure>>()?, finish))
    }
}
