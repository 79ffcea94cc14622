//! A request for content: what is asked, or the sentence that the vendor refuses it with.

mod contents;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use self::contents::check_contents;
use super::models::find;
use super::{kept::Prompt, refusal::Refusal, script::Script, spelling::read};

/// Fields of the vendor's document at each place; others are refused.
const FIELDS: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "labels",
];
const GENERATION: &[&str] = &[
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "stopSequences",
    "seed",
    "candidateCount",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "presencePenalty",
    "frequencyPenalty",
    "thinkingConfig",
];
const DECLARATION: &[&str] = &[
    "name",
    "description",
    "parameters",
    "parametersJsonSchema",
    "response",
    "responseJsonSchema",
    "behavior",
];
const SCHEMA: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "items",
    "properties",
    "required",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "default",
    "anyOf",
    "propertyOrdering",
    "example",
];
const TYPES: &[&str] = &["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];
const CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
];
const THRESHOLDS: &[&str] =
    &["BLOCK_NONE", "OFF", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE"];

/// What the rest of the server needs of a valid request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) model: String,
    pub(crate) max_tokens: Option<usize>,
    /// The text of the last user turn.
    pub(crate) user: String,
    /// The name of the tool whose result ends the request.
    pub(crate) tool_result: Option<String>,
    /// Tools offered and allowed to be called.
    pub(crate) tools: Vec<String>,
    /// Tokens of the prompt that is kept, if it names one.
    pub(crate) kept_tokens: usize,
    /// Letters of the whole prompt, for the token estimate.
    pub(crate) prompt_chars: usize,
    /// What the vendor tolerates and a good client avoids.
    pub(crate) notes: Vec<&'static str>,
}

impl Request {
    /// Read and check a body for a model, which has `full` for its whole name, at this second.
    ///
    /// # Errors
    /// The vendor's refusal.
    pub(crate) fn parse(
        body: &[u8],
        script: &Script,
        (model, full): (&str, &str),
        second: i64,
    ) -> Result<Self, Refusal> {
        let fields = read(body)?;
        only(&fields, FIELDS, "")?;
        let rules = find(model);
        let kept = match fields.get("cachedContent") {
            Some(name) => Some(kept(&fields, script, (name, full), second)?),
            None => None,
        };
        let generation = object(&fields, "generationConfig")?;
        only(&generation, GENERATION, "generation_config")?;
        check_generation(&generation, rules)?;
        check_safety(&fields)?;
        check_system(&fields)?;
        let (tools, kept_tokens) = match kept {
            Some(kept) => (kept.tools, kept.tokens),
            None => (check_tools(&fields)?, 0),
        };
        let signed = script.thinks && rules.is_some_and(|rules| rules.signs);
        let said = check_contents(&fields, signed)?;
        Ok(Self {
            model: model.to_owned(),
            max_tokens: generation.get("maxOutputTokens").and_then(Value::as_u64).map(|most| most as usize),
            user: said.last_user,
            tool_result: said.last_tool,
            tools,
            kept_tokens,
            prompt_chars: fields.values().map(|value| value.to_string().chars().count()).sum(),
            notes: said.notes,
        })
    }
}

/// The prompt that a question names, which has no other beside it and is for the same model.
fn kept(
    fields: &Map<String, Value>,
    script: &Script,
    (name, model): (&Value, &str),
    second: i64,
) -> Result<Prompt, Refusal> {
    if ["systemInstruction", "tools", "toolConfig"].iter().any(|name| fields.contains_key(*name)) {
        return invalid(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
        );
    }
    let prompt = script.kept.find(name.as_str().unwrap_or_default(), second)?;
    if prompt.model != model {
        return invalid(format!(
            "Model used by GenerateContent request ({model}) and CachedContent ({}) has to be the same.",
            prompt.model
        ));
    }
    Ok(prompt)
}

/// A field that is an object, or nothing.
fn object(fields: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refusal> {
    match fields.get(name) {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields.clone()),
        Some(_) => Err(Refusal::invalid(format!("Invalid value at '{name}': an object is expected."))),
    }
}

pub(crate) fn only(fields: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), Refusal> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::unknown(name, place)),
        None => Ok(()),
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::invalid(message))
}

fn check_generation(
    generation: &Map<String, Value>,
    rules: Option<&super::models::Model>,
) -> Result<(), Refusal> {
    for (name, most) in [("temperature", 2.0), ("topP", 1.0)] {
        let Some(value) = generation.get(name) else { continue };
        if !value.as_f64().is_some_and(|number| (0.0..=most).contains(&number)) {
            return invalid(format!("{name} must be in the range [0.0, {most}]."));
        }
    }
    if generation.get("maxOutputTokens").is_some_and(|most| most.as_u64().is_none_or(|most| most == 0)) {
        return invalid("max_output_tokens must be positive.");
    }
    if generation.get("candidateCount").is_some_and(|count| count.as_u64() != Some(1)) {
        return invalid("Only one candidate can be specified in the current model");
    }
    let thinking = object(generation, "thinkingConfig")?;
    only(
        &thinking,
        &["thinkingBudget", "thinkingLevel", "includeThoughts"],
        "generation_config.thinking_config",
    )?;
    let (budget, level) = (thinking.get("thinkingBudget"), thinking.get("thinkingLevel"));
    if budget.is_some() && level.is_some() {
        return invalid("You can only set one of thinking budget and thinking level.");
    }
    let Some(rules) = rules else { return Ok(()) };
    if let Some(level) = level {
        let is_known = level.as_str().is_some_and(|level| rules.levels.contains(&level));
        if !is_known {
            return invalid(format!("Thinking level {level} is not supported for this model."));
        }
    }
    match (budget.map(Value::as_i64), rules.least_budget) {
        (None, _) | (Some(Some(-1)), Some(_)) => Ok(()),
        (Some(Some(budget)), Some(least)) if budget >= least => Ok(()),
        _ => invalid("The thinking budget is invalid for this model. Please set another thinking budget."),
    }
}

fn check_safety(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let settings = fields.get("safetySettings").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut seen = Vec::new();
    for setting in &settings {
        let text = |name: &str| setting[name].as_str().unwrap_or_default();
        if !CATEGORIES.contains(&text("category")) || !THRESHOLDS.contains(&text("threshold")) {
            return invalid("Invalid value at 'safety_settings'");
        }
        if seen.contains(&text("category").to_owned()) {
            return invalid("element predicate failed: safety_settings has a category twice");
        }
        seen.push(text("category").to_owned());
    }
    Ok(())
}

pub(crate) fn check_system(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(system) = fields.get("systemInstruction") else { return Ok(()) };
    let parts = system["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_text = |part: &Value| part["text"].as_str().is_some_and(|text| !text.is_empty());
    if parts.is_empty() || !parts.iter().all(is_text) {
        return invalid(
            "Unable to submit request because it must have a text parameter in system_instruction.",
        );
    }
    Ok(())
}

/// The functions that may be called: none when the mode forbids it.
pub(crate) fn check_tools(fields: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let tools = fields.get("tools").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for tool in &tools {
        let Some(tool) = tool.as_object() else { return invalid("Invalid value at 'tools'") };
        only(tool, &["functionDeclarations", "googleSearch", "codeExecution", "urlContext"], "tools")?;
        let declared = tool.get("functionDeclarations").and_then(Value::as_array);
        if declared.is_some_and(Vec::is_empty) {
            return invalid("at least one function declaration should be specified");
        }
        for (at, declaration) in declared.into_iter().flatten().enumerate() {
            let place = format!("tools[0].function_declarations[{at}]");
            let name = check_declaration(declaration, &place)?;
            if names.contains(&name) {
                return invalid(format!("Duplicate function declaration found: {name}"));
            }
            names.push(name);
        }
    }
    let calling = &fields.get("toolConfig").unwrap_or(&Value::Null)["functionCallingConfig"];
    match calling["mode"].as_str() {
        None | Some("AUTO" | "ANY" | "VALIDATED") => Ok(names),
        Some("NONE") => Ok(Vec::new()),
        Some(other) => {
            invalid(format!("Invalid value at 'tool_config.function_calling_config.mode': {other}"))
        }
    }
}

fn check_declaration(declaration: &Value, place: &str) -> Result<String, Refusal> {
    let Some(fields) = declaration.as_object() else { return invalid(format!("Invalid value at '{place}'")) };
    only(fields, DECLARATION, place)?;
    let name = declaration["name"].as_str().unwrap_or_default();
    if !is_name(name) {
        return invalid(format!(
            "{place}.name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
        ));
    }
    match (declaration.get("parameters"), declaration.get("parametersJsonSchema")) {
        (Some(_), Some(_)) => {
            invalid(format!("{place}: parameters and parameters_json_schema exclude each other"))
        }
        (Some(schema), None) => {
            check_schema(schema, &format!("{place}.parameters"))?;
            Ok(name.to_owned())
        }
        (None, Some(schema)) if schema["type"] != "object" => {
            invalid(format!("{place}.parameters_json_schema: schema should be of type object"))
        }
        _ => Ok(name.to_owned()),
    }
}

/// The vendor's own subset of schemas.
fn check_schema(schema: &Value, place: &str) -> Result<(), Refusal> {
    let Some(fields) = schema.as_object() else { return invalid(format!("Invalid value at '{place}'")) };
    only(fields, SCHEMA, place)?;
    let kind = schema["type"].as_str().unwrap_or_default().to_ascii_uppercase();
    if !TYPES.contains(&kind.as_str()) && !fields.contains_key("anyOf") {
        return invalid(format!("Invalid value at '{place}.type'"));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        check_schema(property, &format!("{place}.properties[{name}]"))?;
    }
    match schema.get("items") {
        Some(items) => check_schema(items, &format!("{place}.items")),
        None if kind == "ARRAY" => invalid(format!("{place}.items: missing field")),
        None => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
}
