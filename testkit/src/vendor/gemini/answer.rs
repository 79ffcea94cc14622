//! An answer as the vendor's pieces.

use serde_json::{Value, json};

use super::request::Request;
use crate::vendor::{
    faults::Dice,
    lies::Dialect,
    model::{Reply, ToolCall, arguments, pieces},
};

/// Letters of English per token, a rule of thumb.
pub(crate) const CHARS_PER_TOKEN: usize = 4;
/// Tokens that a thought counts for.
const THOUGHT_TOKENS: usize = 12;

/// The signature under a call to this tool: what is sent back is held to it.
pub(crate) fn signature(name: &str) -> String {
    let sum = name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("c2ln{sum:016x}")
}

/// What an answer is stamped with, and how it ends.
pub(crate) struct Stamp<'a> {
    pub(crate) id: String,
    pub(crate) dice: Dice,
    pub(crate) thinks: bool,
    pub(crate) signs: bool,
    pub(crate) no_ids: bool,
    pub(crate) finish_reason: Option<&'a str>,
}

/// The pieces of one answer in order.
pub(crate) fn chunks(request: &Request, reply: &Reply, mut stamp: Stamp<'_>) -> Vec<Value> {
    let mut said = pieces(&reply.say);
    let mut calls: Vec<&ToolCall> =
        reply.tool_calls.iter().filter(|call| request.tools.contains(&call.name)).collect();
    let mut finish = "STOP";
    if let Some(most) = request.max_tokens
        && said.len() > most
    {
        said.truncate(most);
        calls.clear();
        finish = "MAX_TOKENS";
    }
    let called: usize = calls.iter().map(|call| arguments(call).len().div_ceil(CHARS_PER_TOKEN) + 8).sum();
    let thoughts = if stamp.thinks { THOUGHT_TOKENS } else { 0 };
    let usage = usage(request, reply, (said.len() + called, thoughts));
    let mut parts: Vec<Value> = Vec::new();
    if stamp.thinks {
        parts.push(json!([{"text": "The caller wants something.", "thought": true}]));
    }
    parts.extend(said.into_iter().map(|text| json!([{ "text": text }])));
    if !calls.is_empty() {
        let mut all: Vec<Value> = Vec::new();
        for call in calls {
            let args: Value = serde_json::from_str(&arguments(call)).unwrap_or_else(|_| json!({}));
            let mut function = json!({"name": call.name, "args": args});
            if !stamp.no_ids {
                function["id"] = stamp.dice.uuid()[..8].into();
            }
            let mut part = json!({ "functionCall": function });
            if all.is_empty() && stamp.thinks && stamp.signs {
                part["thoughtSignature"] = signature(&call.name).into();
            }
            all.push(part);
        }
        parts.push(all.into());
    }
    let wrap = |parts: Value| {
        json!({
            "candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
            "usageMetadata": {"promptTokenCount": usage["promptTokenCount"], "totalTokenCount": usage["promptTokenCount"]},
            "modelVersion": request.model, "responseId": stamp.id
        })
    };
    let mut chunks: Vec<Value> = parts.into_iter().map(wrap).collect();
    let reason = stamp.finish_reason.unwrap_or(finish);
    chunks.push(json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": reason, "index": 0}],
        "usageMetadata": usage, "modelVersion": request.model, "responseId": stamp.id
    }));
    chunks
}

fn usage(request: &Request, reply: &Reply, (spoken, thoughts): (usize, usize)) -> Value {
    let estimated = request.prompt_chars.div_ceil(CHARS_PER_TOKEN);
    let (prompt, spoken, cached) = match reply.usage {
        Some(usage) => {
            (usage.prompt_tokens as usize, usage.completion_tokens as usize, usage.cached_tokens as usize)
        }
        None => (estimated + request.kept_tokens, spoken, request.kept_tokens),
    };
    let mut usage = json!({
        "promptTokenCount": prompt, "candidatesTokenCount": spoken, "totalTokenCount": prompt + spoken + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}]
    });
    if thoughts > 0 {
        usage["thoughtsTokenCount"] = thoughts.into();
    }
    if cached > 0 {
        usage["cachedContentTokenCount"] = cached.into();
        usage["cacheTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": cached}]);
    }
    usage
}

/// How this vendor lies.
pub(crate) struct Tongue;

impl Dialect for Tongue {
    fn unknown_event(&self) -> Value {
        json!({"prophecies": [{"omens": ["raven"]}], "responseId": "x"})
    }

    fn to_a_stranger(&self, _: &Value) -> Value {
        let content = json!({"role": "model", "parts": [{"text": "not for you"}]});
        json!({"candidates": [{"content": content, "index": 9}]})
    }

    fn missequenced(&self, _: &Value) -> Value {
        let part = json!({"functionCall": {"args": "}{"}});
        json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]})
    }
}
