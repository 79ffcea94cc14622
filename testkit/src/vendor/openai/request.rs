//! A chat completion request: what is asked, or the sentence that the vendor refuses it with.

mod format;
mod messages;

use serde_json::{Map, Value};

use self::format::check_format;
use self::messages::check_messages;
use super::{refusal::Refusal, script::Script};

/// The most functions one request may offer.
const MAX_TOOLS: usize = 128;
/// Top-level fields of the vendor's document.
const FIELDS: &[&str] = &[
    "messages",
    "model",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "seed",
    "response_format",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "safety_identifier",
    "store",
    "metadata",
    "modalities",
    "audio",
    "prediction",
    "functions",
    "function_call",
    "web_search_options",
    "moderation",
];
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What the rest of the server needs of a valid request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) include_obfuscation: bool,
    pub(crate) max_tokens: Option<usize>,
    /// The text of the last user message.
    pub(crate) user: String,
    /// The name of the tool whose result ends the request.
    pub(crate) tool_result: Option<String>,
    /// Tools offered and allowed to be called.
    pub(crate) tools: Vec<String>,
    /// Letters of the whole prompt, for the token estimate.
    pub(crate) prompt_chars: usize,
}

impl Request {
    /// Read and check a body.
    ///
    /// # Errors
    /// The vendor's refusal.
    pub(crate) fn parse(body: &[u8], script: &Script) -> Result<Self, Refusal> {
        let parsed: Result<Value, _> = serde_json::from_slice(body);
        let Ok(Value::Object(fields)) = parsed else {
            return Err(Refusal::bad(
                "We could not parse the JSON body of your request. The API expects a JSON payload that is an object.",
            ));
        };
        let model = match fields.get("model") {
            Some(Value::String(model)) if !model.is_empty() => model.clone(),
            Some(Value::String(_)) | None => return Err(Refusal::bad("you must provide a model parameter")),
            Some(other) => return Err(wrong_type("model", "a string", other)),
        };
        if script.strict_fields
            && let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str()))
        {
            let message = format!("Unknown parameter: '{name}'.");
            return Err(Refusal::invalid(name.clone(), Some("unknown_parameter"), message));
        }
        if let Some(name) = script.unknown_fields.iter().find(|name| fields.contains_key(*name)) {
            let message = format!("Unsupported parameter: '{name}'.");
            return Err(Refusal::invalid(name.clone(), Some("unsupported_parameter"), message));
        }
        if !script.models.contains(&model) {
            return Err(Refusal::no_model(&model));
        }
        let said = check_messages(&fields)?;
        let tools = check_tools(&fields)?;
        let (include_usage, include_obfuscation) = check_streaming(&fields)?;
        check_sampling(&fields, &model)?;
        check_format(&fields, script)?;
        Ok(Self {
            stream: fields.get("stream") == Some(&Value::Bool(true)),
            include_usage,
            include_obfuscation,
            max_tokens: check_length(&fields, &model)?,
            user: said.last_user,
            tool_result: said.last_tool,
            tools,
            prompt_chars: fields.get("messages").map_or(0, |messages| messages.to_string().len()),
            model,
        })
    }
}

/// Models that think before they answer, and refuse `max_tokens` and a temperature of their own.
pub(super) fn is_reasoning(model: &str) -> bool {
    let version =
        model.strip_prefix("gpt-").and_then(|rest| rest.chars().next()).and_then(|c| c.to_digit(10));
    version.is_some_and(|major| major >= 5)
        || ["o1", "o3", "o4"]
            .iter()
            .any(|family| model == *family || model.starts_with(&format!("{family}-")))
}

fn check_length(fields: &Map<String, Value>, model: &str) -> Result<Option<usize>, Refusal> {
    if is_reasoning(model) && given(fields, "max_tokens").is_some() {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                       'max_completion_tokens' instead.";
        return Err(Refusal::invalid("max_tokens", Some("unsupported_parameter"), message));
    }
    let name =
        if given(fields, "max_completion_tokens").is_some() { "max_completion_tokens" } else { "max_tokens" };
    match given(fields, name) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(most @ 1..) => Ok(Some(most as usize)),
            Some(0) => {
                let message = format!(
                    "Invalid '{name}': integer below minimum value. Expected a value >= 1, but got 0 instead."
                );
                Err(Refusal::invalid(name, Some("integer_below_min_value"), message))
            }
            None => Err(wrong_type(name, "an integer", value)),
        },
    }
}

fn check_streaming(fields: &Map<String, Value>) -> Result<(bool, bool), Refusal> {
    let stream = match given(fields, "stream") {
        None => false,
        Some(Value::Bool(stream)) => *stream,
        Some(other) => return Err(wrong_type("stream", "a boolean", other)),
    };
    match given(fields, "stream_options") {
        None => Ok((false, true)),
        Some(_) if !stream => {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            Err(Refusal::invalid("stream_options", None, message))
        }
        Some(Value::Object(options)) => {
            let truth =
                |name: &str, absent: bool| options.get(name).and_then(Value::as_bool).unwrap_or(absent);
            Ok((truth("include_usage", false), truth("include_obfuscation", true)))
        }
        Some(other) => Err(wrong_type("stream_options", "an object", other)),
    }
}

fn check_sampling(fields: &Map<String, Value>, model: &str) -> Result<(), Refusal> {
    for (name, most) in [("temperature", 2.0), ("top_p", 1.0)] {
        let Some(value) = given(fields, name) else { continue };
        let Some(number) = value.as_f64() else { return Err(wrong_type(name, "a decimal", value)) };
        if !(0.0..=most).contains(&number) {
            let message =
                format!("Invalid '{name}': expected a value between 0 and {most}, but got {number} instead.");
            return Err(Refusal::invalid(name, Some("decimal_out_of_range"), message));
        }
        let thinks = is_reasoning(model) && given(fields, "reasoning_effort") != Some(&Value::from("none"));
        if thinks && number != 1.0 {
            let message = format!(
                "Unsupported value: '{name}' does not support {number} with this model. Only the default (1) value is supported."
            );
            return Err(Refusal::invalid(name, Some("unsupported_value"), message));
        }
    }
    if let Some(effort) = given(fields, "reasoning_effort")
        && !effort.as_str().is_some_and(|effort| EFFORTS.contains(&effort))
    {
        let message = format!("Invalid value: {effort}. Supported values are: {}.", EFFORTS.join(", "));
        return Err(Refusal::invalid("reasoning_effort", Some("invalid_value"), message));
    }
    if given(fields, "n").is_some_and(|n| n.as_u64() != Some(1)) {
        return Err(Refusal::invalid("n", None, "This scripted server gives one choice; leave 'n' out."));
    }
    Ok(())
}

/// The functions that may be called: none when `tool_choice` forbids it.
fn check_tools(fields: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let Some(tools) = given(fields, "tools") else {
        for name in ["tool_choice", "parallel_tool_calls"] {
            let harmless = fields.get(name).is_some_and(|value| value == "none");
            if given(fields, name).is_some() && !harmless {
                let message = format!(
                    "Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
                );
                return Err(Refusal::invalid(name, None, message));
            }
        }
        return Ok(Vec::new());
    };
    let Value::Array(tools) = tools else { return Err(wrong_type("tools", "an array of objects", tools)) };
    if tools.is_empty() {
        return Err(empty_array("tools"));
    }
    if tools.len() > MAX_TOOLS {
        let message = format!("Invalid 'tools': array too long. Expected at most {MAX_TOOLS} items.");
        return Err(Refusal::invalid("tools", Some("array_above_max_length"), message));
    }
    let names =
        tools.iter().enumerate().map(|(at, tool)| tool_name(at, tool)).collect::<Result<Vec<_>, _>>()?;
    match given(fields, "tool_choice") {
        Some(Value::String(choice)) if choice == "none" => Ok(Vec::new()),
        Some(Value::String(choice)) if !matches!(choice.as_str(), "auto" | "required") => {
            let message =
                format!("Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.");
            Err(Refusal::invalid("tool_choice", Some("invalid_value"), message))
        }
        Some(Value::Object(choice)) => check_choice(choice, &names).map(|()| names),
        _ => Ok(names),
    }
}

fn check_choice(choice: &Map<String, Value>, names: &[String]) -> Result<(), Refusal> {
    match choice.get("function").and_then(|function| function.get("name")).and_then(Value::as_str) {
        Some(name) if !names.iter().any(|known| known == name) => {
            let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
            Err(Refusal::invalid("tool_choice", None, message))
        }
        _ => Ok(()),
    }
}

fn tool_name(at: usize, tool: &Value) -> Result<String, Refusal> {
    if tool.get("type").is_none() {
        return Err(missing(format!("tools[{at}].type")));
    }
    let Some(name) = tool.get("function").and_then(|function| function.get("name")).and_then(Value::as_str)
    else {
        return Err(missing(format!("tools[{at}].function.name")));
    };
    if !is_function_name(name) {
        let field = format!("tools[{at}].function.name");
        let message = format!(
            "Invalid '{field}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(Refusal::invalid(field, Some("invalid_value"), message));
    }
    if let Some(parameters) = tool["function"].get("parameters")
        && (!parameters.is_object() || parameters.get("type").is_some_and(|kind| kind != "object"))
    {
        let message = format!(
            "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'."
        );
        let field = format!("tools[{at}].function.parameters");
        return Err(Refusal::invalid(field, Some("invalid_function_parameters"), message));
    }
    Ok(name.to_owned())
}

pub(super) fn is_function_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// A field that is there and not null.
fn given<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn missing(field: impl Into<String>) -> Refusal {
    let field = field.into();
    let message = format!("Missing required parameter: '{field}'.");
    Refusal::invalid(field, Some("missing_required_parameter"), message)
}

fn empty_array(field: &str) -> Refusal {
    let message = format!(
        "Invalid '{field}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    );
    Refusal::invalid(field, Some("empty_array"), message)
}

fn wrong_type(field: &str, expected: &str, got: &Value) -> Refusal {
    let kind = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{field}': expected {expected}, but got {kind} instead.");
    Refusal::invalid(field, Some("invalid_type"), message)
}

#[cfg(test)]
#[path = "request/tests.rs"]
mod tests;
