//! A message as it grows: words go out at once, a tool's arguments when they are whole, thoughts not at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::NAME;
use super::error::stream_error;
use super::event::{Block, Counts, Delta, Event, parse_event};
use crate::provider::Failure;
use crate::provider::llm::calls::Calls;
use crate::provider::llm::keepsakes::Keepsakes;
use crate::provider::llm::reply::{Codec, Ended, Sense, Stage, Told};
use crate::provider::llm::sse::SseEvent;
use crate::provider::llm::{Finish, LlmUsage};

/// Most blocks in one message.
const BLOCKS_MAX: usize = 256;
/// Longest thought, bytes; a longer one is not kept.
const THOUGHT_MAX: usize = 256 * 1024;

/// What a block is, as far as more of it is to be expected.
#[derive(Debug)]
enum Open {
    Text,
    Tool,
    /// Its place among the thoughts.
    Thought(usize),
    Other,
}

/// Reads one message.
#[derive(Debug)]
pub struct MessageCodec {
    blocks: BTreeMap<u64, Open>,
    calls: Calls,
    /// Blocks to be sent back unchanged with the results of tools; null stands where the words came, if thoughts follow them.
    thoughts: Vec<Value>,
    has_spoken: bool,
    finish: Option<Finish>,
    has_ended: bool,
    counts: Counts,
    keepsakes: Keepsakes,
}

impl MessageCodec {
    /// A message to come; thoughts before a tool's call are kept there.
    pub fn new(keepsakes: Keepsakes) -> Self {
        Self {
            blocks: BTreeMap::new(),
            calls: Calls::default(),
            thoughts: Vec::new(),
            has_spoken: false,
            finish: None,
            has_ended: false,
            counts: Counts::default(),
            keepsakes,
        }
    }

    fn begin(&mut self, index: u64, block: Block, told: &mut Told) -> Result<Sense, Failure> {
        if self.blocks.len() >= BLOCKS_MAX {
            return Ok(Sense::Nonsense("too many blocks"));
        }
        let open = match block {
            Block::Text(text) => {
                self.has_spoken = true;
                told.text.push_str(&text);
                Open::Text
            }
            Block::Tool { id, name, input } => {
                told.works = true;
                self.calls.begin(NAME, index, (id, name))?;
                if input.as_object().is_some_and(|input| !input.is_empty()) {
                    self.calls.grow(NAME, index, &input.to_string())?;
                }
                Open::Tool
            }
            Block::Thought(block) => {
                told.works = true;
                if self.has_spoken && !self.thoughts.contains(&Value::Null) {
                    self.thoughts.push(Value::Null);
                }
                self.thoughts.push(block);
                Open::Thought(self.thoughts.len() - 1)
            }
            Block::Other => Open::Other,
        };
        self.blocks.insert(index, open);
        Ok(Sense::Understood)
    }

    fn grow(&mut self, index: u64, delta: Delta, told: &mut Told) -> Result<Sense, Failure> {
        match (self.blocks.get(&index), delta) {
            (None, _) => return Ok(Sense::Nonsense("more of a block that never began")),
            (Some(Open::Text), Delta::Text(text)) => told.text.push_str(&text),
            (Some(Open::Tool), Delta::Arguments(piece)) => {
                told.works = true;
                self.calls.grow(NAME, index, &piece)?;
            }
            (Some(Open::Thought(at)), Delta::Thinking(text)) => {
                told.works = true;
                append(&mut self.thoughts[*at], "thinking", &text);
            }
            (Some(Open::Thought(at)), Delta::Signature(text)) => {
                append(&mut self.thoughts[*at], "signature", &text)
            }
            (Some(Open::Other), _) | (_, Delta::Other) => return Ok(Sense::Nothing),
            _ => return Ok(Sense::Nonsense("more of a block of another kind")),
        }
        Ok(Sense::Understood)
    }

    /// The last word of each number counts: those of `message_delta` are sums.
    fn count(&mut self, counts: Counts) {
        let known = &mut self.counts;
        known.input = counts.input.or(known.input);
        known.cache_written = counts.cache_written.or(known.cache_written);
        known.cache_read = counts.cache_read.or(known.cache_read);
        known.output = counts.output.or(known.output);
    }

    fn usage(&self) -> Option<LlmUsage> {
        let Counts { input, cache_written, cache_read, output } = self.counts;
        let (tokens_cached, tokens_cache_write) = (cache_read.unwrap_or(0), cache_written.unwrap_or(0));
        // Cached tokens stand beside the others here, and within them everywhere else.
        let beside = tokens_cache_write.saturating_add(tokens_cached);
        Some(LlmUsage {
            tokens_in: input?.saturating_add(beside),
            tokens_out: output.unwrap_or(0),
            tokens_cached,
            tokens_cache_write,
        })
    }
}

fn append(block: &mut Value, field: &str, more: &str) {
    let known = block[field].as_str().unwrap_or_default();
    if known.len() + more.len() <= THOUGHT_MAX {
        block[field] = json!(format!("{known}{more}"));
    }
}

impl Codec for MessageCodec {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn take(&mut self, event: &SseEvent, told: &mut Told) -> Result<Sense, Failure> {
        let event = match parse_event(&event.data) {
            Ok(event) => event,
            Err(_) if event.name == "error" => return Err(stream_error(&Value::Null)),
            Err(error) => return Ok(Sense::Nonsense(error.words())),
        };
        match event {
            Event::Started(counts) => self.count(counts),
            Event::BlockStarted { index, block } => return self.begin(index, block, told),
            Event::BlockGrown { index, delta } => return self.grow(index, delta, told),
            Event::BlockEnded { index } => {
                if !self.blocks.contains_key(&index) {
                    return Ok(Sense::Nonsense("the end of a block that never began"));
                }
            }
            Event::Changed { finish, counts } => {
                self.finish = finish.or(self.finish);
                self.count(counts);
            }
            Event::Ended => self.has_ended = true,
            Event::Ping => {
                told.kept_alive = true;
                return Ok(Sense::Nothing);
            }
            // The message was whole before it.
            Event::Failed(_) if self.finish.is_some() => self.has_ended = true,
            Event::Failed(error) => return Err(stream_error(&error)),
            Event::Other => return Ok(Sense::Nothing),
        }
        Ok(Sense::Understood)
    }

    fn stage(&self) -> Stage {
        match (self.has_ended, self.finish) {
            (true, _) => Stage::Over,
            (false, Some(_)) => Stage::Whole,
            (false, None) => Stage::Speaking,
        }
    }

    fn end(self) -> Result<Ended, Failure> {
        let usage = self.usage();
        if let Some(finish @ (Finish::Length | Finish::Filtered)) = self.finish {
            // The calls of a message that was cut may be incomplete.
            return Ok(Ended { calls: Vec::new(), finish, usage });
        }
        let calls = self.calls.end();
        if let Some(first) = calls.first()
            && !self.thoughts.is_empty()
        {
            self.keepsakes.keep(&first.id, Value::Array(self.thoughts));
        }
        let finish = if calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
        Ok(Ended { calls, finish, usage })
    }
}
