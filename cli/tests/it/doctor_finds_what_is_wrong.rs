//! `vox doctor`: findings with what to do, vendor keys tried against their vendors, and an exit code.

use std::collections::HashMap;
use std::path::Path;

use actix_web::web::{self, Json};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};
use vox_harness::free_address;
use vox_testkit::vendor::faults::Faults;
use vox_testkit::vendor::{cartesia, resemble, sarvam, soniox};

use super::platform::{text, vox};

/// A bridge, a fleet and some vendors behind one address.
async fn serve() -> String {
    serve_with(Value::Null).await
}

/// The same with bots that use these vendors, or those that are there.
async fn serve_with(uses: Value) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let base = url.clone();
    let one = move |bot: &str, provider: &str, key: &str| json!({"bot_id": bot, "provider": provider, "api_key": key, "base_url": base});
    let there = json!({"items": [
        one("b1", "deepgram", "good"), one("b2", "deepgram", "good"), one("b1", "elevenlabs", "bad"),
        one("b1", "openai", ""), one("b2", "elevenlabs", "restricted"), one("b2", "flite", ""),
        one("b1", "anthropic", "good"), one("b1", "gemini", "bad"), one("b1", "vertex", "{}"),
    ]});
    let uses = if uses.is_null() { there } else { uses };
    let server = HttpServer::new(move || {
        let uses = uses.clone();
        let vendors = move |asked: HttpRequest| {
            let is_admin = header(&asked, "authorization") == "Bearer t";
            let uses = uses.clone();
            async move {
                if is_admin { HttpResponse::Ok().json(uses) } else { HttpResponse::Forbidden().finish() }
            }
        };
        let always = |answer: Value| move || std::future::ready(HttpResponse::Ok().json(answer.clone()));
        App::new()
            .route("/health", web::get().to(always(json!({"status": "ok"}))))
            .route("/health/fleet", web::get().to(always(json!({"fleet_max": 2, "fleet_available": 1}))))
            .route("/api/v1/auth/login", web::post().to(login))
            .route("/api/v1/vendor-keys", web::get().to(vendors))
            .route("/v1/projects", web::get().to(deepgram))
            .route("/v1/user", web::get().to(elevenlabs))
            .route("/v1/models", web::get().to(anthropic))
            .route("/v1beta/models", web::get().to(gemini))
            .route("/models", web::get().to(always(json!({"data": []}))))
    });
    tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    url
}

fn header<'r>(asked: &'r HttpRequest, name: &str) -> &'r str {
    asked.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn login(body: Json<Value>) -> HttpResponse {
    if *body == json!({"email": "a", "password": "p"}) {
        HttpResponse::Ok().json(json!({"access_token": "t"}))
    } else {
        HttpResponse::Unauthorized().finish()
    }
}

async fn deepgram(asked: HttpRequest) -> HttpResponse {
    let is_good = header(&asked, "authorization") == "Token good";
    if is_good { HttpResponse::Ok().finish() } else { HttpResponse::Unauthorized().finish() }
}

/// No question without a version.
async fn anthropic(asked: HttpRequest) -> HttpResponse {
    let is_good =
        header(&asked, "x-api-key") == "good" && header(&asked, "anthropic-version") == "2023-06-01";
    if is_good { HttpResponse::Ok().finish() } else { HttpResponse::BadRequest().finish() }
}

/// Google's answer to a key that is none.
async fn gemini(_: HttpRequest) -> HttpResponse {
    let error =
        json!({"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]});
    HttpResponse::BadRequest().json(json!({ "error": error }))
}

async fn elevenlabs(asked: HttpRequest) -> HttpResponse {
    match header(&asked, "xi-api-key") {
        "restricted" => HttpResponse::Unauthorized().body(r#"{"detail":{"status":"missing_permissions"}}"#),
        _ => HttpResponse::Unauthorized().body("{}"),
    }
}

fn tell_running(data_dir: &Path, url: &str) {
    std::fs::create_dir(data_dir.join("run")).unwrap();
    let up = json!({
        "bridge_url": url, "calls_url": url, "admin_email": "a", "admin_password": "p", "internal_secret": "s", "bots": [],
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
    // A server on the same machine may answer in less than what is told.
    assert!(deepgram["latency_ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{deepgram}");
    assert!(deepgram["detail"].as_str().unwrap().contains("b1, b2"), "{deepgram}");
    assert_eq!(levels("key of openai"), ["ok"], "a server of one's own may need no key");
    assert_eq!(levels("key of elevenlabs"), ["fail", "ok"], "refused, and restricted but good");
    assert_eq!(levels("key of anthropic"), ["ok"]);
    assert_eq!(levels("key of gemini"), ["fail"], "a key that is none, whatever the status");
    let vertex = &findings["key of vertex"][0];
    assert_eq!(vertex["level"], "fail");
    assert!(vertex["detail"].as_str().unwrap().contains("has no `client_email`"), "{vertex}");
    assert_eq!(levels("clock against others"), ["ok"]);
    assert_eq!(levels("bridge"), ["ok"]);
    assert!(findings["workers"][0]["detail"].as_str().unwrap().contains("1 of 2"));
    assert!(!findings.contains_key("key of flite"));
}

/// Vendors that can be asked nothing over HTTP open a connection for a good key.
#[tokio::test]
async fn a_key_is_shown_at_the_door_of_a_vendor_that_answers_no_questions() {
    let (soniox, cartesia) =
        (soniox::Server::start(Default::default()).await, cartesia::Server::start(Default::default()).await);
    let (sarvam, resemble) =
        (sarvam::Server::start(Default::default()).await, resemble::Server::start(Default::default()).await);
    let faults = Faults { status: Some(503), ..Faults::default() };
    resemble.set_faults(faults);
    let nobody = format!("http://{}", free_address());
    let one = |provider: &str, key: &str, url: String| json!({"bot_id": "b1", "provider": provider, "api_key": key, "base_url": url});
    let uses = json!({"items": [
        one("soniox", soniox.api_key(), soniox.url()), one("soniox", "wrong", soniox.url()),
        one("cartesia", cartesia.api_key(), cartesia.url()), one("sarvam", "wrong", sarvam.url()),
        one("resemble", resemble.api_key(), resemble.url()), one("sarvam", sarvam.api_key(), nobody),
        one("cartesia", "k", soniox.url()),
    ]});
    let directory = tempfile::tempdir().unwrap();
    tell_running(directory.path(), &serve_with(uses).await);
    let (is_well, findings) = examine(directory.path(), "127.0.0.0/8").await;
    assert!(!is_well);
    let of = |vendor: &str| {
        let told = findings[&format!("key of {vendor}")].iter();
        told.map(|one| (one["level"].as_str().unwrap(), one["detail"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let check = |vendor: &str, expected: &[(&str, &str)]| {
        let found = of(vendor);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((level, detail), (wanted, part)) in found.iter().zip(expected) {
            assert!(
                level == wanted && detail.contains(part),
                "{vendor}: {level} {detail}, not {wanted} {part}"
            );
        }
    };
    check("soniox", &[("ok", "a connection opens"), ("fail", "it is refused: soniox answered 401")]);
    check("cartesia", &[("ok", "a connection opens"), ("warn", "cartesia answered 404")]);
    check("sarvam", &[("fail", "it is refused: sarvam answered 403"), ("fail", "not reached")]);
    check("resemble", &[("warn", "the vendor is out of order: resemble answered 503")]);
}

/// One secret that all workers share opened every tenant's keys.
#[tokio::test]
async fn keys_are_asked_for_as_an_administrator() {
    let directory = tempfile::tempdir().unwrap();
    tell_running(directory.path(), &serve().await);
    let up = directory.path().join("run/up.json");
    let changed =
        std::fs::read_to_string(&up).unwrap().replace(r#""admin_password":"p""#, r#""admin_password":null"#);
    std::fs::write(&up, changed).unwrap();
    let (_, findings) = examine(directory.path(), "127.0.0.0/8").await;
    let untried = &findings["vendor keys"][0];
    assert_eq!(untried["level"], "warn");
    assert!(untried["mend"].as_str().unwrap().contains("VOX_ADMIN_PASSWORD"), "{untried}");
    for (password, level) in [("wrong", "warn"), ("p", "fail")] {
        let mut command = tokio::process::Command::from(vox());
        command.args(["doctor", "--json", "--data-dir"]).arg(directory.path());
        let output = command.env("VOX_ADMIN_PASSWORD", password).output().await.unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let about = |name: &str| name == "vendor keys" || name == "key of deepgram";
        let found = report["findings"].as_array().unwrap();
        let found = found.iter().find(|f| about(f["name"].as_str().unwrap())).unwrap();
        // Without VOX_EGRESS_ALLOW the loopback address is not asked.
        assert_eq!(found["level"], level, "{found}");
    }
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
