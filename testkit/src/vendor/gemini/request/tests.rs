use serde_json::json;

use super::*;

fn parse(model: &str, extra: Value, thinks: bool) -> Result<Request, Refusal> {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    let script = Script { thinks, ..Script::default() };
    Request::parse(body.to_string().as_bytes(), &script, (model, &format!("models/{model}")), 0)
}

fn check_refused(extra: Value, because: &str) {
    let refusal = parse("gemini-3.5-flash-lite", extra, false).unwrap_err();
    assert!(refusal.message.contains(because), "{}", refusal.message);
}

fn with_call(answer: Value) -> Value {
    let call =
        json!({"functionCall": {"id": "c1", "name": "weather", "args": {}}, "thoughtSignature": UNSIGNED});
    json!([{"role": "user", "parts": [{"text": "weather?"}]}, {"role": "model", "parts": [call]},
        {"role": "user", "parts": answer}])
}

const UNSIGNED: &str = "skip_thought_signature_validator";

#[test]
fn a_conversation_with_tools_is_understood() {
    let answer = json!([{"functionResponse": {"id": "c1", "name": "weather", "response": {"c": 21}}}]);
    let extra = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": with_call(answer),
        "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": {"type": "object", "$schema": "x"}}]}],
        "generationConfig": {"temperature": 0.7, "maxOutputTokens": 40, "thinkingConfig": {"thinkingLevel": "MINIMAL"}}
    });
    let request = parse("gemini-3.5-flash-lite", extra, true).unwrap();
    assert_eq!((request.user.as_str(), request.tool_result.as_deref()), ("weather?", Some("weather")));
    assert_eq!((request.max_tokens, request.tools), (Some(40), vec!["weather".to_owned()]));
    assert!(request.notes.is_empty());
}

#[test]
fn turns_and_parts_have_their_rules() {
    let said = |contents: Value| json!({ "contents": contents });
    check_refused(said(json!([])), "contents is not specified");
    check_refused(said(json!([{"role": "system", "parts": [{"text": "x"}]}])), "valid role");
    check_refused(said(json!([{"role": "user", "parts": []}])), "parts must not be empty");
    check_refused(said(json!([{"role": "user", "parts": [{"text": ""}]}])), "must have a text parameter");
    check_refused(said(json!([{"role": "user", "parts": [{}]}])), "must have one initialized field");
    check_refused(said(json!([{"role": "user", "content": "x"}])), "Unknown name \"content\"");
    let first = json!([{"role": "model", "parts": [{"text": "Hello?"}]}, {"role": "user", "parts": [{"text": "hi"}]}]);
    let request = parse("gemini-3.5-flash-lite", said(first), false).unwrap();
    assert_eq!(request.notes, ["the model has the first turn"]);
}

#[test]
fn responses_answer_calls_and_calls_are_answered() {
    let response =
        |name: &str, id: &str| json!({"functionResponse": {"id": id, "name": name, "response": {}}});
    let check = |answer: Value, because: &str| check_refused(json!({"contents": with_call(answer)}), because);
    check(json!([{"text": "and?"}]), "number of function response parts");
    check(json!([response("weather", "c1"), response("weather", "c1")]), "number of function response parts");
    check(json!([response("hours", "c1")]), "name and id");
    check(json!([response("weather", "c2")]), "name and id");
    check(json!([{"functionResponse": {"id": "c1", "name": "weather", "response": "x"}}]), "Struct");
    let stray = json!([{"role": "user", "parts": [response("weather", "c1")]}]);
    check_refused(json!({ "contents": stray }), "immediately after a function call turn");
    let call = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]});
    check_refused(json!({"contents": [call]}), "immediately after a user turn");
}

#[test]
fn calls_of_a_model_that_thinks_are_signed() {
    let answer = json!([{"functionResponse": {"id": "c1", "name": "weather", "response": {}}}]);
    let mut contents = with_call(answer);
    contents[1]["parts"][0].as_object_mut().unwrap().remove("thoughtSignature");
    let asked = |model: &str, contents: &Value| parse(model, json!({ "contents": contents }), true);
    assert!(
        asked("gemini-3.8-flash", &contents).unwrap_err().message.contains("missing a thought_signature")
    );
    assert!(asked("gemini-2.5-flash", &contents).is_ok());
    contents[1]["parts"][0]["thoughtSignature"] = signature_of("hours").into();
    assert!(asked("gemini-3.8-flash", &contents).unwrap_err().message.contains("Corrupted"));
    contents[1]["parts"][0]["thoughtSignature"] = signature_of("weather").into();
    assert!(asked("gemini-3.8-flash", &contents).is_ok());
}

fn signature_of(name: &str) -> String {
    crate::vendor::gemini::answer::signature(name)
}

#[test]
fn parameters_have_their_rules() {
    let generation = |config: Value| json!({ "generationConfig": config });
    check_refused(json!({"store": false}), "Unknown name \"store\"");
    check_refused(generation(json!({"max_tokens": 1})), "Unknown name \"max_tokens\" at 'generation_config'");
    check_refused(generation(json!({"temperature": 3})), "temperature");
    check_refused(generation(json!({"candidateCount": 2})), "Only one candidate");
    check_refused(
        generation(json!({"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 0}})),
        "only set one",
    );
    check_refused(generation(json!({"thinkingConfig": {"thinkingBudget": 0}})), "thinking budget");
    let minimal = generation(json!({"thinkingConfig": {"thinkingLevel": "MINIMAL"}}));
    assert!(parse("gemini-3.8-flash", minimal.clone(), false).is_err());
    assert!(parse("gemini-2.5-flash", minimal, false).is_err());
    let off = generation(json!({"thinkingConfig": {"thinkingBudget": 0}}));
    assert!(parse("gemini-2.5-flash", off.clone(), false).is_ok());
    assert!(parse("gemini-2.5-pro", off, false).is_err());
    let declared = |declaration: Value| json!({"tools": [{"functionDeclarations": [declaration]}]});
    check_refused(declared(json!({"name": "9lives"})), "Invalid function name");
    check_refused(
        declared(json!({"name": "f", "parameters": {"type": "object", "additionalProperties": false}})),
        "additionalProperties",
    );
    check_refused(declared(json!({"name": "f", "parametersJsonSchema": {"type": "string"}})), "type object");
    let cached =
        json!({"cachedContent": "cachedContents/1", "systemInstruction": {"parts": [{"text": "x"}]}});
    check_refused(cached, "can not be used with");
    assert_eq!(
        parse("gemini-3.8-flash", json!({"cachedContent": "cachedContents/1"}), false).unwrap_err().code,
        403
    );
    check_refused(json!({"safetySettings": [{"category": "X", "threshold": "OFF"}]}), "safety_settings");
}
