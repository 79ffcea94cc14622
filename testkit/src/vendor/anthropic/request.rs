//! A request for a message: what is asked, or the sentence that the vendor refuses it with.

mod messages;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use self::messages::check_messages;
use super::cache::Prompt;
use super::models::{Disabled, Model, NEWER, model};
use super::{refusal::Refusal, script::Script};

/// Top-level fields of the vendor's document; others are refused.
const FIELDS: &[&str] = &[
    "model",
    "max_tokens",
    "stream",
    "system",
    "messages",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "stop_sequences",
    "metadata",
    "service_tier",
    "speed",
    "temperature",
    "top_p",
    "top_k",
];
const TOOL_FIELDS: &[&str] =
    &["name", "description", "input_schema", "cache_control", "eager_input_streaming", "strict", "type"];
const EFFORTS: &[&str] = &["low", "medium", "high", "xhigh", "max"];

/// What the rest of the server needs of a valid request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) model: String,
    pub(crate) max_tokens: usize,
    /// The text of the last user message.
    pub(crate) user: String,
    /// The name of the tool whose result ends the request.
    pub(crate) tool_result: Option<String>,
    /// Tools offered and allowed to be called.
    pub(crate) tools: Vec<String>,
    pub(crate) prompt: Prompt,
    /// Messages of one role stood in a row, which the vendor takes as one.
    pub(crate) merged: bool,
}

impl Request {
    /// Read and check a body that was sent under a version of the interface.
    ///
    /// # Errors
    /// The vendor's refusal.
    pub(crate) fn parse(body: &[u8], script: &Script, version: &str) -> Result<Self, Refusal> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(Refusal::invalid("The request body is not valid JSON"));
        };
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Refusal::invalid(format!("{name}: Extra inputs are not permitted")));
        }
        let Some(name) = fields.get("model").and_then(Value::as_str) else {
            return Err(Refusal::invalid("model: Field required"));
        };
        if !script.models.iter().any(|known| known == name) {
            return Err(Refusal::not_found(format!("model: {name}")));
        }
        let rules = model(name);
        let max_tokens = match fields.get("max_tokens").map(Value::as_u64) {
            None => return Err(Refusal::invalid("max_tokens: Field required")),
            Some(Some(most @ 1..)) => most as usize,
            Some(_) => {
                return Err(Refusal::invalid("max_tokens: Input should be greater than or equal to 1"));
            }
        };
        if fields.get("stream") != Some(&Value::Bool(true)) {
            return Err(Refusal::invalid("This scripted server only streams; set 'stream' to true."));
        }
        check_thinking(&fields, &rules, max_tokens)?;
        check_sampling(&fields, &rules, version)?;
        let mut prompt = Prompt::default();
        let tools = check_tools(&fields, &rules, &mut prompt)?;
        check_system(&fields, &mut prompt)?;
        let said = check_messages(&fields, &rules, script.thinks, &mut prompt)?;
        Ok(Self {
            model: name.to_owned(),
            max_tokens,
            user: said.last_user,
            tool_result: said.last_tool,
            tools,
            prompt,
            merged: said.merged,
        })
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::invalid(message))
}

fn check_thinking(fields: &Map<String, Value>, rules: &Model, max_tokens: usize) -> Result<(), Refusal> {
    let effort = match fields.get("output_config") {
        None => None,
        Some(config) => match config["effort"].as_str() {
            Some(_) if !rules.effort => return invalid("This model does not support the effort parameter."),
            Some(effort) if EFFORTS.contains(&effort) => Some(effort),
            Some(_) => {
                return invalid(
                    "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
                );
            }
            None => None,
        },
    };
    let Some(thinking) = fields.get("thinking") else { return Ok(()) };
    match thinking["type"].as_str() {
        Some("disabled") => match rules.disabled {
            Disabled::No => invalid("thinking.type: disabled is not supported for this model"),
            Disabled::AtLowEffort if matches!(effort, Some("xhigh" | "max")) => {
                invalid("thinking.type: disabled is not supported at this effort")
            }
            _ => Ok(()),
        },
        Some("between_tools") if !rules.between_tools => {
            invalid("thinking.type: between_tools is not supported for this model")
        }
        Some("adaptive" | "between_tools") => Ok(()),
        Some("enabled") if !rules.budget => {
            invalid("thinking.type: enabled is not supported for this model. Use adaptive thinking")
        }
        Some("enabled") => match thinking["budget_tokens"].as_u64() {
            Some(budget @ 1024..) if (budget as usize) < max_tokens => Ok(()),
            Some(1024..) => invalid("`max_tokens` must be greater than `thinking.budget_tokens`"),
            _ => invalid("thinking.budget_tokens: Input should be greater than or equal to 1024"),
        },
        _ => invalid("thinking.type: Input should be 'disabled', 'adaptive', 'between_tools' or 'enabled'"),
    }
}

fn check_sampling(fields: &Map<String, Value>, rules: &Model, version: &str) -> Result<(), Refusal> {
    for name in ["temperature", "top_p", "top_k"] {
        let Some(value) = fields.get(name) else { continue };
        if version == NEWER || !rules.sampling {
            return invalid(format!("{name}: this model does not accept sampling parameters"));
        }
        let Some(number) = value.as_f64() else {
            return invalid(format!("{name}: Input should be a valid number"));
        };
        if name != "top_k" && !(0.0..=1.0).contains(&number) {
            return invalid(format!("{name}: Input should be less than or equal to 1"));
        }
    }
    Ok(())
}

/// The tools that may be called: none when `tool_choice` forbids it.
fn check_tools(
    fields: &Map<String, Value>,
    rules: &Model,
    prompt: &mut Prompt,
) -> Result<Vec<String>, Refusal> {
    let choice = fields.get("tool_choice");
    let Some(tools) = fields.get("tools") else {
        return match choice {
            Some(_) => invalid("tool_choice may only be specified while providing tools"),
            None => Ok(Vec::new()),
        };
    };
    let Some(tools) = tools.as_array() else { return invalid("tools: Input should be a valid list") };
    let mut names: Vec<String> = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let name = tool_name(at, tool)?;
        if names.contains(&name) {
            return invalid("tools: Tool names must be unique.");
        }
        prompt.add("tool", tool).map_err(Refusal::invalid)?;
        names.push(name);
    }
    match choice.map(|choice| choice["type"].as_str()) {
        None | Some(Some("auto")) => Ok(names),
        Some(Some("none")) => Ok(Vec::new()),
        Some(Some("any" | "tool")) if !rules.forced_tools => {
            invalid("tool_choice: forced tool use is not supported for this model")
        }
        Some(Some("any")) => Ok(names),
        Some(Some("tool")) => match choice.and_then(|choice| choice["name"].as_str()) {
            Some(name) if names.iter().any(|known| known == name) => Ok(names),
            _ => invalid("tool_choice: Tool not found in provided tools"),
        },
        Some(_) => invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"),
    }
}

fn tool_name(at: usize, tool: &Value) -> Result<String, Refusal> {
    let Some(fields) = tool.as_object() else {
        return invalid(format!("tools.{at}: Input should be a valid dictionary"));
    };
    if let Some(name) = fields.keys().find(|name| !TOOL_FIELDS.contains(&name.as_str())) {
        return invalid(format!("tools.{at}.{name}: Extra inputs are not permitted"));
    }
    let Some(name) = tool["name"].as_str() else {
        return invalid(format!("tools.{at}.name: Field required"));
    };
    if !is_name(name, 128) {
        return invalid(format!("tools.{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"));
    }
    if tool["input_schema"]["type"] != "object" {
        return invalid(format!("tools.{at}.input_schema.type: Input should be 'object'"));
    }
    Ok(name.to_owned())
}

fn check_system(fields: &Map<String, Value>, prompt: &mut Prompt) -> Result<(), Refusal> {
    match fields.get("system") {
        None => Ok(()),
        Some(Value::String(text)) => {
            let block = serde_json::json!({"type": "text", "text": text});
            prompt.add("system", &block).map_err(Refusal::invalid)
        }
        Some(Value::Array(blocks)) => blocks.iter().enumerate().try_for_each(|(at, block)| {
            match (block["type"].as_str(), block["text"].as_str()) {
                (Some("text"), Some(text)) if !text.is_empty() => prompt
                    .add("system", block)
                    .map_err(|fault| Refusal::invalid(format!("system.{at}: {fault}"))),
                (Some("text"), _) => invalid("system: text content blocks must be non-empty"),
                _ => invalid(format!("system.{at}.type: Input should be 'text'")),
            }
        }),
        Some(_) => invalid("system: Input should be a valid string or a list of text blocks"),
    }
}

/// Letters, digits, `_` and `-`.
fn is_name(name: &str, most: usize) -> bool {
    (1..=most).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
