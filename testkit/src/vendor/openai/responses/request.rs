//! A request for a response: what is asked, or the sentence that the vendor refuses it with.

use serde_json::{Map, Value};

use crate::vendor::openai::refusal::Refusal;
use crate::vendor::openai::request::{is_function_name, is_reasoning};
use crate::vendor::openai::script::Script;

/// Top-level fields of the vendor's document; others are refused.
const FIELDS: &[&str] = &[
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "temperature",
    "top_p",
    "max_output_tokens",
    "max_tool_calls",
    "store",
    "previous_response_id",
    "conversation",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "safety_identifier",
    "service_tier",
    "metadata",
    "include",
    "truncation",
    "background",
    "user",
    "top_logprobs",
];
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What the rest of the server needs of a valid request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) model: String,
    pub(super) max_tokens: Option<usize>,
    pub(super) include_obfuscation: bool,
    /// The text of the last user message.
    pub(super) user: String,
    /// The name of the tool whose result ends the request.
    pub(super) tool_result: Option<String>,
    /// Tools offered and allowed to be called.
    pub(super) tools: Vec<String>,
    /// Letters of the whole prompt, for the token estimate.
    pub(super) prompt_chars: usize,
}

impl Request {
    /// Read and check a body.
    ///
    /// # Errors
    /// The vendor's refusal.
    pub(super) fn parse(body: &[u8], script: &Script) -> Result<Self, Refusal> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(Refusal::bad("We could not parse the JSON body of your request."));
        };
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(invalid(name, "unknown_parameter", format!("Unknown parameter: '{name}'.")));
        }
        let refused = script.unknown_fields.iter().find(|name| fields.contains_key(*name));
        if let Some(name) = refused {
            return Err(invalid(name, "unsupported_parameter", format!("Unsupported parameter: '{name}'.")));
        }
        let model = fields.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
        let model = model.ok_or_else(|| Refusal::bad("you must provide a model parameter"))?;
        if !script.models.iter().any(|known| known == model) {
            return Err(Refusal::no_model(model));
        }
        if fields.get("stream") != Some(&Value::Bool(true)) {
            return Err(Refusal::bad("This scripted server only streams responses; set 'stream' to true."));
        }
        if fields.contains_key("previous_response_id") {
            let message = "Previous response not found: this scripted server keeps none.";
            return Err(invalid("previous_response_id", "previous_response_not_found", message));
        }
        check_wishes(&fields, model)?;
        let tools = check_tools(&fields)?;
        let (user, tool_result) = check_input(&fields)?;
        let options = fields.get("stream_options").unwrap_or(&Value::Null);
        Ok(Self {
            model: model.to_owned(),
            max_tokens: fields.get("max_output_tokens").and_then(Value::as_u64).map(|most| most as usize),
            include_obfuscation: options["include_obfuscation"] != false,
            user,
            tool_result,
            tools,
            prompt_chars: fields.values().map(|value| value.to_string().chars().count()).sum(),
        })
    }
}

fn invalid(param: &str, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::invalid(param, Some(code), message)
}

fn check_wishes(fields: &Map<String, Value>, model: &str) -> Result<(), Refusal> {
    let effort = match fields.get("reasoning") {
        None => None,
        Some(reasoning) => match reasoning["effort"].as_str() {
            Some(effort) if EFFORTS.contains(&effort) => Some(effort),
            _ => return Err(invalid("reasoning.effort", "invalid_value", "Invalid value.")),
        },
    };
    if effort.is_some() && !is_reasoning(model) {
        let message = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
        return Err(invalid("reasoning.effort", "unsupported_parameter", message));
    }
    if let Some(temperature) = fields.get("temperature") {
        if is_reasoning(model) && effort != Some("none") {
            let message = "Unsupported parameter: 'temperature' is not supported with this model.";
            return Err(invalid("temperature", "unsupported_parameter", message));
        }
        if !temperature.as_f64().is_some_and(|number| (0.0..=2.0).contains(&number)) {
            return Err(invalid("temperature", "invalid_value", "Invalid 'temperature': between 0 and 2."));
        }
    }
    match fields.get("max_output_tokens").map(Value::as_u64) {
        None | Some(Some(16..)) => Ok(()),
        _ => {
            let message = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.";
            Err(invalid("max_output_tokens", "integer_below_min_value", message))
        }
    }
}

fn check_tools(fields: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let tools = fields.get("tools").and_then(Value::as_array).cloned().unwrap_or_default();
    if tools.is_empty()
        && fields.get("tool_choice").is_some_and(|choice| choice != "none" && choice != "auto")
    {
        return Err(Refusal::invalid("tool_choice", None, "Tool choice needs 'tools'."));
    }
    let mut names = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        if tool["type"] != "function" || tool.get("function").is_some() {
            let param = format!("tools[{at}].name");
            return Err(invalid(
                &param,
                "missing_required_parameter",
                format!("Missing required parameter: '{param}'."),
            ));
        }
        let name = tool["name"].as_str().unwrap_or_default();
        if !is_function_name(name) {
            let param = format!("tools[{at}].name");
            return Err(invalid(
                &param,
                "invalid_value",
                format!("Invalid '{param}': string does not match pattern."),
            ));
        }
        if tool["parameters"]["type"] != "object" {
            let param = format!("tools[{at}].parameters");
            return Err(invalid(
                &param,
                "invalid_function_parameters",
                format!("Invalid schema for function '{name}'."),
            ));
        }
        names.push(name.to_owned());
    }
    Ok(if fields.get("tool_choice").is_some_and(|choice| choice == "none") { Vec::new() } else { names })
}

/// The last user text, and the tool whose output ends the input.
fn check_input(fields: &Map<String, Value>) -> Result<(String, Option<String>), Refusal> {
    let items = match fields.get("input") {
        Some(Value::String(text)) => return Ok((text.clone(), None)),
        Some(Value::Array(items)) if !items.is_empty() => items,
        _ => {
            return Err(invalid(
                "input",
                "missing_required_parameter",
                "Missing required parameter: 'input'.",
            ));
        }
    };
    let (mut user, mut last_tool) = (String::new(), None);
    let mut open: Vec<(String, String)> = Vec::new();
    let mut called: Vec<String> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let param = format!("input[{at}]");
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        last_tool = None;
        match item["type"].as_str() {
            None | Some("message") => {
                let said = check_message(&param, item)?;
                if item["role"] == "user" {
                    user = said;
                }
            }
            Some("function_call") => {
                let (id, name) = (text("call_id"), text("name"));
                if id.is_empty() || !is_function_name(&name) || !item["arguments"].is_string() {
                    return Err(invalid(
                        &param,
                        "missing_required_parameter",
                        format!("Missing or invalid parameter in '{param}'."),
                    ));
                }
                called.push(id.clone());
                open.push((id, name));
            }
            Some("function_call_output") => {
                let id = text("call_id");
                let Some(place) = open.iter().position(|(known, _)| *known == id) else {
                    let message = format!("No tool call found for function call output with call_id {id}.");
                    return Err(Refusal::invalid("input", None, message));
                };
                last_tool = Some(open.remove(place).1);
            }
            Some(other) => {
                return Err(invalid(
                    &format!("{param}.type"),
                    "invalid_value",
                    format!("Invalid value: '{other}'."),
                ));
            }
        }
    }
    match open.first() {
        Some((id, _)) => {
            Err(Refusal::invalid("input", None, format!("No tool output found for function call {id}.")))
        }
        None => Ok((user, last_tool)),
    }
}

/// A message's text; its parts are of the kind that its speaker has.
fn check_message(param: &str, item: &Value) -> Result<String, Refusal> {
    let kind = match item["role"].as_str() {
        Some("user" | "system" | "developer") => "input_text",
        Some("assistant") => "output_text",
        _ => return Err(invalid(&format!("{param}.role"), "invalid_value", "Invalid value for role.")),
    };
    match &item["content"] {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let text = |part: &Value| {
                (part["type"] == kind).then(|| part["text"].as_str().map(str::to_owned)).flatten()
            };
            let texts: Option<Vec<String>> = parts.iter().map(text).collect();
            texts.map(|texts| texts.concat()).ok_or_else(|| {
                invalid(
                    &format!("{param}.content"),
                    "invalid_value",
                    format!("Invalid value. Supported values are: '{kind}'."),
                )
            })
        }
        _ => Err(invalid(
            &format!("{param}.content"),
            "missing_required_parameter",
            "Missing required parameter.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(extra: Value) -> Result<Request, Refusal> {
        let mut body = json!({"model": "gpt-5.4-mini", "stream": true, "input": "hi"});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        Request::parse(body.to_string().as_bytes(), &Script::default())
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |extra: Value, because: &str| {
            let refusal = parse(extra).unwrap_err();
            assert!(refusal.message.contains(because), "{}", refusal.message);
        };
        let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"});
        let output = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "1"});
        check(json!({"messages": []}), "Unknown parameter: 'messages'");
        check(json!({"model": "gpt-0"}), "does not exist");
        check(json!({"input": []}), "'input'");
        check(json!({"input": [call]}), "No tool output found for function call c1");
        check(json!({"input": [output("c1")]}), "No tool call found");
        check(
            json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}),
            "'output_text'",
        );
        check(json!({"input": [{"role": "tool", "content": "x"}]}), "role");
        check(json!({"temperature": 0.5}), "temperature");
        check(json!({"max_output_tokens": 1}), ">= 16");
        check(json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), "tools[0].name");
        check(json!({"model": "gpt-4o", "reasoning": {"effort": "low"}}), "reasoning.effort");
        let whole = parse(json!({"input": [{"role": "user", "content": "weather?"}, call, output("c1")],
            "temperature": 0.5, "reasoning": {"effort": "none"}}))
        .unwrap();
        assert_eq!((whole.user.as_str(), whole.tool_result.as_deref()), ("weather?", Some("f")));
    }
}
