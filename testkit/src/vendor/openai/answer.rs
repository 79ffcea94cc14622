//! An answer in the vendor's JSON: the pieces of a stream, or the whole.

use serde_json::{Value, json};

use super::request::Request;
use crate::vendor::{
    faults::Dice,
    lies::Dialect,
    model::{Reply, ToolCall, Usage, arguments, pieces, split},
};

/// Letters of English per token, the vendor's own rule of thumb.
const CHARS_PER_TOKEN: usize = 4;

/// One answer, ready to be told.
pub(crate) struct Answer {
    id: String,
    created: i64,
    model: String,
    pieces: Vec<String>,
    calls: Vec<(String, ToolCall)>,
    finish_reason: &'static str,
    usage: Value,
    padding: Option<Dice>,
}

/// What every answer is stamped with.
pub(crate) struct Stamp {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) dice: Dice,
}

impl Answer {
    pub(crate) fn new(request: &Request, reply: &Reply, mut stamp: Stamp) -> Self {
        let mut pieces = pieces(&reply.say);
        let offered = |call: &&ToolCall| request.tools.contains(&call.name);
        let calls: Vec<_> = reply
            .tool_calls
            .iter()
            .filter(offered)
            .map(|call| (format!("call_{}", &stamp.dice.uuid().replace('-', "")[..24]), call.clone()))
            .collect();
        let mut finish_reason = if calls.is_empty() { "stop" } else { "tool_calls" };
        if let Some(most) = request.max_tokens
            && pieces.len() > most
        {
            pieces.truncate(most);
            finish_reason = "length";
        }
        let calls = if finish_reason == "length" { Vec::new() } else { calls };
        let spoken: usize = pieces.len();
        let called: usize =
            calls.iter().map(|(_, call)| arguments(call).len().div_ceil(CHARS_PER_TOKEN) + 8).sum();
        Self {
            id: format!("chatcmpl-{}", stamp.id.replace('-', "")),
            created: stamp.created,
            model: request.model.clone(),
            usage: usage(reply.usage, request.prompt_chars, spoken + called),
            pieces,
            calls,
            finish_reason,
            padding: request.include_obfuscation.then_some(stamp.dice),
        }
    }

    /// The chunks of a stream in order, without the usage chunk.
    pub(crate) fn chunks(&mut self, include_usage: bool) -> Vec<Value> {
        let mut chunks = vec![self.chunk(json!({"role": "assistant", "content": self.opening()}), None)];
        for piece in std::mem::take(&mut self.pieces) {
            chunks.push(self.chunk(json!({"content": piece}), None));
        }
        for (index, (id, call)) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let function = json!({"name": call.name, "arguments": ""});
            let head = json!({"index": index, "id": id, "type": "function", "function": function});
            chunks.push(self.chunk(json!({"tool_calls": [head]}), None));
            for part in split(&arguments(&call)) {
                let more = json!({"index": index, "function": {"arguments": part}});
                chunks.push(self.chunk(json!({"tool_calls": [more]}), None));
            }
        }
        chunks.push(self.chunk(json!({}), Some(self.finish_reason)));
        if include_usage {
            for chunk in &mut chunks {
                chunk["usage"] = Value::Null;
            }
            chunks.push(json!({
                "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
                "service_tier": "default", "system_fingerprint": "fp_scripted", "choices": [], "usage": self.usage
            }));
        }
        chunks
    }

    /// The answer in one body.
    pub(crate) fn whole(&self) -> Value {
        let said = self.pieces.concat();
        let content =
            if said.is_empty() && !self.calls.is_empty() { Value::Null } else { Value::String(said) };
        let mut message =
            json!({"role": "assistant", "content": content, "refusal": null, "annotations": []});
        if !self.calls.is_empty() {
            let call = |(id, call): &(String, ToolCall)| {
                json!({"id": id, "type": "function",
                       "function": {"name": call.name, "arguments": arguments(call)}})
            };
            message["tool_calls"] = self.calls.iter().map(call).collect();
        }
        let choice =
            json!({"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason});
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [choice], "usage": self.usage, "service_tier": "default",
            "system_fingerprint": "fp_scripted"
        })
    }

    /// How many tokens pass before the answer is complete.
    pub(crate) fn tokens(&self) -> usize {
        self.pieces.len()
            + self.calls.iter().map(|(_, call)| split(&arguments(call)).len() + 1).sum::<usize>()
    }

    /// A first delta of a pure tool call carries no text.
    fn opening(&self) -> Value {
        if self.pieces.is_empty() && !self.calls.is_empty() { Value::Null } else { Value::from("") }
    }

    fn chunk(&mut self, delta: Value, finish_reason: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "service_tier": "default", "system_fingerprint": "fp_scripted", "choices": [choice]
        });
        if let Some(dice) = &mut self.padding {
            let noise = dice.uuid().replace('-', "");
            chunk["obfuscation"] = json!(noise[..2 + dice.up_to(8) as usize]);
        }
        chunk
    }
}

fn usage(scripted: Option<Usage>, prompt_chars: usize, completion_tokens: usize) -> Value {
    let usage = scripted.unwrap_or(Usage {
        prompt_tokens: prompt_chars.div_ceil(CHARS_PER_TOKEN) as u32,
        completion_tokens: completion_tokens as u32,
        cached_tokens: 0,
    });
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details":
            {"cached_tokens": usage.cached_tokens, "audio_tokens": 0, "cache_write_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0
        }
    })
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"object": "chat.completion.prophecy", "omens": ["raven"]})
    }

    fn to_a_stranger(&self, genuine: &Value) -> Value {
        let mut chunk = genuine.clone();
        chunk["choices"] = json!([{"index": 9, "delta": {"content": "not for you"}, "finish_reason": null}]);
        chunk
    }

    fn missequenced(&self, genuine: &Value) -> Value {
        let mut chunk = genuine.clone();
        let call = json!({"index": 7, "function": {"arguments": "}{"}});
        chunk["choices"] = json!([{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]);
        chunk
    }
}
