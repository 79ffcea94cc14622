use serde_json::{Value, json};
use vox_testkit::vendor::anthropic::{Rule, Script, Server};

use crate::clients::http;

async fn ask(server: &Server, headers: &[(&str, &str)], body: &Value) -> reqwest::Response {
    let request = http().post(format!("{}/v1/messages", server.url())).json(body);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn body(user: &str) -> Value {
    json!({"model": "claude-haiku-5-5", "max_tokens": 100, "stream": true, "messages": [{"role": "user", "content": user}],
        "tools": [{"name": "book", "input_schema": {"type": "object"}}]})
}

/// The events of a streamed answer with their names, in order.
async fn events(response: reqwest::Response) -> Vec<(String, Value)> {
    let text = response.text().await.unwrap();
    let event = |event: &str| {
        let (name, data) = event.split_once('\n').unwrap();
        let value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        (name.strip_prefix("event: ").unwrap().to_owned(), value)
    };
    text.split("\n\n").filter(|event| !event.is_empty()).map(event).collect()
}

#[tokio::test]
async fn a_stream_has_the_vendors_events_in_the_vendors_order() {
    let rule = Rule::on("book", "One moment.").calling("book", json!({"day": "monday", "hour": 9}));
    let server = Server::start(Script { thinks: true, ..Script::default().with_rule(rule) }).await;
    let headers = [("x-api-key", "test-key"), ("anthropic-version", "2023-06-01")];
    let response = ask(&server, &headers, &body("book me in")).await;
    assert!(response.headers().contains_key("request-id"));
    let events = events(response).await;
    assert!(events.iter().all(|(name, value)| value["type"] == name.as_str()));
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        (names[0], &names[names.len() - 2..]),
        ("message_start", &["message_delta", "message_stop"][..])
    );
    let starts: Vec<&Value> = events
        .iter()
        .filter(|(name, _)| name == "content_block_start")
        .map(|(_, value)| &value["content_block"]["type"])
        .collect();
    assert_eq!(starts, ["thinking", "text", "tool_use"]);
    let of = |field: &str| {
        events.iter().filter_map(|(_, value)| value["delta"][field].as_str()).collect::<String>()
    };
    assert_eq!(
        (of("text"), of("partial_json")),
        ("One moment.".into(), r#"{"day":"monday","hour":9}"#.into())
    );
    let (_, last) = &events[events.len() - 2];
    assert_eq!(last["delta"]["stop_reason"], "tool_use");
    assert!(last["usage"]["output_tokens"].as_u64().unwrap() > 5, "{last}");
}

#[tokio::test]
async fn keys_versions_and_addresses_are_refused_in_the_vendors_words() {
    let server = Server::start(Script::default()).await;
    let (key, version) = (("x-api-key", "test-key"), ("anthropic-version", "2023-06-01"));
    for (headers, status, part) in [
        (vec![version], 401, "x-api-key header is required"),
        (vec![("x-api-key", "nope"), version], 401, "invalid x-api-key"),
        (vec![key], 400, "anthropic-version: header is required"),
        (vec![key, ("anthropic-version", "2020-01-01")], 400, "not a valid version"),
        (vec![key, ("authorization", "Bearer test-key"), version], 400, "either"),
    ] {
        let response = ask(&server, &headers, &body("hi")).await;
        assert_eq!(response.status(), status);
        let told: Value = response.json().await.unwrap();
        assert!(told["error"]["message"].as_str().unwrap().contains(part), "{told}");
        assert!(told["request_id"].as_str().unwrap().starts_with("req_"));
    }
    assert_eq!(server.observed().violations().len(), 5);
    let bearer = [("authorization", "Bearer test-key"), version];
    assert_eq!(ask(&server, &bearer, &body("hi")).await.status(), 200);
}
