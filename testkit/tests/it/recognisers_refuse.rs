//! What the newer scripted recognisers refuse, as their vendors do.

use std::time::Duration;

use serde_json::{Value, json};
use vox_testkit::vendor::{assemblyai, flux, sarvam, soniox};

use crate::clients::{Next, Socket, silence};

const RATE: u32 = 16_000;

/// How a session ends after this was said, and the last message before the end.
async fn end(socket: Socket) -> (Option<Value>, Option<u16>) {
    let (messages, next) = socket.read_out().await;
    let Next::Closed(code, _) = next else { panic!("{next:?} after {messages:?}") };
    (messages.last().cloned(), code)
}

async fn assemblyai(server: &assemblyai::Server, query: &str) -> Socket {
    let path = format!("/v3/ws?speech_model=universal-streaming-english&sample_rate={RATE}{query}");
    Socket::open(&server.url(), &path, &[("authorization", "test-key")]).await.unwrap()
}

#[tokio::test]
async fn assemblyai_closes_with_its_codes() {
    let server = assemblyai::Server::start(assemblyai::Script::default()).await;
    let check = async |socket: Socket, code: u16| {
        let (last, closed) = end(socket).await;
        let last = last.expect("an error comes first");
        assert_eq!((&last["type"], &last["error_code"], closed), (&json!("Error"), &json!(code), Some(code)));
    };
    let mut short = assemblyai(&server, "").await;
    short.binary(silence(RATE, 20)).await;
    check(short, 3007).await;
    let mut long = assemblyai(&server, "").await;
    long.binary(vec![0; RATE as usize * 2 + 64]).await;
    check(long, 3007).await;
    let mut fast = assemblyai(&server, "").await;
    for _ in 0..3 {
        fast.binary(vec![0; RATE as usize * 2]).await;
    }
    check(fast, 3007).await;
    let mut unknown = assemblyai(&server, "").await;
    unknown.text(json!({"type": "Sing"})).await;
    check(unknown, 3006).await;
    check(assemblyai(&server, "&keyterms=a").await, 3006).await;
    let script = assemblyai::Script { max_session_ms: 50, ..assemblyai::Script::default() };
    let server = assemblyai::Server::start(script).await;
    check(assemblyai(&server, "").await, 3008).await;
}

async fn flux(server: &flux::Server) -> Socket {
    let path = format!("/v2/listen?model=flux-general-en&encoding=linear16&sample_rate={RATE}");
    let mut socket =
        Socket::open(&server.url(), &path, &[("authorization", "Token test-key")]).await.unwrap();
    assert_eq!(socket.json().await["type"], "Connected");
    socket
}

#[tokio::test]
async fn flux_knows_neither_keep_alive_nor_finalize_and_closes_without_a_code() {
    let server = flux::Server::start(flux::Script::default()).await;
    for message in ["KeepAlive", "Finalize"] {
        let mut socket = flux(&server).await;
        socket.text(json!({ "type": message })).await;
        let (last, code) = end(socket).await;
        assert_eq!(last.expect("an error")["code"], "UNPARSABLE_CLIENT_MESSAGE");
        assert_eq!(code, Some(1011), "{message}");
    }
    let mut socket = flux(&server).await;
    socket.text(json!({"type": "Configure", "thresholds": {"eager_eot_threshold": 0.9}})).await;
    assert_eq!(socket.json().await["type"], "ConfigureFailure");
    socket.text(json!({"type": "CloseStream"})).await;
    assert_eq!(end(socket).await, (None, None));
}

async fn soniox(server: &soniox::Server) -> Socket {
    let headers = [("authorization", "Bearer test-key")];
    Socket::open(&server.url(), "/transcribe-websocket", &headers).await.unwrap()
}

#[tokio::test]
async fn soniox_wants_its_settings_first_and_a_sign_of_life() {
    let script = soniox::Script { idle_timeout_ms: 1_000, ..soniox::Script::default() };
    let server = soniox::Server::start(script).await;
    let config =
        json!({"model": "stt-rt-v5", "audio_format": "pcm_s16le", "sample_rate": RATE, "num_channels": 1});
    let check = async |socket: Socket, code: u16| {
        let (last, _) = end(socket).await;
        assert_eq!(last.expect("an error")["error_code"], code);
    };
    let mut early = soniox(&server).await;
    early.binary(vec![0; 640]).await;
    check(early, 400).await;
    let mut twice = soniox(&server).await;
    let mut with_key = config.clone();
    with_key["api_key"] = json!("test-key");
    twice.text(with_key).await;
    check(twice, 400).await;
    let mut idle = soniox(&server).await;
    idle.text(&config).await;
    for _ in 0..2 {
        assert!(idle.is_quiet_for(Duration::from_millis(600)).await);
        idle.text(json!({"type": "keepalive"})).await;
    }
    check(idle, 408).await;
    let mut hasty = soniox(&server).await;
    hasty.text(&config).await;
    for _ in 0..2 {
        hasty.text(json!({"type": "finalize"})).await;
        assert_eq!(hasty.json().await["tokens"][0]["text"], "<fin>");
    }
    let violations = server.observed().violations().join("\n");
    assert!(violations.contains("too often"), "{violations}");
}

#[tokio::test]
async fn sarvam_refuses_before_and_after_the_handshake() {
    let server = sarvam::Server::start(sarvam::Script::default()).await;
    let headers = [("api-subscription-key", "test-key")];
    let open = async |path: &str| Socket::open(&server.url(), path, &headers).await;
    let refused = open("/speech-to-text/ws?language-code=hi").await.err().unwrap();
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("invalid_request_error")));
    let socket =
        open("/speech-to-text-realtime/ws?language_code=hi-IN&model=saaras:v4-realtime").await.unwrap();
    assert_eq!(end(socket).await, (None, Some(4000)));
    let mut socket = open("/speech-to-text-realtime/ws?language_code=auto").await.unwrap();
    assert_eq!(socket.json().await["event"], "session.begin");
    socket.text(json!({"event": "speech_end"})).await;
    let error = socket.json().await;
    assert_eq!((&error["event"], &error["is_fatal"]), (&json!("error"), &json!(false)));
    let mut socket = open("/speech-to-text/ws?language-code=hi-IN").await.unwrap();
    socket.text(json!({"audio": {"data": "AAAA", "encoding": "audio/wav", "sample_rate": 8000}})).await;
    let (last, _) = end(socket).await;
    assert_eq!(last.expect("an error")["type"], "error");
}
