use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use vox_testkit::vendor::elevenlabs::{AlignmentForm, Script, Server};

use crate::clients::{Next, Socket, http};

const MULTI: &str =
    "/v1/text-to-speech/rachel/multi-stream-input?model_id=eleven_flash_v2_5&output_format=pcm_16000";
const TEXT: &str = "Good morning, how are you? ";

async fn open(server: &Server, path: &str) -> Socket {
    Socket::open(&server.url(), path, &[("xi-api-key", server.api_key())]).await.unwrap()
}

fn audio(messages: &[Value]) -> Vec<u8> {
    messages
        .iter()
        .filter_map(|one| one["audio"].as_str())
        .flat_map(|text| STANDARD.decode(text).unwrap())
        .collect()
}

fn letters(messages: &[Value]) -> String {
    let chars = |message: &Value| message["alignment"]["chars"].as_array().cloned().unwrap_or_default();
    messages.iter().flat_map(chars).map(|letter| letter.as_str().unwrap().to_owned()).collect()
}

/// Messages up to the `isFinal` of this context, those of other contexts set aside.
async fn until_final(socket: &mut Socket, context: &str) -> Vec<Value> {
    let mut own = Vec::new();
    loop {
        let message = socket.json().await;
        if message["contextId"] == context {
            if message["isFinal"] == true {
                return own;
            }
            own.push(message);
        }
    }
}

#[tokio::test]
async fn a_context_speaks_its_text_at_the_length_the_text_deserves() {
    let server = Server::start(Script::default()).await;
    let mut socket = open(&server, MULTI).await;
    socket
        .text(json!({"text": " ", "context_id": "a", "voice_settings": {"stability": 0.5, "speed": 1.0}}))
        .await;
    socket.text(json!({"text": TEXT, "context_id": "a"})).await;
    assert!(socket.is_quiet_for(Duration::from_millis(50)).await, "not yet flushed");
    socket.text(json!({"context_id": "a", "flush": true})).await;
    socket.text(json!({"context_id": "a", "close_context": true})).await;
    let messages = until_final(&mut socket, "a").await;
    assert!(messages.len() > 5, "chunks of a quarter of a second: {}", messages.len());
    let pcm = audio(&messages);
    assert_eq!(pcm.len(), TEXT.len() * 60 * 16 * 2);
    let loudest = pcm.chunks(2).map(|raw| i16::from_le_bytes([raw[0], raw[1]]).unsigned_abs()).max().unwrap();
    assert!(loudest > 3_000, "{loudest}");
    assert_eq!(letters(&messages), TEXT);
    for message in &messages {
        for name in ["alignment", "normalizedAlignment"] {
            assert_eq!(message[name]["charStartTimesMs"][0], 0);
            assert_eq!(message[name]["charDurationsMs"][0], 60);
        }
    }
    socket.text(json!({"close_socket": true})).await;
    assert_eq!(socket.next().await, Next::Closed(Some(1000), String::new()));
    let observed = server.observed();
    assert_eq!(observed.violations(), Vec::<String>::new());
    assert_eq!(observed.audio_bytes(), pcm.len() as u64);
    drop(socket);
    server.assert_no_leftovers().await;
}

#[tokio::test]
async fn contexts_speak_side_by_side_in_the_asked_format() {
    let server = Server::start(Script::default()).await;
    let path = MULTI.replace("pcm_16000", "ulaw_8000&auto_mode=true");
    let mut socket = open(&server, &path).await;
    for id in ["a", "b"] {
        socket.text(json!({"text": " ", "context_id": id})).await;
        socket.text(json!({"text": "Hello. ", "context_id": id})).await;
        socket.text(json!({"context_id": id, "close_context": true})).await;
    }
    let (mut bytes, mut finals) = (0, Vec::new());
    while finals.len() < 2 {
        let message = socket.json().await;
        if message["isFinal"] == true {
            finals.push(message["contextId"].clone());
        }
        bytes += message["audio"].as_str().map_or(0, |text| STANDARD.decode(text).unwrap().len());
    }
    assert_eq!((finals, bytes), (vec![json!("a"), json!("b")], 2 * 7 * 60 * 8));
}

#[tokio::test]
async fn closing_a_context_drops_what_was_not_flushed() {
    let server = Server::start(Script { realtime_factor: 0.0, ..Script::default() }).await;
    let mut socket = open(&server, MULTI).await;
    socket.text(json!({"text": " ", "context_id": "a"})).await;
    socket.text(json!({"text": "Said. ", "context_id": "a", "flush": true})).await;
    socket.text(json!({"text": "Never said. ", "context_id": "a"})).await;
    socket.text(json!({"context_id": "a", "close_context": true})).await;
    assert_eq!(letters(&until_final(&mut socket, "a").await), "Said. ");
    assert!(server.observed().notes()[0].contains("never flushed"));
}

#[tokio::test]
async fn text_is_generated_by_the_schedule_without_a_flush() {
    let server = Server::start(Script { realtime_factor: 0.0, ..Script::default() }).await;
    let mut socket = open(&server, MULTI).await;
    let schedule = json!({"chunk_length_schedule": [50]});
    socket.text(json!({"text": " ", "context_id": "a", "generation_config": schedule})).await;
    socket.text(json!({"text": "Forty characters of text are not enough. ", "context_id": "a"})).await;
    assert!(socket.is_quiet_for(Duration::from_millis(50)).await);
    socket.text(json!({"text": "These make it more. ", "context_id": "a"})).await;
    assert_eq!(socket.json().await["contextId"], "a");
}

#[tokio::test]
async fn audio_keeps_the_scripts_pace() {
    let script = Script { first_audio_ms: 150, realtime_factor: 4.0, ..Script::default() };
    let server = Server::start(script).await;
    let mut socket = open(&server, MULTI).await;
    let asked = Instant::now();
    socket.text(json!({"text": " ", "context_id": "a"})).await;
    socket.text(json!({"text": "Twenty letters here. ", "context_id": "a", "flush": true})).await;
    socket.json().await;
    assert!(asked.elapsed() >= Duration::from_millis(150), "{:?}", asked.elapsed());
    socket.text(json!({"context_id": "a", "close_context": true})).await;
    until_final(&mut socket, "a").await;
    // 21 letters of 60 ms at four times real time, less the last message's share.
    assert!(asked.elapsed() >= Duration::from_millis(150 + 300), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn an_idle_context_ends_and_an_idle_session_is_closed() {
    let server = Server::start(Script { inactivity_second_ms: 100, ..Script::default() }).await;
    let mut socket = open(&server, &format!("{MULTI}&inactivity_timeout=10")).await;
    socket.text(json!({"text": " ", "context_id": "a"})).await;
    for _ in 0..2 {
        assert!(socket.is_quiet_for(Duration::from_millis(600)).await, "an empty text keeps it alive");
        socket.text(json!({"text": "", "context_id": "a"})).await;
    }
    assert!(socket.is_quiet_for(Duration::from_millis(600)).await);
    socket.text(json!({"text": ""})).await;
    assert_eq!(
        socket.json().await,
        json!({"isFinal": true, "contextId": "a"}),
        "the session is kept, not the context"
    );
    let error = socket.json().await;
    assert_eq!((&error["error"], &error["code"]), (&json!("input_timeout_exceeded"), &json!(1008)));
    assert!(matches!(socket.next().await, Next::Closed(Some(1008), _)));
}

#[tokio::test]
async fn the_single_context_endpoint_ends_with_an_empty_text() {
    let script = Script { alignment: AlignmentForm::Older, ..Script::default() };
    let server = Server::start(script).await;
    let mut socket = open(&server, &MULTI.replace("multi-stream-input", "stream-input")).await;
    socket.text(json!({"text": " ", "voice_settings": null, "xi-api-key": server.api_key()})).await;
    socket.text(json!({"text": "Hello there. ", "try_trigger_generation": true})).await;
    socket.text(json!({"text": ""})).await;
    let (mut messages, end) = socket.read_out().await;
    let last = messages.pop().unwrap();
    assert_eq!((&last["isFinal"], &last["audio"]), (&json!(true), &Value::Null));
    assert_eq!(letters(&messages), "Hello there. ");
    assert!(
        messages[0]["alignment"].get("charsDurationsMs").is_some() && messages[0].get("contextId").is_none()
    );
    assert_eq!(end, Next::Closed(Some(1000), String::new()));
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn speech_over_http_is_the_same_audio() {
    let server = Server::start(Script::default()).await;
    let url = format!("{}/v1/text-to-speech/rachel/stream?output_format=pcm_8000", server.url());
    let request = http().post(&url).header("xi-api-key", "test-key");
    let response =
        request.json(&json!({"text": TEXT, "model_id": "eleven_flash_v2_5"})).send().await.unwrap();
    assert_eq!(response.headers()["character-cost"], TEXT.len().to_string().as_str());
    assert_eq!(response.bytes().await.unwrap().len(), TEXT.len() * 60 * 8 * 2);
    server.assert_no_leftovers().await;
}
