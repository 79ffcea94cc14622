use serde_json::json;

use super::*;

fn parse(body: Value) -> Result<Request, Refusal> {
    Request::parse(body.to_string().as_bytes(), &Script::default())
}

fn with(extra: Value) -> Value {
    let mut body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn check_refused(extra: Value, param: Option<&str>, because: &str) {
    let refusal = parse(with(extra)).unwrap_err();
    assert!(refusal.message.contains(because), "{}", refusal.message);
    assert_eq!(refusal.param.as_deref(), param, "{}", refusal.message);
}

#[test]
fn a_conversation_with_tools_is_understood() {
    let request = parse(json!({
        "model": "gpt-5.4-mini", "stream": true, "reasoning_effort": "none", "temperature": 0.7,
        "stream_options": {"include_usage": true, "include_obfuscation": false}, "max_completion_tokens": 400,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "weather?"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "{\"c\": 21}"}],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
    }))
    .unwrap();
    assert!(request.stream && request.include_usage && !request.include_obfuscation);
    assert_eq!((request.user.as_str(), request.tool_result.as_deref()), ("weather?", Some("weather")));
    assert_eq!((request.max_tokens, request.tools), (Some(400), vec!["weather".to_owned()]));
}

#[test]
fn malformed_messages_are_refused() {
    check_refused(json!({"messages": []}), Some("messages"), "empty array");
    check_refused(json!({"messages": null}), Some("messages"), "Missing required parameter");
    check_refused(json!({"messages": [{"role": "bot", "content": "x"}]}), Some("messages[0].role"), "'bot'");
    check_refused(json!({"messages": [{"role": "user"}]}), Some("messages[0].content"), "Missing");
    check_refused(
        json!({"messages": [{"role": "user", "content": 3}]}),
        Some("messages[0].content"),
        "a number",
    );
    check_refused(
        json!({"messages": [{"role": "assistant", "content": null}]}),
        Some("messages.[0].content"),
        "got null",
    );
}

#[test]
fn tool_results_must_answer_calls_and_calls_must_be_answered() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let asks = json!({"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "1"});
    check_refused(json!({"messages": [result("a")]}), Some("messages.[0].role"), "preceeding message");
    check_refused(
        json!({"messages": [asks, result("a"), result("c")]}),
        Some("messages.[2].tool_call_id"),
        "'c' not found",
    );
    check_refused(
        json!({"messages": [asks, result("a"), {"role": "user", "content": "?"}]}),
        Some("messages.[2].role"),
        "did not have response messages: b",
    );
    assert!(parse(with(json!({"messages": [asks, result("b"), result("a")]}))).is_ok());
    let none = json!({"role": "assistant", "content": "x", "tool_calls": []});
    check_refused(json!({"messages": [none]}), Some("messages[0].tool_calls"), "empty array");
}

#[test]
fn parameters_are_checked() {
    check_refused(json!({"model": ""}), None, "you must provide a model");
    check_refused(json!({"model": "gpt-5.5", "max_tokens": 5}), Some("max_tokens"), "max_completion_tokens");
    check_refused(json!({"model": "gpt-5.5", "temperature": 0.2}), Some("temperature"), "Only the default");
    check_refused(json!({"temperature": 3}), Some("temperature"), "between 0 and 2");
    check_refused(json!({"stream_options": {}}), Some("stream_options"), "only allowed when 'stream'");
    check_refused(json!({"tools": []}), Some("tools"), "empty array");
    check_refused(json!({"tool_choice": "auto"}), Some("tool_choice"), "only allowed when 'tools'");
    check_refused(json!({"max_tokens": 0}), Some("max_tokens"), "below minimum");
    let tools = json!([{"type": "function", "function": {"name": "no spaces"}}]);
    check_refused(json!({"tools": tools}), Some("tools[0].function.name"), "pattern");
    let unknown = parse(with(json!({"model": "gpt-0"}))).unwrap_err();
    assert_eq!((unknown.status, unknown.code), (404, Some("model_not_found")));
}

#[test]
fn unknown_fields_are_refused_only_when_strict() {
    let body = with(json!({"chat_template": 1})).to_string();
    assert!(Request::parse(body.as_bytes(), &Script::default()).is_ok());
    let strict = Script { strict_fields: true, ..Script::default() };
    assert_eq!(Request::parse(body.as_bytes(), &strict).unwrap_err().code, Some("unknown_parameter"));
}
