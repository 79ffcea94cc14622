use serde_json::{Value, json};
use vox_testkit::vendor::elevenlabs::{Script, Server};

use crate::clients::{Next, Socket, http};

const PATH: &str = "/v1/text-to-speech/rachel/multi-stream-input";
const QUERY: &str = "model_id=eleven_flash_v2_5&output_format=pcm_16000";

/// What the server objects to when these messages are sent with this key and query.
async fn objection(key: &str, query: &str, messages: &[Value]) -> String {
    let server = Server::start(Script { voices: Some(vec!["rachel".into()]), ..Script::default() }).await;
    let keyed = [("xi-api-key", key)];
    let headers = if key.is_empty() { &[][..] } else { &keyed[..] };
    let mut socket = Socket::open(&server.url(), &format!("{PATH}?{query}"), headers).await.unwrap();
    for message in messages {
        socket.text(message).await;
    }
    let (mut said, end) = socket.read_out().await;
    let frame = said.pop().expect("an error frame before the close");
    assert_eq!(frame["code"], 1008, "{frame}");
    assert!(matches!(end, Next::Closed(Some(1008), _)), "{end:?}");
    assert_eq!(server.observed().violations().len(), 1);
    server.assert_no_leftovers().await;
    frame["error"].as_str().unwrap().to_owned()
}

fn opening(id: &str) -> Value {
    json!({"text": " ", "context_id": id})
}

#[tokio::test]
async fn keys_are_checked_wherever_they_are_given() {
    assert_eq!(objection("wrong", QUERY, &[]).await, "invalid_api_key");
    assert_eq!(objection("", QUERY, &[opening("a")]).await, "needs_authorization");
    assert_eq!(objection("", &format!("{QUERY}&authorization=wrong"), &[]).await, "invalid_api_key");
    let keyed = json!({"text": " ", "context_id": "a", "xi-api-key": "wrong"});
    assert_eq!(objection("", QUERY, &[keyed]).await, "invalid_api_key");
}

#[tokio::test]
async fn queries_are_checked() {
    for (query, error) in [
        ("model_id=eleven_flash_v2_5&output_format=pcm_12345", "invalid_output_format"),
        ("model_id=eleven_nope&output_format=pcm_16000", "model_not_found"),
        ("output_format=pcm_16000&inactivity_timeout=181", "invalid_parameters"),
        ("output_format=pcm_16000&model_id=eleven_multilingual_v2&language_code=en", "unsupported_language"),
    ] {
        assert_eq!(objection("test-key", query, &[]).await, error, "{query}");
    }
}

#[tokio::test]
async fn the_order_of_messages_is_checked() {
    let said = |text: &str| json!({"text": text, "context_id": "a"});
    assert_eq!(objection("test-key", QUERY, &[said("Hello. ")]).await, "invalid_first_message");
    assert_eq!(objection("test-key", QUERY, &[said("")]).await, "invalid_first_message");
    let late = json!({"text": "Hi. ", "context_id": "a", "voice_settings": {"stability": 0.1}});
    assert_eq!(objection("test-key", QUERY, &[opening("a"), late]).await, "invalid_message");
    assert_eq!(objection("test-key", QUERY, &[json!("a string")]).await, "invalid_message");
    let wild = json!({"text": " ", "context_id": "a", "voice_settings": {"speed": 3}});
    assert_eq!(objection("test-key", QUERY, &[wild]).await, "invalid_voice_settings");
}

#[tokio::test]
async fn a_sixth_context_is_one_too_many_until_one_has_ended() {
    let openings: Vec<Value> = (0..6).map(|n| opening(&format!("c{n}"))).collect();
    assert_eq!(objection("test-key", QUERY, &openings).await, "max_active_conversations");

    let server = Server::start(Script::default()).await;
    let headers = [("xi-api-key", "test-key")];
    let mut socket = Socket::open(&server.url(), &format!("{PATH}?{QUERY}"), &headers).await.unwrap();
    for opening in &openings[..5] {
        socket.text(opening).await;
    }
    socket.text(json!({"context_id": "c0", "close_context": true})).await;
    assert_eq!(socket.json().await, json!({"isFinal": true, "contextId": "c0"}));
    socket.text(&openings[5]).await;
    socket.text(json!({"close_socket": true})).await;
    assert_eq!(socket.read_out().await.1, Next::Closed(Some(1000), String::new()));
}

#[tokio::test]
async fn an_unknown_voice_is_refused() {
    let server = Server::start(Script { voices: Some(vec!["other".into()]), ..Script::default() }).await;
    let headers = [("xi-api-key", "test-key")];
    let socket = Socket::open(&server.url(), &format!("{PATH}?{QUERY}"), &headers).await.unwrap();
    assert_eq!(socket.read_out().await.0[0]["error"], "voice_not_found");
}

#[tokio::test]
async fn sloppy_text_is_written_down() {
    let server = Server::start(Script { strict_opening: false, ..Script::default() }).await;
    let headers = [("xi-api-key", "test-key")];
    let mut socket = Socket::open(&server.url(), &format!("{PATH}?{QUERY}&speed=1"), &headers).await.unwrap();
    socket.text(json!({"text": "no opening", "context_id": "a", "contextId": "a"})).await;
    socket.text(json!({"context_id": "zzz", "flush": true})).await;
    socket.text(json!({"close_socket": true})).await;
    socket.read_out().await;
    let all = server.observed().violations().join("\n");
    for expected in ["'speed'", "one space", "end with a space", "'contextId'", "not open"] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
}

#[tokio::test]
async fn http_refusals_have_the_vendors_bodies() {
    let server = Server::start(Script::default()).await;
    let speak = async |key: &str, format: &str, body: Value| {
        let url = format!("{}/v1/text-to-speech/rachel/stream?output_format={format}", server.url());
        let response = http().post(url).header("xi-api-key", key).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap()["detail"].clone())
    };
    let (status, detail) = speak("wrong", "pcm_8000", json!({"text": "hi"})).await;
    assert_eq!((status, &detail["status"]), (401, &json!("invalid_api_key")));
    let (status, detail) = speak("test-key", "pcm_8000", json!({"model_id": "x"})).await;
    assert_eq!((status, &detail[0]["loc"]), (422, &json!(["body"])));
    let (status, detail) = speak("test-key", "pcm_8000", json!({"text": "hi", "model_id": "x"})).await;
    assert_eq!((status, &detail["status"]), (400, &json!("model_not_found")));
    let ask = async |key: &str| {
        let request = http().get(format!("{}/v1/user", server.url())).header("xi-api-key", key);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask("test-key").await, ask("wrong").await), (200, 401));
}
