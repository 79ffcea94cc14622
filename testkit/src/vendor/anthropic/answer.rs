//! An answer as the vendor's events.

use serde_json::{Value, json};

use super::cache::{CHARS_PER_TOKEN, Counted};
use super::request::Request;
use crate::vendor::{
    faults::Dice,
    lies::Dialect,
    model::{Reply, ToolCall, arguments, pieces, split},
};

/// What the model thinks before it answers, where it does.
const THOUGHT: [&str; 3] = ["The caller ", "wants ", "something."];

/// The signature under a thought: what is sent back is held to it.
pub(crate) fn signature(thought: &str) -> String {
    let sum = thought.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("c2ln{sum:016x}")
}

/// What an answer is stamped with, and how it ends.
pub(crate) struct Stamp<'a> {
    pub(crate) id: String,
    pub(crate) dice: Dice,
    pub(crate) counted: Counted,
    pub(crate) thinks: bool,
    pub(crate) stop_reason: Option<&'a str>,
}

/// The events of one answer in order.
pub(crate) fn events(request: &Request, reply: &Reply, mut stamp: Stamp<'_>) -> Vec<Value> {
    let mut pieces = pieces(&reply.say);
    let mut calls: Vec<&ToolCall> =
        reply.tool_calls.iter().filter(|call| request.tools.contains(&call.name)).collect();
    let mut stop = if calls.is_empty() { "end_turn" } else { "tool_use" };
    if pieces.len() > request.max_tokens {
        pieces.truncate(request.max_tokens);
        calls.clear();
        stop = "max_tokens";
    }
    let called: usize = calls.iter().map(|call| arguments(call).len().div_ceil(CHARS_PER_TOKEN) + 8).sum();
    let thought = if stamp.thinks { THOUGHT.len() } else { 0 };
    let mut usage = usage(stamp.counted, reply, pieces.len() + called + thought);
    let told = usage["output_tokens"].take();
    usage["output_tokens"] = 1.into();
    let message = json!({
        "id": format!("msg_{}", stamp.id.replace('-', "")), "type": "message", "role": "assistant", "content": [],
        "model": request.model, "stop_reason": null, "stop_sequence": null, "usage": usage
    });
    let mut events = vec![json!({"type": "message_start", "message": message})];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        if index == 0 {
            events.push(json!({"type": "ping"}));
        }
        let delta = |delta| json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend(deltas.into_iter().map(delta));
        events.push(json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    if stamp.thinks {
        let think = |text: &&str| json!({"type": "thinking_delta", "thinking": text});
        let mut deltas: Vec<Value> = THOUGHT.iter().map(think).collect();
        deltas.push(json!({"type": "signature_delta", "signature": signature(&THOUGHT.concat())}));
        block(json!({"type": "thinking", "thinking": "", "signature": ""}), deltas);
    }
    if !pieces.is_empty() {
        let say = |text: String| json!({"type": "text_delta", "text": text});
        block(json!({"type": "text", "text": ""}), pieces.into_iter().map(say).collect());
    }
    for call in calls {
        let id = format!("toolu_{}", &stamp.dice.uuid().replace('-', "")[..24]);
        let whole = arguments(call);
        let parts = if whole == "{}" { vec![String::new()] } else { split(&whole) };
        let part = |part: String| json!({"type": "input_json_delta", "partial_json": part});
        let start = json!({"type": "tool_use", "id": id, "name": call.name, "input": {}});
        block(start, parts.into_iter().map(part).collect());
    }
    let stop = stamp.stop_reason.unwrap_or(stop);
    events.push(json!({
        "type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
        "usage": {"output_tokens": told}
    }));
    events.push(json!({"type": "message_stop"}));
    events
}

fn usage(counted: Counted, reply: &Reply, output: usize) -> Value {
    let Counted { fresh, written, read } = counted;
    let (fresh, written, read, output) = match reply.usage {
        // Here cached tokens are no part of the input.
        Some(usage) => {
            let cached = usage.cached_tokens.min(usage.prompt_tokens) as usize;
            (usage.prompt_tokens as usize - cached, 0, cached, usage.completion_tokens as usize)
        }
        None => (fresh, written, read, output),
    };
    json!({
        "input_tokens": fresh, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output, "service_tier": "standard"
    })
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "content_block_prophecy", "index": 0, "omens": ["raven"]})
    }

    fn to_a_stranger(&self, _: &Value) -> Value {
        let delta = json!({"type": "text_delta", "text": "not for you"});
        json!({"type": "content_block_delta", "index": 9, "delta": delta})
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        match genuine["type"].as_str() {
            Some("content_block_delta") => {
                let delta = json!({"type": "input_json_delta", "partial_json": "}{"});
                json!({"type": "content_block_delta", "index": genuine["index"], "delta": delta})
            }
            _ => json!({"type": "content_block_stop", "index": 0}),
        }
    }
}
