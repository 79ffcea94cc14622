//! An answer as the vendor's events.

use serde_json::{Value, json};

use super::request::Request;
use crate::vendor::{
    faults::Dice,
    lies::Dialect,
    model::{Reply, ToolCall, arguments, pieces, split},
};

/// Letters of English per token, the vendor's own rule of thumb.
const CHARS_PER_TOKEN: usize = 4;

/// The events of one answer, each with its number in the sequence.
pub(super) fn events(request: &Request, reply: &Reply, id: &str, mut dice: Dice) -> Vec<Value> {
    let mut said = pieces(&reply.say);
    let mut calls: Vec<&ToolCall> =
        reply.tool_calls.iter().filter(|call| request.tools.contains(&call.name)).collect();
    let is_cut = request.max_tokens.is_some_and(|most| said.len() > most);
    if let Some(most) = request.max_tokens.filter(|_| is_cut) {
        said.truncate(most);
        calls.clear();
    }
    let called: usize = calls.iter().map(|call| arguments(call).len().div_ceil(CHARS_PER_TOKEN) + 8).sum();
    let usage = usage(request, reply, said.len() + called);
    let response = |status: &str, usage: Value, details: Value| {
        json!({"id": format!("resp_{id}"), "object": "response", "status": status, "model": request.model, "output": [],
            "incomplete_details": details, "usage": usage, "error": null, "store": false})
    };
    let begun = response("in_progress", Value::Null, Value::Null);
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    let mut index = 0;
    if !said.is_empty() {
        let text = said.concat();
        events.extend(message(
            index,
            &format!("msg_{id}"),
            said,
            request.include_obfuscation.then_some(&mut dice),
        ));
        let part = json!({"type": "output_text", "text": text, "annotations": []});
        let item = json!({"id": format!("msg_{id}"), "type": "message", "role": "assistant", "status": "completed", "content": [part]});
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
        index += 1;
    }
    for call in calls {
        let call_id = format!("call_{}", &dice.uuid().replace('-', "")[..24]);
        events.extend(function_call(index, &call_id, call));
        index += 1;
    }
    let details = json!({"reason": "max_output_tokens"});
    events.push(match is_cut {
        true => json!({"type": "response.incomplete", "response": response("incomplete", usage, details)}),
        false => json!({"type": "response.completed", "response": response("completed", usage, Value::Null)}),
    });
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

fn message(index: u64, id: &str, said: Vec<String>, mut padding: Option<&mut Dice>) -> Vec<Value> {
    let item =
        json!({"id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": []});
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let place = |kind: &str| json!({"type": format!("response.{kind}"), "item_id": id, "output_index": index, "content_index": 0});
    let text = said.concat();
    let mut events = vec![json!({"type": "response.output_item.added", "output_index": index, "item": item})];
    let mut added = place("content_part.added");
    added["part"] = part("");
    events.push(added);
    for piece in said {
        let mut delta = place("output_text.delta");
        delta["delta"] = piece.into();
        delta["logprobs"] = json!([]);
        if let Some(dice) = &mut padding {
            delta["obfuscation"] = dice.uuid()[..8].into();
        }
        events.push(delta);
    }
    let mut done = place("output_text.done");
    done["text"] = text.clone().into();
    let mut whole = place("content_part.done");
    whole["part"] = part(&text);
    events.extend([done, whole]);
    events
}

fn function_call(index: u64, call_id: &str, call: &ToolCall) -> Vec<Value> {
    let id = format!("fc_{call_id}");
    let item = |arguments: &str, status: &str| json!({"id": id, "type": "function_call", "call_id": call_id, "name": call.name, "arguments": arguments, "status": status});
    let whole = arguments(call);
    let place = |kind: &str, field: &str, value: &str| {
        let mut event = json!({"type": format!("response.{kind}"), "item_id": id, "output_index": index});
        event[field] = value.into();
        event
    };
    let mut events = vec![
        json!({"type": "response.output_item.added", "output_index": index, "item": item("", "in_progress")}),
    ];
    events.extend(split(&whole).iter().map(|part| place("function_call_arguments.delta", "delta", part)));
    events.push(place("function_call_arguments.done", "arguments", &whole));
    events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item(&whole, "completed")}));
    events
}

fn usage(request: &Request, reply: &Reply, spoken: usize) -> Value {
    let (input, output, cached) = match reply.usage {
        Some(usage) => {
            (usage.prompt_tokens as usize, usage.completion_tokens as usize, usage.cached_tokens as usize)
        }
        None => (request.prompt_chars.div_ceil(CHARS_PER_TOKEN), spoken, 0),
    };
    json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": output, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": input + output
    })
}

/// How this vendor lies.
pub(super) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"type": "response.prophecy.delta", "omens": ["raven"], "sequence_number": 0})
    }

    /// The vendor has one stream for one response; another's item is one without a beginning.
    fn to_a_stranger(&self, _: &Value) -> Value {
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_x", "output_index": 9, "delta": "not for you"})
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let mut event = genuine.clone();
        event["sequence_number"] = 0.into();
        event["output_index"] = 7.into();
        event
    }
}
