use serde_json::{Value, json};
use vox_testkit::vendor::gemini::{Rule, Script, Server};

use crate::clients::http;

const PATH: &str = "/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse";

async fn ask(server: &Server, path: &str, key: Option<&str>, user: &str) -> reqwest::Response {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": user}]}],
        "tools": [{"functionDeclarations": [{"name": "book"}]}]});
    let request = http().post(format!("{}{path}", server.url())).json(&body);
    let request = key.into_iter().fold(request, |request, key| request.header("x-goog-api-key", key));
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_stream_ends_with_its_body_and_calls_come_whole() {
    let rule = Rule::on("book", "One moment.")
        .calling("book", json!({"day": "monday"}))
        .calling("book", json!({"day": "friday"}));
    let server = Server::start(Script { thinks: true, ..Script::default().with_rule(rule) }).await;
    let text = ask(&server, PATH, Some("test-key"), "book me in").await.text().await.unwrap();
    let chunks: Vec<Value> = text
        .split("\r\n\r\n")
        .filter(|event| !event.is_empty())
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let parts =
        || chunks.iter().filter_map(|chunk| chunk["candidates"][0]["content"]["parts"].as_array()).flatten();
    assert_eq!(parts().next().unwrap()["thought"], true);
    let said: String =
        parts().filter(|part| part["thought"] != true).filter_map(|part| part["text"].as_str()).collect();
    assert_eq!(said, "One moment.");
    let calls: Vec<&Value> = parts().filter(|part| part.get("functionCall").is_some()).collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["functionCall"]["args"], json!({"day": "monday"}));
    assert!(calls[0]["thoughtSignature"].is_string() && calls[1].get("thoughtSignature").is_none());
    let last = chunks.last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert!(last["usageMetadata"]["thoughtsTokenCount"].as_u64().unwrap() > 0, "{last}");
}

#[tokio::test]
async fn keys_and_addresses_are_refused_in_the_vendors_words() {
    let server = Server::start(Script::default()).await;
    for (path, key, status, word) in [
        (PATH, None, 403, "PERMISSION_DENIED"),
        (PATH, Some("nope"), 400, "INVALID_ARGUMENT"),
        ("/v1beta/models/gemini-0:streamGenerateContent?alt=sse", Some("test-key"), 404, "NOT_FOUND"),
        (
            "/v1beta1/projects/p/locations/global/publishers/google/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse",
            None,
            401,
            "UNAUTHENTICATED",
        ),
    ] {
        let response = ask(&server, path, key, "hi").await;
        assert_eq!(response.status(), status, "{path}");
        let told: Value = response.json().await.unwrap();
        assert_eq!(told["error"]["status"], word, "{told}");
    }
    let claim = http()
        .post(format!("{}/token", server.url()))
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = claim
        .body("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_grant");
}
