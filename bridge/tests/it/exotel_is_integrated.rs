//! A tenant's account with Exotel: its credentials are kept and never shown, its numbers are found like all others, and Exotel is asked to
//! place a call.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::bot::line::LIFE_SECONDS;
use vox_bridge::store::exotel::EXOTEL_ACCOUNTS;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;
use vox_testkit::exotel::ScriptedExotel;
use vox_testkit::receiver::Manner;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

const ACCOUNT: &str = "/api/v1/integrations/exotel";
const DIDS: &str = "/api/v1/integrations/exotel/dids";
const TEST_CALL: &str = "/api/v1/integrations/exotel/test-call";
const KEY: &str = "key-canary-31";
const TOKEN: &str = "token-canary-32";
const LINE: &str = "line-token/with@signs";

struct Scene {
    bridge: TestBridge,
    exotel: ScriptedExotel,
    token: String,
    bot: BotId,
}

impl Scene {
    async fn start() -> Self {
        let media = Some("wss://media.example.com".to_owned());
        let bridge = TestBridge::start_with(|config| config.server.media_url = media).await;
        let token = bridge.token(Role::SuperAdmin).await;
        let mut settings = serde_json::to_value(BotSettings::default()).unwrap();
        settings["line_access"] = json!({"token": LINE, "addresses": []});
        settings["max_call_duration_seconds"] = json!(300);
        let settings = serde_json::from_value(settings).unwrap();
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
        let exotel = ScriptedExotel::start("acme1", KEY, TOKEN).await.unwrap();
        Self { bridge, exotel, token, bot }
    }

    fn account(&self) -> Value {
        json!({"account_sid": "acme1", "api_url": self.exotel.url(), "api_key": KEY, "api_token": TOKEN})
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        self.bridge.send(method, path, &self.token, body).await
    }

    async fn ok(&self, method: Method, path: &str, body: Value) -> Value {
        json(self.send(method, path, body).await, StatusCode::OK).await
    }

    async fn number(&self, body: Value) -> Value {
        json(self.send(Method::POST, DIDS, body).await, StatusCode::CREATED).await
    }
}

#[tokio::test]
async fn an_account_is_kept_sealed_and_its_numbers_are_found_like_all_others() {
    let scene = Scene::start().await;
    let bridge = &scene.bridge;
    for (method, path) in [(Method::GET, ACCOUNT), (Method::GET, DIDS), (Method::DELETE, ACCOUNT)] {
        assert_eq!(scene.send(method, path, Value::Null).await.status(), StatusCode::NOT_FOUND);
    }
    for (bad, fields) in [
        (json!({"account_sid": "a b", "api_key": "", "api_token": "x"}), vec!["account_sid", "api_key"]),
        (json!({"account_sid": "a"}), vec!["api_key", "api_token"]),
        (json!({"account_sid": "a", "api_key": "k:1", "api_token": "x"}), vec!["api_key"]),
        (
            json!({"account_sid": "a", "api_key": "k", "api_token": "x", "api_url": "http://10.0.0.1/v1"}),
            vec!["api_url"],
        ),
    ] {
        assert_eq!(wrong_fields(scene.send(Method::PUT, ACCOUNT, bad).await).await, fields);
    }
    let made = scene.ok(Method::PUT, ACCOUNT, scene.account()).await;
    assert_eq!((&made["api_key_set"], &made["api_token_set"]), (&json!(true), &json!(true)));
    assert_eq!(scene.ok(Method::GET, ACCOUNT, Value::Null).await, made);
    let kept = bridge.engine.get(&EXOTEL_ACCOUNTS, "default".into()).await.unwrap().unwrap();
    let kept = Value::Object(kept.body).to_string();
    for shown in [&kept, &made.to_string()] {
        assert!(!shown.contains(KEY) && !shown.contains(TOKEN), "{shown}");
    }

    let did = scene.number(json!({"number": "080 4567 8901", "bot_id": scene.bot, "label": "Sales"})).await;
    let address = format!("wss://media.example.com/exotel/{}", scene.bot);
    assert_eq!((&did["websocket_url"], &did["carrier_id"]), (&json!(address), &made["carrier_id"]));
    for (bad, field) in [
        (json!({"number": "x"}), "number"),
        (json!({"number": "112", "bot_id": "bot_of_nobody"}), "bot_id"),
        (json!({"number": "112", "flow_url": "ftp://x"}), "flow_url"),
    ] {
        assert_eq!(wrong_fields(scene.send(Method::POST, DIDS, bad).await).await, [field]);
    }
    let taken = scene.send(Method::POST, DIDS, json!({"number": "+918045678901"})).await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "number_taken");
    let found =
        bridge.internal(Method::GET, "/api/v1/sip/lookup?number=%2B918045678901").send().await.unwrap();
    let expected = json!({"bot_id": scene.bot, "carrier_id": made["carrier_id"], "did_id": did["id"]});
    assert_eq!(json(found, StatusCode::OK).await, expected);
    let trunk = bridge.internal(Method::GET, "/api/v1/sip/outbound-trunk?from_number=%2B918045678901");
    assert_eq!(trunk.send().await.unwrap().status(), StatusCode::NOT_FOUND, "it has no SIP trunk");
    let numbers = scene.ok(Method::GET, "/v1/numbers", Value::Null).await;
    assert_eq!(numbers["items"][0]["id"], did["id"]);

    // Another tenant sees none of it, and admins may not change it.
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.token_of(&other, Role::SuperAdmin).await;
    let one = format!("{DIDS}/{}", did["id"].as_str().unwrap());
    for (method, path) in [(Method::GET, ACCOUNT), (Method::DELETE, &one)] {
        assert_eq!(bridge.send(method, path, &stranger, Value::Null).await.status(), StatusCode::NOT_FOUND);
    }
    let admin = bridge.token(Role::Admin).await;
    let refused = bridge.send(Method::PUT, ACCOUNT, &admin, scene.account()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    let changed = scene.ok(Method::PUT, &one, json!({"label": "Old"})).await;
    assert_eq!((&changed["bot_id"], &changed["websocket_url"]), (&Value::Null, &Value::Null));
    let nobody = bridge.internal(Method::GET, "/api/v1/sip/lookup?number=%2B918045678901").send().await;
    assert_eq!(nobody.unwrap().status(), StatusCode::NOT_FOUND);
    let full = scene.send(Method::DELETE, ACCOUNT, Value::Null).await;
    assert_eq!(refusal(full, StatusCode::CONFLICT).await, "carrier_has_numbers");
    for path in [&one, ACCOUNT] {
        let gone = scene.send(Method::DELETE, path, Value::Null).await;
        assert_eq!(gone.status(), StatusCode::NO_CONTENT, "{path}");
    }
    assert_eq!(scene.send(Method::GET, ACCOUNT, Value::Null).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn exotel_is_asked_to_call_as_it_wants_to_be() {
    let scene = Scene::start().await;
    scene.ok(Method::PUT, ACCOUNT, scene.account()).await;
    let did = scene.number(json!({"number": "+918045678901", "bot_id": scene.bot})).await;
    let call = |did: &Value| json!({"did_id": did["id"], "to_number": "098765 43210"});
    let placed = scene.ok(Method::POST, TEST_CALL, call(&did)).await;
    assert_eq!(
        (&placed["placed"], &placed["call_sid"], &placed["status"], &placed["attempt"]["error"]),
        (&json!(true), &json!("sid1"), &json!("in-progress"), &Value::Null),
        "{placed}"
    );
    let asked = scene.exotel.asked().remove(0);
    let field = |name: &str| asked.fields.get(name).map(String::as_str);
    assert_eq!((field("From"), field("CallerId")), (Some("+919876543210"), Some("+918045678901")));
    assert_eq!(field("TimeLimit"), Some("300"));
    // A token of this call opens this bot's line and no other, for a while; the bot's own is told to nobody.
    let stream = field("StreamUrl").unwrap().parse::<reqwest::Url>().unwrap();
    assert_eq!(
        (stream.scheme(), stream.host_str(), stream.path(), stream.username()),
        ("wss", Some("media.example.com"), format!("/exotel/{}", scene.bot).as_str(), "vox")
    );
    let line = stream.password().unwrap();
    assert!(!line.contains("line-token"), "{stream}");
    let mut guarded = serde_json::to_value(BotSettings::default()).unwrap();
    guarded["line_access"] = json!({"token": "another-line", "addresses": []});
    let other =
        scene.bridge.insert_bot(&scene.bridge.tenant(), serde_json::from_value(guarded).unwrap()).await;
    let opens = async |bot: &BotId| {
        scene
            .bridge
            .fetch_config(bot.as_str(), &[("transport", "exotel"), ("line_token", line)])
            .await
            .status()
    };
    assert_eq!((opens(&scene.bot).await, opens(&other).await), (StatusCode::OK, StatusCode::FORBIDDEN));
    scene.bridge.clock.advance(SignedDuration::from_secs(LIFE_SECONDS + 10));
    assert_eq!(opens(&scene.bot).await, StatusCode::FORBIDDEN, "it has expired");
    assert!(!placed.to_string().contains("line-token"), "{placed}");

    let flow = "http://my.exotel.com/acme1/exoml/start_voice/7";
    let one = format!("{DIDS}/{}", did["id"].as_str().unwrap());
    scene.ok(Method::PUT, &one, json!({"bot_id": scene.bot, "flow_url": flow})).await;
    assert_eq!(scene.ok(Method::POST, TEST_CALL, call(&did)).await["placed"], true);
    assert_eq!(scene.exotel.asked()[1].fields.get("Url").map(String::as_str), Some(flow));

    // What refuses a dialout refuses this call, before Exotel is asked.
    let barred = json!({"number": "+919876543210"});
    let barred = scene.send(Method::POST, "/api/v1/dnc", barred).await;
    assert!(barred.status().is_success());
    let refused = scene.send(Method::POST, TEST_CALL, call(&did)).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "do_not_call");
    let to = |number: &str| json!({"did_id": did["id"], "to_number": number});
    let unknown = json!({"did_id": "did_of_nobody", "to_number": "+14155550100"});
    assert_eq!(wrong_fields(scene.send(Method::POST, TEST_CALL, unknown).await).await, ["did_id"]);
    assert_eq!(wrong_fields(scene.send(Method::POST, TEST_CALL, to("x")).await).await, ["to_number"]);
    assert_eq!(scene.exotel.asked().len(), 2);

    for (manner, part) in [
        (Manner::Refuse(429), "answered 429"),
        (Manner::Redirect("http://127.0.0.1:9".into()), "redirects are not followed"),
        (Manner::Oversized, "longer than"),
        (Manner::Slow(std::time::Duration::ZERO), "names no call"),
    ] {
        scene.exotel.behave(manner);
        let told = scene.ok(Method::POST, TEST_CALL, to("+14155550100")).await;
        let error = told["attempt"]["error"].as_str().unwrap_or_default();
        assert!(told["placed"] == false && error.contains(part), "{told}");
    }
    // Credentials stay for the same place only.
    let moved = json!({"account_sid": "acme1", "api_url": "https://thief.example.com"});
    let refused = scene.send(Method::PUT, ACCOUNT, moved).await;
    assert_eq!(wrong_fields(refused).await, ["api_key", "api_token"]);
    let same = json!({"account_sid": "acme1", "api_url": scene.exotel.url(), "api_token": "another"});
    scene.ok(Method::PUT, ACCOUNT, same).await;
    let told = scene.ok(Method::POST, TEST_CALL, to("+14155550100")).await;
    assert_eq!(told["attempt"]["status"], 401, "{told}");
}

/// Whoever asked again because no answer came had somebody called twice.
#[tokio::test]
async fn a_request_that_is_repeated_calls_once() {
    let scene = Scene::start().await;
    scene.ok(Method::PUT, ACCOUNT, scene.account()).await;
    let did = scene.number(json!({"number": "+918045678901", "bot_id": scene.bot})).await;
    let ask = async |key: &str, to: &str| {
        let request = scene.bridge.request(Method::POST, TEST_CALL).bearer_auth(&scene.token);
        let body = json!({"did_id": did["id"], "to_number": to});
        request.header("idempotency-key", key).json(&body).send().await.unwrap()
    };
    let first = json(ask("k1", "+14155550100").await, StatusCode::OK).await;
    let again = json(ask("k1", "+1 415 555 0100").await, StatusCode::OK).await;
    assert_eq!(scene.exotel.asked().len(), 1, "{again}");
    assert_eq!((&again["placed"], &again["attempt"]), (&json!(true), &Value::Null));
    for field in ["call_sid", "status", "from_number", "to_number"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    let other = ask("k1", "+14155550101").await;
    assert_eq!(refusal(other, StatusCode::UNPROCESSABLE_ENTITY).await, "idempotency_key_reused");
    let body = json!({"bot_id": scene.bot, "to_number": "+14155550100"});
    let dialout = scene.bridge.request(Method::POST, "/api/v1/sip/dialout").bearer_auth(&scene.token);
    let dialout = dialout.header("idempotency-key", "k1").json(&body).send().await.unwrap();
    assert_eq!(refusal(dialout, StatusCode::UNPROCESSABLE_ENTITY).await, "idempotency_key_reused");

    // What was refused may be repeated, and of what nobody knows nothing is repeated.
    scene.exotel.behave(Manner::Refuse(403));
    for asked in [2, 3] {
        let told = json(ask("k2", "+14155550100").await, StatusCode::OK).await;
        assert_eq!((&told["placed"], scene.exotel.asked().len()), (&json!(false), asked), "{told}");
    }
    scene.exotel.behave(Manner::Refuse(502));
    let told = json(ask("k3", "+14155550100").await, StatusCode::OK).await;
    assert_eq!((&told["placed"], &told["attempt"]["status"]), (&json!(false), &json!(502)));
    assert_eq!(
        refusal(ask("k3", "+14155550100").await, StatusCode::GATEWAY_TIMEOUT).await,
        "call_outcome_unknown"
    );
    assert_eq!(scene.exotel.asked().len(), 4);
}

/// A number never outlives its carrier, whoever is faster.
#[tokio::test]
async fn a_number_that_is_added_while_its_carrier_goes_is_no_orphan() {
    let scene = Scene::start().await;
    for round in 0..10 {
        let made =
            scene.send(Method::POST, "/api/v1/carriers", json!({"name": "C", "sip_address": "a.example"}));
        let carrier = json(made.await, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        let one = format!("/api/v1/carriers/{carrier}");
        let dids = format!("{one}/dids");
        let number = json!({"number": format!("+4915112345{round:03}")});
        let (added, deleted) = tokio::join!(
            scene.send(Method::POST, &dids, number),
            scene.send(Method::DELETE, &one, Value::Null)
        );
        let left = scene.ok(Method::GET, "/v1/numbers?limit=200", Value::Null).await;
        let left = left["items"].as_array().unwrap().iter().any(|did| did["carrier_id"] == carrier.as_str());
        let is_there = scene.send(Method::GET, &one, Value::Null).await.status() == StatusCode::OK;
        let told = (added.status().as_u16(), deleted.status().as_u16());
        assert!(left <= is_there, "an orphan in round {round}: {told:?}");
        assert_eq!((left, is_there), (told.0 == 201, told.1 != 204), "round {round}: {told:?}");
    }
}
