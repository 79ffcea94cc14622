use serde_json::json;

use super::*;

const OLDER: &str = "2023-06-01";

fn parse(extra: Value, version: &str) -> Result<Request, Refusal> {
    let mut body = json!({"model": "claude-haiku-5-5", "max_tokens": 100, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    Request::parse(body.to_string().as_bytes(), &Script::default(), version)
}

fn check_refused(extra: Value, because: &str) {
    let refusal = parse(extra, OLDER).unwrap_err();
    assert!(refusal.message.contains(because), "{}", refusal.message);
    assert!(matches!(refusal.status, 400 | 404), "{}", refusal.message);
}

#[test]
fn a_conversation_with_tools_is_understood() {
    let request = parse(
        json!({
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "thinking": {"type": "disabled"}, "output_config": {"effort": "low"},
            "messages": [
                {"role": "user", "content": "weather?"},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "One moment."},
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "21"}]}],
            "tools": [{"name": "weather", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": false}
        }),
        OLDER,
    )
    .unwrap();
    assert_eq!((request.user.as_str(), request.tool_result.as_deref()), ("weather?", Some("weather")));
    assert_eq!((request.max_tokens, request.tools, request.merged), (100, vec!["weather".to_owned()], false));
}

#[test]
fn turns_and_blocks_have_their_rules() {
    let said = |messages: Value| json!({ "messages": messages });
    check_refused(said(json!([])), "at least one message");
    check_refused(said(json!([{"role": "system", "content": "x"}])), "top-level 'system'");
    check_refused(said(json!([{"role": "assistant", "content": "Hello"}])), "first message must use");
    check_refused(
        said(json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])),
        "must end with a user message",
    );
    check_refused(said(json!([{"role": "user", "content": ""}])), "non-whitespace");
    check_refused(said(json!([{"role": "user", "content": []}])), "non-empty content");
    check_refused(
        said(json!([{"role": "user", "content": "a", "name": "b"}])),
        "messages.0.name: Extra inputs",
    );
    let twice = json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]);
    assert!(parse(said(twice), OLDER).unwrap().merged);
    let prefilled = json!({"model": "claude-haiku-4-5", "messages": [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]});
    assert!(parse(prefilled, OLDER).is_ok());
}

#[test]
fn results_answer_calls_and_calls_are_answered() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "1"});
    let check = |answer: Value, because: &str| {
        let messages = json!([{"role": "user", "content": "x"},
            {"role": "assistant", "content": [call("a"), call("b")]}, {"role": "user", "content": answer}]);
        match because {
            "" => assert!(parse(json!({ "messages": messages }), OLDER).is_ok()),
            because => check_refused(json!({ "messages": messages }), because),
        }
    };
    check(json!([result("b"), result("a")]), "");
    check(json!([result("a"), result("b"), {"type": "text", "text": "and?"}]), "");
    check(json!([result("a")]), "without `tool_result` blocks immediately after: b");
    check(json!("and?"), "immediately after: a, b");
    check(json!([result("a"), result("c")]), "unexpected `tool_use_id`");
    check(json!([{"type": "text", "text": "and?"}, result("a"), result("b")]), "before any text");
    let bad = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": [call("a b")]},
        {"role": "user", "content": [result("a b")]}]);
    check_refused(json!({ "messages": bad }), "tool_use.id");
    let stray = json!([{"role": "user", "content": [result("a")]}]);
    check_refused(json!({ "messages": stray }), "unexpected `tool_use_id`");
}

#[test]
fn parameters_have_their_rules() {
    check_refused(json!({"model": "claude-0"}), "model: claude-0");
    check_refused(json!({"max_tokens": 0}), "max_tokens");
    check_refused(json!({"store": false}), "store: Extra inputs are not permitted");
    check_refused(json!({"temperature": 0.5}), "sampling");
    let older = json!({"model": "claude-haiku-4-5", "temperature": 0.5});
    assert!(parse(older.clone(), OLDER).is_ok());
    assert!(parse(older, NEWER).unwrap_err().message.contains("sampling"));
    check_refused(json!({"model": "claude-haiku-4-5", "temperature": 1.5}), "less than or equal to 1");
    check_refused(json!({"model": "claude-sonnet-5-5", "thinking": {"type": "disabled"}}), "disabled");
    check_refused(json!({"thinking": {"type": "between_tools"}}), "between_tools");
    check_refused(
        json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}),
        "at this effort",
    );
    check_refused(json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}), "adaptive");
    check_refused(json!({"model": "claude-haiku-4-5", "output_config": {"effort": "low"}}), "effort");
    check_refused(json!({"tool_choice": {"type": "auto"}}), "while providing tools");
    let tool = json!({"name": "f", "input_schema": {"type": "object"}});
    check_refused(json!({"tools": [tool, tool]}), "unique");
    check_refused(json!({"tools": [{"name": "f", "input_schema": {}}]}), "input_schema.type");
    check_refused(json!({"tools": [{"name": "no spaces", "input_schema": {"type": "object"}}]}), "pattern");
    check_refused(json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), "Extra inputs");
    let forced = json!({"model": "claude-sonnet-5-5", "tools": [tool], "tool_choice": {"type": "any"}});
    check_refused(forced, "forced tool use");
}
