//! A vendor's key serves only so many calls at once, over all workers: a call that finds it full begins with the next of its list, a
//! fall-back is asked for, a dialout is refused before it rings, and no call is lost for a limit.

use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::store::settings::SETTINGS;
use vox_bridge::vendors::permits::Full;
use vox_shared::ids::VoiceId;
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::answers::Service;
use vox_shared::wire::permit::Beside;
use vox_testkit::worker::ScriptedWorker;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

struct Stage {
    bridge: TestBridge,
    settings: BotSettings,
    bot: String,
}

impl Stage {
    /// With a bot that has one vendor of each kind, and a recogniser behind the first where `behind` says so.
    async fn start(behind: Value) -> Self {
        let bridge = TestBridge::start().await;
        let settings = json!({
            "name": "Limited", "llm": {"provider": "groq", "api_key": "gsk-0123456789abcdef"},
            "stt": {"provider": "deepgram", "api_key": "dg-0123456789abcdef", "fallbacks": behind},
        });
        let settings: BotSettings = serde_json::from_value(settings).unwrap();
        let bot = bridge.insert_bot(&bridge.tenant(), settings.clone()).await.to_string();
        Self { bridge, settings, bot }
    }

    async fn put(&self, items: Value) -> Response {
        let operator = self.bridge.token(Role::SuperAdmin).await;
        let path = "/api/v1/settings/vendor-limits";
        self.bridge.send(Method::PUT, path, &operator, json!({"items": items})).await
    }

    async fn limit(&self, service: &str, provider: &str, streams: u32) {
        let row = json!({"service": service, "provider": provider, "streams": streams});
        let set = json(self.put(json!([row])).await, StatusCode::OK).await;
        assert_eq!(set["vendor_limits"][0]["streams"], streams);
    }

    async fn config(&self, session: &str, worker: &str) -> Value {
        let query = [("session_id", session), ("worker_id", worker)];
        json(self.bridge.fetch_config(&self.bot, &query).await, StatusCode::OK).await
    }

    /// The worker registers, with its call and the permits of it.
    async fn says(&self, worker: &str, session: Option<&str>, permits: &[&str]) {
        let report = json!({
            "worker_id": worker, "host": "h", "address": "http://127.0.0.1:9", "slots": 1, "calls": u32::from(session.is_some()),
            "build": "t", "draining": false, "pid": 7, "session_id": session, "permits": permits,
        });
        let sent = self.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report);
        assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
    }

    async fn asks(&self, session: &str, name: &str) -> Value {
        let path = format!("/api/v1/internal/calls/{session}/permits");
        let asked = self.bridge.internal(Method::POST, &path).json(&json!({"name": name}));
        json(asked.send().await.unwrap(), StatusCode::OK).await["granted"].clone()
    }

    /// How often calls came to the recogniser so.
    async fn came(&self, outcome: &str) -> u32 {
        let metrics = self.bridge.metrics().await;
        let name =
            format!("vendor_permits_total{{service=\"stt\",provider=\"deepgram\",outcome=\"{outcome}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
    }
}

/// The permit of a recogniser at this place.
fn permit(config: &Value, place: u64) -> &Value {
    let permits = config["permits"].as_array().unwrap();
    permits.iter().find(|permit| permit["service"] == "stt" && permit["place"] == place).unwrap()
}

#[tokio::test]
async fn a_call_that_finds_a_key_full_begins_with_the_next_vendor_until_there_is_room() {
    let stage = Stage::start(json!([{"provider": "pocketsphinx"}])).await;
    stage.limit("stt", "deepgram", 1).await;
    let first = stage.config("call_1", "w1").await;
    assert_eq!((&first["stt"]["provider"], &permit(&first, 0)["held"]), (&json!("deepgram"), &json!(true)));
    let name = permit(&first, 0)["name"].as_str().unwrap();
    assert!(!name.contains("dg-"), "{name}");
    // What its vendor publishes, in the share of one call.
    let of_model = first["permits"].as_array().unwrap().iter().find(|permit| permit["service"] == "llm");
    assert_eq!(of_model.unwrap()["requests_per_minute"], 20);

    let token = stage.bridge.token(Role::Admin).await;
    let shown = stage.bridge.get("/api/v1/vendors").bearer_auth(token).send().await.unwrap();
    let shown = json(shown, StatusCode::OK).await;
    let of_deepgram =
        shown["items"].as_array().unwrap().iter().find(|one| one["provider"] == "deepgram").unwrap();
    let limits = json!([
        {"service": "stt", "calls_at_once": 1, "requests_per_call": null},
        {"service": "tts", "calls_at_once": 15, "requests_per_call": null},
    ]);
    assert_eq!(of_deepgram["limits"], limits);

    let second = stage.config("call_2", "w2").await;
    assert_eq!(second["stt"]["provider"], "pocketsphinx");
    assert_eq!(second["stt"]["fallbacks"][0]["provider"], "deepgram");
    let behind = permit(&second, 1);
    assert_eq!((&behind["held"], behind["name"].as_str()), (&json!(false), Some(name)));
    // Asking again changes nothing, and the call that has it keeps it.
    assert_eq!(stage.config("call_1", "w1").await["stt"]["provider"], "deepgram");
    assert_eq!(stage.asks("call_2", name).await, false);

    // While its worker speaks for the call it stays; when the worker has no call any more there is room.
    stage.says("w1", Some("call_1"), &[name]).await;
    assert_eq!(stage.asks("call_2", name).await, false);
    stage.says("w1", None, &[]).await;
    assert_eq!(stage.asks("call_2", name).await, true);
    // Its worker says it from now on, and a third call finds no room.
    stage.says("w2", Some("call_2"), &[name]).await;
    assert_eq!(stage.config("call_3", "w3").await["stt"]["provider"], "pocketsphinx");
    assert_eq!(stage.asks("call_3", "vendor:stt:nobody:00").await, true, "nobody knows of a limit");
    let counts = [stage.came("first").await, stage.came("next").await, stage.came("refused").await];
    assert_eq!((counts, stage.came("fall_back").await), ([2, 2, 2], 1));
}

/// A person of ours who talks with the caller is heard by another stream of the same key.
#[tokio::test]
async fn an_ear_beside_the_callers_is_counted_by_itself() {
    let stage = Stage::start(json!([{"provider": "pocketsphinx"}])).await;
    stage.limit("stt", "deepgram", 2).await;
    let first = stage.config("call_1", "w1").await;
    let name = permit(&first, 0)["name"].as_str().unwrap();
    let (aloud, whispered) = (Beside::Aloud.name(name), Beside::Whispered.name(name));
    assert_eq!(stage.asks("call_1", &aloud).await, true);
    assert_eq!(stage.asks("call_1", &aloud).await, true, "it has it");
    assert_eq!(stage.asks("call_1", &whispered).await, false, "both streams are in use");
    assert_eq!(stage.config("call_2", "w2").await["stt"]["provider"], "pocketsphinx");
    stage.says("w1", Some("call_1"), &[name, &aloud]).await;
    assert_eq!(stage.asks("call_2", name).await, false);
    // With the call both are free.
    stage.says("w1", None, &[]).await;
    assert_eq!(stage.asks("call_2", name).await, true);
    assert_eq!(stage.config("call_3", "w3").await["stt"]["provider"], "deepgram");
    assert_eq!(stage.config("call_4", "w4").await["stt"]["provider"], "pocketsphinx");
    // A call has no other ears.
    let third = json!({"name": format!("{name}::third")});
    let path = "/api/v1/internal/calls/call_2/permits";
    let asked = stage.bridge.internal(Method::POST, path).json(&third).send().await.unwrap();
    assert_eq!(wrong_fields(asked).await, ["name"]);
}

/// The worker's word that its call has ended may be lost, or reach another bridge: its next call says so too.
#[tokio::test]
async fn a_worker_that_begins_its_next_call_has_left_the_one_before() {
    let stage = Stage::start(json!([{"provider": "pocketsphinx"}])).await;
    stage.limit("stt", "deepgram", 1).await;
    assert_eq!(stage.config("call_1", "w1").await["stt"]["provider"], "deepgram");
    assert_eq!(stage.config("call_2", "w1").await["stt"]["provider"], "deepgram");
    // The one that it has now it keeps.
    assert_eq!(stage.config("call_2", "w1").await["stt"]["provider"], "deepgram");
    assert_eq!(stage.config("call_3", "w2").await["stt"]["provider"], "pocketsphinx");
    stage.says("w1", None, &[]).await;
    assert_eq!(stage.config("call_4", "w3").await["stt"]["provider"], "deepgram");
}

#[tokio::test]
async fn no_call_is_lost_for_a_limit_and_none_is_placed_against_it() {
    let stage = Stage::start(json!([])).await;
    stage.limit("stt", "deepgram", 1).await;
    let (bridge, tenant) = (&stage.bridge, stage.bridge.tenant());
    let kept = bridge
        .app
        .permits
        .keep(&tenant, &stage.settings)
        .await
        .unwrap()
        .unwrap_or_else(|full| panic!("{full}"));
    let refused = bridge.app.permits.keep(&tenant, &stage.settings).await.unwrap();
    assert_eq!(refused.err(), Some(Full(Service::Stt)));
    let key = bridge.key(&[Scope::DialoutWrite]).await;
    let order = json!({"bot_id": stage.bot, "to_number": "+14155550100"});
    let asked =
        key.sign(bridge.request(Method::POST, "/api/v1/sip/dialout")).json(&order).send().await.unwrap();
    assert_eq!(asked.headers()["retry-after"], "10");
    assert_eq!(refusal(asked, StatusCode::SERVICE_UNAVAILABLE).await, "vendors_full");
    // The call that was placed has what was taken for it.
    kept.pass_on("call_1").await;
    assert_eq!(permit(&stage.config("call_1", "w1").await, 0)["held"], true);
    assert_eq!(stage.came("first").await, 1);
    // A call that comes has nobody else to ask, and asks.
    let second = stage.config("call_2", "w2").await;
    assert_eq!((&second["stt"]["provider"], &permit(&second, 0)["held"]), (&json!("deepgram"), &json!(true)));
    assert_eq!(stage.came("over").await, 1);
}

/// What was taken before it rang is the call's, though nobody speaks for the call yet.
#[tokio::test]
async fn a_call_that_was_placed_has_what_was_taken_for_it() {
    let stage = Stage::start(json!([])).await;
    stage.limit("stt", "deepgram", 1).await;
    let bridge = &stage.bridge;
    let mut workers = Vec::new();
    for id in ["w1", "w2"] {
        let worker = ScriptedWorker::start(bridge.app.config.auth.internal_secret.expose_secret()).await;
        let report = json!({
            "worker_id": id, "host": id, "address": worker.url(), "slots": 1, "calls": 0, "build": "t", "draining": false, "pid": 7,
        });
        let sent = bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::OK);
        workers.push(worker);
    }
    let key = bridge.key(&[Scope::DialoutWrite]).await;
    let dial = async |to: &str| {
        let order = json!({"bot_id": stage.bot, "to_number": to});
        key.sign(bridge.request(Method::POST, "/api/v1/sip/dialout")).json(&order).send().await.unwrap()
    };
    let placed = json(dial("+14155550100").await, StatusCode::OK).await;
    // Whatever was given back is free by the end of another request.
    assert_eq!(stage.came("first").await, 0);
    assert_eq!(refusal(dial("+14155550101").await, StatusCode::SERVICE_UNAVAILABLE).await, "vendors_full");
    let call = placed["call_id"].as_str().unwrap();
    assert_eq!(permit(&stage.config(call, "w1").await, 0)["held"], true);
    assert_eq!((stage.came("first").await, stage.came("over").await), (1, 0));
    assert_eq!(workers.iter().map(|worker| worker.orders().len()).sum::<usize>(), 1);
}

/// The voice's account was counted by its call alone, and a dialout by an account that nobody asks.
#[tokio::test]
async fn a_dialout_counts_the_account_that_its_calls_voice_has() {
    let stage = Stage::start(json!([])).await;
    stage.limit("tts", "elevenlabs", 1).await;
    let (bridge, tenant, id) = (&stage.bridge, stage.bridge.tenant(), VoiceId::generate());
    let now = bridge.now().to_string();
    let voice = json!({
        "tenant_id": tenant, "created_at": now, "updated_at": now, "name": "Asha", "language": "", "provider": "elevenlabs",
        "api_key": "xi-0123456789abcdef", "state": "ready", "vendor_voice_id": "v1",
        "clip": {"format": "wav", "size_bytes": 1, "sha256": "00", "duration_ms": 1, "sample_rate": 8000, "channels": 1},
        "consent": {"statement": "I agree", "given_by": "Asha", "given_at": now, "recorded_by": "usr", "recorded_at": now},
    });
    let voice = serde_json::from_value(voice).unwrap();
    bridge.app.stores.voices(&tenant).insert_voice(&id, &voice).await.unwrap();
    let mut settings = stage.settings.clone();
    settings.tts = serde_json::from_value(json!({"provider": "elevenlabs", "voice": id})).unwrap();
    let bot = bridge.insert_bot(&tenant, settings.clone()).await.to_string();
    let query = [("session_id", "call_1"), ("worker_id", "w1")];
    let config = json(bridge.fetch_config(&bot, &query).await, StatusCode::OK).await;
    assert_eq!(config["tts"]["api_key"], "xi-0123456789abcdef");
    let refused = bridge.app.permits.keep(&tenant, &settings).await.unwrap();
    assert_eq!(refused.err(), Some(Full(Service::Tts)), "the call has the only place");
}

#[tokio::test]
async fn what_is_passed_over_stands_in_the_calls_routing() {
    let stage = Stage::start(json!([{"provider": "pocketsphinx"}])).await;
    stage.limit("stt", "deepgram", 1).await;
    let operator = stage.bridge.token(Role::SuperAdmin).await;
    let budget = json!({"budget_ms": 900});
    let set = stage.bridge.send(Method::PUT, "/api/v1/settings/routing", &operator, budget).await;
    assert_eq!(set.status(), StatusCode::OK);
    assert_eq!(stage.config("call_1", "w1").await["routing"]["left_out"], json!([]));
    let routing = stage.config("call_2", "w2").await["routing"].clone();
    assert_eq!(routing["picked"]["stt"], json!({"provider": "pocketsphinx", "model": "", "place": 1}));
    assert_eq!((&routing["why"], &routing["predicted_ms"]), (&json!("unusable"), &Value::Null));
    assert_eq!(routing["left_out"][0], "stt.0 (deepgram): its key serves as many calls as it may");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_and_damaged_ones_refuse_no_call() {
    let stage = Stage::start(json!([])).await;
    let row = |provider: &str, more: Value| {
        let mut row = json!({"service": "stt", "provider": provider});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    for (items, field) in [
        (json!([row("pocketsphinx", json!({}))]), "items.0.provider"),
        (json!([row("groq", json!({}))]), "items.0.provider"),
        (json!([row("deepgram", json!({"streams": 0}))]), "items.0.streams"),
        (json!([row("deepgram", json!({"requests_per_call": 3}))]), "items.0.requests_per_call"),
        (
            json!([row("deepgram", json!({"streams": 3})), row("deepgram_flux", json!({"streams": 3}))]),
            "items.1",
        ),
    ] {
        assert_eq!(wrong_fields(stage.put(items).await).await, [field]);
    }
    // Without a limit there is nothing to ask for.
    assert_eq!(stage.put(json!([row("deepgram", json!({"streams": null}))])).await.status(), StatusCode::OK);
    let free = stage.config("call_1", "w1").await;
    assert!(free["permits"].as_array().unwrap().iter().all(|permit| permit["service"] == "llm"), "{free}");
    let of = stage.bridge.tenant();
    stage.bridge.damage(&SETTINGS, of.as_str(), "vendor_limits", json!(7)).await;
    stage.bridge.clock.advance(jiff::SignedDuration::from_secs(5));
    assert_eq!(stage.config("call_2", "w2").await.get("permits"), None);
}
