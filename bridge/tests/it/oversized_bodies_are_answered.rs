//! A client that writes all of its body before it reads gets the refusal, not a reset connection.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vox_bridge::auth::role::Role;
use vox_shared::wire::SECRET_HEADER;

use crate::harness::TestBridge;

/// Far more than the kernel's buffers of both ends, and than any limit of the test bridge.
const BODY_BYTES: usize = 24 * 1024 * 1024;
/// The answer's end is told at once, not when the wait for the rest of a body is over.
const DEADLINE: Duration = Duration::from_secs(10);

/// Write everything, then read everything.
async fn told(bridge: &TestBridge, (request, credential): (&str, &str), is_chunked: bool) -> String {
    let mut stream = TcpStream::connect(bridge.url.trim_start_matches("http://")).await.unwrap();
    let framing = match is_chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {BODY_BYTES}"),
    };
    let head = format!("{request} HTTP/1.1\r\nhost: x\r\n{credential}\r\n{framing}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..BODY_BYTES / piece.len() {
        if is_chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        }
        stream.write_all(&piece).await.unwrap_or_else(|e| panic!("{request}: {e}"));
        if is_chunked {
            stream.write_all(b"\r\n").await.unwrap();
        }
    }
    if is_chunked {
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    }
    let mut answer = String::new();
    let read = timeout(DEADLINE, stream.read_to_string(&mut answer)).await;
    read.unwrap_or_else(|_| panic!("{request} is not ended")).unwrap_or_else(|e| panic!("{request}: {e}"));
    answer
}

#[tokio::test]
async fn every_kind_of_body_that_nobody_wants_gets_its_refusal() {
    let bridge = TestBridge::start().await;
    let person = format!("authorization: Bearer {}", bridge.token(Role::SuperAdmin).await);
    let secret = format!("{SECRET_HEADER}: {}", bridge.app.config.auth.internal_secret.expose_secret());
    let (person, secret, nobody) = (person.as_str(), secret.as_str(), "x-nobody: 1");
    for (request, credential, status) in [
        ("POST /api/v1/bots", person, "413"),
        ("PATCH /api/v1/bots/faq", person, "413"),
        ("POST /api/v1/auth/login", nobody, "413"),
        ("POST /api/v1/config/faq", secret, "413"),
        ("POST /api/v1/call-results", secret, "413"),
        ("PUT /api/v1/internal/recordings/long.wav", secret, "413"),
        ("POST /api/v1/bots", nobody, "401"),
        ("PUT /api/v1/internal/recordings/long.wav", nobody, "403"),
        ("POST /nowhere", nobody, "404"),
        ("POST /health", nobody, "405"),
    ] {
        for is_chunked in [false, true] {
            let answer = told(&bridge, (request, credential), is_chunked).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("application/json"), "{request}: {head}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"] == "too_large", status == "413", "{request}: {body}");
        }
    }
    assert!(bridge.get("/health").send().await.unwrap().status().is_success());
}

/// The store is found to be away when the first part of the recording is there, and the sender writes on.
#[cfg(feature = "s3")]
#[tokio::test]
async fn an_upload_into_a_store_that_is_away_gets_its_refusal() {
    let bridge = TestBridge::start_with(|config| {
        config.storage.s3 = Some(crate::s3_server::settings_of_nobody());
        config.storage.max_recording_bytes = 2 * BODY_BYTES as u64;
    })
    .await;
    let secret = format!("{SECRET_HEADER}: {}", bridge.app.config.auth.internal_secret.expose_secret());
    for is_chunked in [false, true] {
        let request = ("PUT /api/v1/internal/recordings/long.wav", secret.as_str());
        let answer = told(&bridge, request, is_chunked).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: 1"), "{answer}");
    }
}
