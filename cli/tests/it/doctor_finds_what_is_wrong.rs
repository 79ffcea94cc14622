//! `vox doctor`: findings with what to do, vendor keys tried against their vendors, and an exit code.

use std::collections::HashMap;
use std::path::Path;

use axum::Json;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};

use super::platform::{text, vox};

/// A bridge, a fleet and three vendors behind one address.
async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let base = url.clone();
    let one = move |bot: &str, provider: &str, key: &str| json!({"bot_id": bot, "provider": provider, "api_key": key, "base_url": base});
    let uses = json!({"items": [
        one("b1", "deepgram", "good"), one("b2", "deepgram", "good"), one("b1", "elevenlabs", "bad"),
        one("b1", "openai", ""), one("b2", "elevenlabs", "restricted"), one("b2", "flite", ""),
    ]});
    let vendors = move |headers: HeaderMap| async move {
        let is_ours = headers.get("x-voxcore-secret").is_some_and(|secret| secret == "s");
        if is_ours { Ok(Json(uses)) } else { Err(StatusCode::UNAUTHORIZED) }
    };
    let router = Router::new()
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/health/fleet", get(|| async { Json(json!({"fleet_max": 2, "fleet_available": 1})) }))
        .route("/api/v1/internal/vendors", get(vendors))
        .route("/v1/projects", get(deepgram))
        .route("/v1/user", get(elevenlabs))
        .route("/models", get(|| async { Json(json!({"data": []})) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn deepgram(headers: HeaderMap) -> StatusCode {
    let is_good = headers.get("authorization").is_some_and(|key| key == "Token good");
    if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn elevenlabs(headers: HeaderMap) -> (StatusCode, &'static str) {
    match headers.get("xi-api-key").and_then(|key| key.to_str().ok()) {
        Some("restricted") => (StatusCode::UNAUTHORIZED, r#"{"detail":{"status":"missing_permissions"}}"#),
        _ => (StatusCode::UNAUTHORIZED, "{}"),
    }
}

fn tell_running(data_dir: &Path, url: &str) {
    std::fs::create_dir(data_dir.join("run")).unwrap();
    let up = json!({
        "bridge_url": url, "calls_url": url, "admin_email": "a", "admin_password": null, "internal_secret": "s", "bots": [],
    });
    std::fs::write(data_dir.join("run/up.json"), up.to_string()).unwrap();
}

/// The findings by name; several of one name are joined.
async fn examine(data_dir: &Path, allow: &str) -> (bool, HashMap<String, Vec<Value>>) {
    let mut command = tokio::process::Command::from(vox());
    command.args(["doctor", "--json", "--data-dir"]).arg(data_dir).env("VOX_EGRESS_ALLOW", allow);
    let output = command.output().await.unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_eq!(report["ok"].as_bool().unwrap(), output.status.success(), "{report}");
    let mut findings: HashMap<String, Vec<Value>> = HashMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let bad = finding["level"] != "ok";
        assert_eq!(bad, finding["mend"].is_string(), "whatever is wrong says what to do: {finding}");
        findings.entry(finding["name"].as_str().unwrap().to_owned()).or_default().push(finding.clone());
    }
    (output.status.success(), findings)
}

#[tokio::test]
async fn every_vendor_key_is_tried() {
    let directory = tempfile::tempdir().unwrap();
    tell_running(directory.path(), &serve().await);
    let (is_well, findings) = examine(directory.path(), "127.0.0.0/8").await;
    assert!(!is_well, "a key is refused");
    let levels = |name: &str| findings[name].iter().map(|f| f["level"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(levels("key of deepgram"), ["ok"], "one key of two bots is tried once");
    let deepgram = &findings["key of deepgram"][0];
    assert!(
        deepgram["latency_ms"].as_f64().unwrap() > 0.0
            && deepgram["detail"].as_str().unwrap().contains("b1, b2")
    );
    assert_eq!(levels("key of openai"), ["ok"], "a server of one's own may need no key");
    assert_eq!(levels("key of elevenlabs"), ["fail", "ok"], "refused, and restricted but good");
    assert_eq!(levels("clock against others"), ["ok"]);
    assert_eq!(levels("bridge"), ["ok"]);
    assert!(findings["workers"][0]["detail"].as_str().unwrap().contains("1 of 2"));
    assert!(!findings.contains_key("key of flite"));
}

#[tokio::test]
async fn a_private_address_is_not_asked_unless_it_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    tell_running(directory.path(), &serve().await);
    let (_, findings) = examine(directory.path(), "").await;
    let deepgram = &findings["key of deepgram"][0];
    assert_eq!(deepgram["level"], "fail");
    assert!(deepgram["detail"].as_str().unwrap().contains("VOX_EGRESS_ALLOW"), "{deepgram}");
}

#[tokio::test]
async fn a_platform_that_does_not_answer_is_broken() {
    let directory = tempfile::tempdir().unwrap();
    tell_running(directory.path(), "http://127.0.0.1:1");
    let (is_well, findings) = examine(directory.path(), "").await;
    assert!(!is_well);
    assert_eq!(findings["bridge"][0]["level"], "fail");
}

#[tokio::test]
async fn the_machine_is_examined_without_a_platform() {
    let directory = tempfile::tempdir().unwrap();
    let (_, findings) = examine(directory.path(), "").await;
    for name in [
        "programs",
        "models",
        "data directory",
        "disk space",
        "open files",
        "clock",
        "timers",
        "port of calls",
        "port of bridge",
        "platform",
    ] {
        assert!(findings.contains_key(name), "{name} in {findings:?}");
    }
    let mut command = tokio::process::Command::from(vox());
    command.args(["doctor", "--models-dir", "/nonexistent", "--data-dir"]).arg(directory.path());
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("FAIL  models") && said.contains("→ run scripts/fetch-models.sh"), "{said}");
}
