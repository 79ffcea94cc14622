use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};
use vox_testkit::vendor::{
    Ending, Faults,
    openai::{Reply, Rule, Script, Server, Usage, When},
};

use crate::clients::http;

async fn ask(server: &Server, body: &Value) -> reqwest::Response {
    let request = http().post(format!("{}/v1/chat/completions", server.url())).bearer_auth(server.api_key());
    request.json(body).send().await.unwrap()
}

/// The `data:` payloads of a streamed answer, in order.
async fn events(response: reqwest::Response) -> Vec<String> {
    let text = response.text().await.unwrap();
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| event.strip_prefix("data: ").unwrap().into())
        .collect()
}

fn body(user: &str, extra: Value) -> Value {
    let mut body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": user}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "book", "parameters": {"type": "object"}}}])
}

#[tokio::test]
async fn a_stream_opens_with_the_role_and_ends_with_usage_and_done() {
    let server = Server::start(Script::saying("Hello there, caller!")).await;
    let extra =
        json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}});
    let response = ask(&server, &body("hi", extra)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert!(response.headers().contains_key("x-request-id"));
    let mut events = events(response).await;
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let chunks: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let text: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "Hello there, caller!");
    let [.., finish, usage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!((&finish["choices"][0]["finish_reason"], &finish["usage"]), (&json!("stop"), &Value::Null));
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(5)));
    assert!(chunks.iter().all(|chunk| chunk.get("obfuscation").is_none()));
    server.assert_no_leftovers().await;
    assert_eq!(server.observed().exchanges[0].ended, Some(Ending::Answered));
}

#[tokio::test]
async fn without_the_option_there_is_no_usage_and_there_is_padding() {
    let server = Server::start(Script::saying("Hi")).await;
    let events = events(ask(&server, &body("hi", json!({"stream": true}))).await).await;
    assert!(events.iter().all(|event| !event.contains("\"usage\"")), "{events:?}");
    assert!(events[0].contains("obfuscation"));
}

#[tokio::test]
async fn a_tool_call_comes_in_pieces_that_add_up() {
    let rule = Rule::on("book", "One moment.").calling("book", json!({"day": "monday", "hour": 9}));
    let server = Server::start(Script::default().with_rule(rule)).await;
    let events =
        events(ask(&server, &body("book me in", json!({"stream": true, "tools": tools()}))).await).await;
    let chunks: Vec<Value> = events.iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let calls: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| !call.is_null())
        .collect();
    assert!(calls.len() > 3, "{calls:?}");
    assert_eq!((&calls[0]["function"]["name"], &calls[0]["type"]), (&json!("book"), &json!("function")));
    assert!(calls[0]["id"].as_str().unwrap().starts_with("call_"));
    assert!(calls[1..].iter().all(|call| call.get("id").is_none() && call["index"] == 0));
    let arguments: String =
        calls.iter().map(|call| call["function"]["arguments"].as_str().unwrap()).collect();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({"day": "monday", "hour": 9}));
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn a_whole_answer_is_cut_at_the_token_limit() {
    let reply = Reply { say: "one two three four".into(), ..Reply::default() };
    let server = Server::start(Script { default: reply, ..Script::default() }).await;
    let whole: Value =
        ask(&server, &body("count", json!({"max_completion_tokens": 2}))).await.json().await.unwrap();
    let choice = &whole["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("one two"), &json!("length"))
    );
}

#[tokio::test]
async fn rules_may_go_by_request_number_and_give_their_own_usage() {
    let usage = Usage { prompt_tokens: 1_200, completion_tokens: 9, cached_tokens: 1_024 };
    let when = When { request: Some(2), ..When::default() };
    let rule = Rule { when, say: "second".into(), usage: Some(usage), ..Rule::default() };
    let server = Server::start(Script::saying("any").with_rule(rule)).await;
    let first: Value = ask(&server, &body("x", json!({}))).await.json().await.unwrap();
    let second: Value = ask(&server, &body("x", json!({}))).await.json().await.unwrap();
    assert_eq!(first["choices"][0]["message"]["content"], "any");
    assert_eq!(second["choices"][0]["message"]["content"], "second");
    assert_eq!(second["usage"]["prompt_tokens_details"]["cached_tokens"], 1_024);
}

#[tokio::test]
async fn refusals_carry_the_vendors_bodies() {
    let server = Server::start(Script::default()).await;
    let bad: Value = ask(&server, &body("x", json!({"messages": []}))).await.json().await.unwrap();
    assert_eq!((&bad["error"]["param"], &bad["error"]["code"]), (&json!("messages"), &json!("empty_array")));
    let url = format!("{}/v1/chat/completions", server.url());
    let keyless = http().post(&url).json(&body("x", json!({}))).send().await.unwrap();
    assert_eq!(keyless.status(), 401);
    assert_eq!(keyless.headers()["x-should-retry"], "false");
    let wrong = http().post(&url).bearer_auth("nope").json(&body("x", json!({}))).send().await.unwrap();
    assert_eq!(wrong.json::<Value>().await.unwrap()["error"]["code"], "invalid_api_key");
    let lost = ask(&server, &body("x", json!({"model": "gpt-0"}))).await;
    assert_eq!(lost.status(), 404);
    assert_eq!(server.observed().violations().len(), 4);
}

#[tokio::test]
async fn a_rate_limit_strikes_once_and_says_when_to_come_back() {
    let faults = Faults { status: Some(429), retry_after_ms: Some(1_500), ..Faults::default() }.fail_first(1);
    let server = Server::start(Script { faults, ..Script::default() }).await;
    let limited = ask(&server, &body("x", json!({}))).await;
    assert_eq!(limited.status(), 429);
    assert_eq!(
        (&limited.headers()["retry-after"], &limited.headers()["retry-after-ms"]),
        (&"2".parse().unwrap(), &"1500".parse().unwrap())
    );
    assert_eq!(limited.headers()["x-should-retry"], "true");
    assert_eq!(limited.json::<Value>().await.unwrap()["error"]["code"], "rate_limit_exceeded");
    assert_eq!(ask(&server, &body("x", json!({}))).await.status(), 200);
}

#[tokio::test]
async fn the_first_token_is_as_late_as_the_script_says_and_a_dropped_answer_is_seen() {
    let script = Script { first_token_ms: 200, per_token_ms: 5_000, ..Script::saying("one two three") };
    let server = Server::start(script).await;
    let asked = Instant::now();
    let mut stream = ask(&server, &body("x", json!({"stream": true}))).await.bytes_stream();
    stream.next().await.unwrap().unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(200));
    drop(stream);
    server.assert_no_leftovers().await;
    assert_eq!(server.observed().exchanges[0].ended, Some(Ending::Dropped));
}

#[tokio::test]
async fn every_form_of_base_url_leads_to_the_models() {
    let server = Server::start(Script::default()).await;
    for root in ["/v1", "/openai/v1", ""] {
        let url = format!("{}{root}/models", server.url());
        let models: Value =
            http().get(url).bearer_auth("test-key").send().await.unwrap().json().await.unwrap();
        assert_eq!(models["object"], "list", "{root}");
    }
    let one = http().get(format!("{}/v1/models/openai/gpt-oss-20b", server.url())).bearer_auth("test-key");
    assert_eq!(one.send().await.unwrap().json::<Value>().await.unwrap()["id"], "openai/gpt-oss-20b");
}
