//! Visitors of web pages: who is let in from where, by which way, with what, and what they think of it afterwards.

mod limits;
mod origins;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    RETRY_AFTER, VARY,
};
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::config::Config;
use vox_bridge::store::tenants::TenantStatus;
use vox_bridge::widget::{
    OF_A_BOT, OF_A_CLIENT, OF_A_CLIENT_IN_ALL, WAITED_OF_A_BOT, WAITED_OF_A_CLIENT, WAITED_OF_A_TENANT,
};
use vox_shared::ids::BotId;
use vox_shared::model::bot::{ActiveHours, ApiKey, BotSettings, LineAccess, WidgetSettings};
use vox_testkit::worker::{Says, ScriptedWorker};

use crate::harness::livekit::settings;
use crate::harness::servers::within_the_process;
use crate::harness::{TestBridge, json, refusal, wrong_fields};

const PAGE: &str = "https://www.example.com";
const TOKEN: &str = "/api/v1/widget/token";
const TICKET: &str = "/api/v1/widget/ticket";
const FEEDBACK: &str = "/api/v1/widget/feedback";
/// How workers reach the bridge: more than one may share the fleet.
const INTERNAL: &str = "http://bridge.internal:8080";
/// Of a LiveKit that is never asked anything here.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A bridge with a bot whose widget is on a page, and a worker with two slots.
struct Scene {
    bridge: TestBridge,
    bot: BotId,
    key: String,
    worker: ScriptedWorker,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    async fn with(config: impl FnOnce(&mut Config), bot: impl FnOnce(&mut BotSettings)) -> Self {
        let bridge = TestBridge::start_with(|all| {
            within_the_process(all);
            all.livekit = Some(settings("ws://127.0.0.1:1", ("vox", SECRET)));
            all.server.media_url = Some("wss://voice.example.com".into());
            all.server.internal_url = Some(INTERNAL.into());
            config(all);
        })
        .await;
        let widget = WidgetSettings { enabled: true, allowed_origins: vec![PAGE.into()] };
        let mut settings = BotSettings { widget, ..BotSettings::default() };
        bot(&mut settings);
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
        let admin = bridge.token(Role::Admin).await;
        let path = format!("/api/v1/bots/{bot}/widget-key");
        let made = bridge.send(Method::POST, &path, &admin, json!({})).await;
        let key = json(made, StatusCode::OK).await["widget_key"].as_str().unwrap().to_owned();
        let worker = ScriptedWorker::start(bridge.app.config.auth.internal_secret.expose_secret()).await;
        let scene = Self { bridge, bot, key, worker };
        scene.register(2).await;
        scene
    }

    async fn register(&self, slots: usize) {
        let report = json!({
            "worker_id": "w0", "host": "h0", "address": self.worker.url(), "slots": slots, "calls": 0, "build": "t",
            "draining": false, "pid": 7
        });
        let sent = self.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await;
        assert_eq!(sent.unwrap().status(), StatusCode::OK);
    }

    /// What opens another bot of the same tenant.
    async fn another_bot(&self) -> Value {
        let widget = WidgetSettings { enabled: true, allowed_origins: vec![PAGE.into()] };
        let settings = BotSettings { widget, ..BotSettings::default() };
        let bot = self.bridge.insert_bot(&self.bridge.tenant(), settings).await;
        let admin = self.bridge.token(Role::Admin).await;
        let path = format!("/api/v1/bots/{bot}/widget-key");
        let made = json(self.bridge.send(Method::POST, &path, &admin, json!({})).await, StatusCode::OK).await;
        json!({"bot_id": bot, "api_key": made["widget_key"]})
    }

    fn body(&self) -> Value {
        json!({"bot_id": self.bot, "api_key": self.key})
    }

    async fn ask(&self, path: &str, body: &Value, origin: Option<&str>) -> Response {
        let request = self.bridge.request(Method::POST, path).json(body);
        let request = origin.into_iter().fold(request, |request, origin| request.header(ORIGIN, origin));
        request.send().await.unwrap()
    }

    async fn reserved(&self) -> u32 {
        self.bridge.app.fleet.look().await.unwrap().capacity().reserved
    }

    /// A worker asks for the config of a call.
    async fn config(&self, query: &[(&str, &str)]) -> Response {
        self.bridge.fetch_config(self.bot.as_str(), query).await
    }

    async fn shown(&self, call: &str) -> Value {
        let admin = self.bridge.token(Role::Admin).await;
        let path = format!("/api/v1/calls/{call}");
        json(self.bridge.get(&path).bearer_auth(admin).send().await.unwrap(), StatusCode::OK).await
    }
}

fn allowed(answer: &Response) -> Option<&str> {
    answer.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap())
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_comes_when_a_worker_waits_and_opens_one_room_for_a_microphone() {
    let scene = Scene::new().await;
    let answer = scene.ask(TOKEN, &scene.body(), Some(PAGE)).await;
    assert_eq!(allowed(&answer), Some(PAGE));
    let told = json(answer, StatusCode::CREATED).await;
    assert_eq!(told["server_url"], "ws://127.0.0.1:1");
    let [handed] = &scene.worker.handed("/livekit/widget")[..] else { panic!("{:?}", scene.worker.faults()) };
    let claims = claims(told["participant_token"].as_str().unwrap());
    let room = claims["video"]["room"].as_str().unwrap();
    assert_eq!((&handed["room_name"], &handed["caller_id"]), (&json!(room), &claims["sub"]));
    assert_eq!((&handed["bot_id"], &handed["config_url"]), (&json!(scene.bot), &json!(INTERNAL)));
    let chance = room.strip_prefix(&format!("widget-{}-", scene.bot)).unwrap();
    let identity = claims["sub"].as_str().unwrap().strip_prefix("widget-user-").unwrap();
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
    assert!(chance.len() == 12 && is_hex(chance) && identity.len() == 8 && is_hex(identity), "{claims}");
    assert_eq!(claims["name"], "Website Visitor");
    assert_eq!(
        claims["video"],
        json!({
            "roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true, "canPublishData": true,
            "canPublishSources": ["microphone"], "canUpdateOwnMetadata": false, "hidden": false, "roomAdmin": false
        })
    );
    let life = claims["exp"].as_i64().unwrap() - scene.bridge.now().as_second();
    assert!((1..=120).contains(&life), "{life}");
    assert_eq!(scene.reserved().await, 1, "the slot is kept until the worker says that the call runs");
    let again = json(scene.ask(TOKEN, &scene.body(), Some(PAGE)).await, StatusCode::CREATED).await;
    assert_ne!(again["participant_token"], told["participant_token"]);
}

#[tokio::test]
async fn refusals_come_in_the_order_of_the_contract_and_nothing_is_begun() {
    let scene = Scene::new().await;
    let wrong = |change: Value| {
        let mut body = scene.body();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let (bot, key, other) =
        (json!({"bot_id": "nobody"}), json!({"api_key": "wpk_x"}), Some("https://evil.example"));
    let all = json!({"bot_id": "nobody", "api_key": "x", "variables": {"a-b": 1}});
    for (body, origin, status, code) in [
        // The first of all that is wrong is told.
        (wrong(all), other, StatusCode::NOT_FOUND, "unknown_bot"),
        (wrong(bot), Some(PAGE), StatusCode::NOT_FOUND, "unknown_bot"),
        (wrong(key.clone()), other, StatusCode::UNAUTHORIZED, "bad_widget_key"),
        (wrong(json!({"api_key": null})), Some(PAGE), StatusCode::UNAUTHORIZED, "bad_widget_key"),
        (wrong(json!({"variables": {"a-b": 1}})), other, StatusCode::FORBIDDEN, "origin_not_allowed"),
        (scene.body(), None, StatusCode::FORBIDDEN, "origin_not_allowed"),
        (scene.body(), Some("null"), StatusCode::FORBIDDEN, "origin_not_allowed"),
        (
            scene.body(),
            Some("https://www.example.com.evil.example"),
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
        ),
        (scene.body(), Some("http://www.example.com"), StatusCode::FORBIDDEN, "origin_not_allowed"),
        (
            wrong(json!({"variables": {"a-b": 1}})),
            Some(PAGE),
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_variables",
        ),
    ] {
        for path in [TOKEN, TICKET] {
            let answer = scene.ask(path, &body, origin).await;
            assert_eq!(refusal(answer, status).await, code, "{path} {origin:?} {body}");
        }
    }
    // A page that may read reads why not, and no other does.
    let readable = scene.ask(TOKEN, &wrong(key), Some(PAGE)).await;
    assert_eq!((readable.status(), allowed(&readable)), (StatusCode::UNAUTHORIZED, Some(PAGE)));
    let strange = scene.ask(TOKEN, &scene.body(), other).await;
    assert_eq!((strange.status(), allowed(&strange)), (StatusCode::FORBIDDEN, None));
    assert_eq!((scene.worker.handed("/livekit/widget").len(), scene.reserved().await), (0, 0));
    assert_eq!(wrong_fields(scene.ask(TICKET, &json!({}), Some(PAGE)).await).await, ["bot_id"]);
}

#[tokio::test]
async fn a_bot_without_a_widget_has_no_visitors() {
    let off = Scene::with(|_| {}, |bot| bot.widget.enabled = false).await;
    let answer = off.ask(TOKEN, &off.body(), Some(PAGE)).await;
    assert_eq!(refusal(answer, StatusCode::UNAUTHORIZED).await, "bad_widget_key");
    let scene = Scene::new().await;
    let admin = scene.bridge.token(Role::Admin).await;
    let path = format!("/api/v1/bots/{}/widget-key", scene.bot);
    let renewed = json(scene.bridge.send(Method::POST, &path, &admin, json!({})).await, StatusCode::OK).await;
    let old = scene.ask(TICKET, &scene.body(), Some(PAGE)).await;
    assert_eq!(
        refusal(old, StatusCode::UNAUTHORIZED).await,
        "bad_widget_key",
        "a renewed key ends the old one"
    );
    let new = json!({"bot_id": scene.bot, "api_key": renewed["widget_key"]});
    json(scene.ask(TICKET, &new, Some(PAGE)).await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn what_would_be_refused_right_after_is_refused_at_once() {
    // A Friday, ten o'clock.
    let days = vec!["sat".to_owned()];
    let weekend = ActiveHours { enabled: true, days, ..ActiveHours::default() };
    let scene = Scene::with(|_| {}, |bot| bot.active_hours = weekend).await;
    let told = json(scene.ask(TOKEN, &scene.body(), Some(PAGE)).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(told["error"]["code"], "outside_active_hours");
    let scene = Scene::new().await;
    let tenant = scene.bridge.tenant();
    scene.bridge.app.stores.tenants().set_status(&tenant, TenantStatus::Suspended).await.unwrap();
    scene.bridge.clock.advance(SignedDuration::from_secs(3));
    scene.register(2).await;
    let suspended = scene.ask(TICKET, &scene.body(), Some(PAGE)).await;
    assert_eq!(refusal(suspended, StatusCode::PAYMENT_REQUIRED).await, "tenant_suspended");
    assert!(scene.worker.handed("/livekit/widget").is_empty());
}

#[tokio::test]
async fn without_a_worker_there_is_no_token() {
    let scene = Scene::new().await;
    for (says, told) in [
        (Says::Refused(429, "at_capacity"), "dispatch_failed"),
        (Says::Refused(503, "livekit_not_configured"), "dispatch_failed"),
        (Says::Refused(404, "not_found"), "dispatch_failed"),
        (Says::Refused(500, "broken"), "dispatch_failed"),
        (Says::Cut, "dispatch_failed"),
        (Says::Text("{}".into()), "dispatch_failed"),
    ] {
        scene.worker.says(says.clone());
        let answer = scene.ask(TOKEN, &scene.body(), Some(PAGE)).await;
        assert_eq!(allowed(&answer), Some(PAGE));
        assert_eq!(refusal(answer, StatusCode::SERVICE_UNAVAILABLE).await, told, "{says:?}");
        assert_eq!(scene.reserved().await, 0, "the slot is given back: {says:?}");
    }
    scene.worker.says(Says::Accepted);
    scene.register(0).await;
    let none = json(scene.ask(TOKEN, &scene.body(), Some(PAGE)).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(none["detail"], "No healthy fleet server available");
}

#[tokio::test]
async fn a_worker_that_says_nothing_is_not_waited_for() {
    let scene = Scene::new().await;
    scene.worker.says(Says::Silence);
    let mut desk = scene.bridge.app.widget.clone();
    assert_eq!(desk.patience, std::time::Duration::from_secs(10));
    desk.patience = std::time::Duration::from_millis(200);
    let asked = vox_bridge::widget::Asked {
        bot: scene.bot.clone(),
        key: Some(scene.key.clone()),
        variables: serde_json::Map::new(),
        terms: None,
    };
    let page = vox_bridge::widget::Page { origin: Some(PAGE.into()), client: [192, 0, 2, 1].into() };
    let visitor = desk.admit(asked, page).await.unwrap();
    assert!(desk.room(visitor).await.is_err());
    assert_eq!(scene.reserved().await, 0);
}

#[tokio::test]
async fn without_livekit_a_page_is_told_so_and_speaks_by_the_socket() {
    let scene = Scene::with(|config| config.livekit = None, |_| {}).await;
    let token = scene.ask(TOKEN, &scene.body(), Some(PAGE)).await;
    assert_eq!(allowed(&token), Some(PAGE), "the page must read it to go another way");
    assert_eq!(refusal(token, StatusCode::SERVICE_UNAVAILABLE).await, "livekit_not_configured");
    let mut body = scene.body();
    body["variables"] = json!({"name": "Asha", "due": 1200});
    body["terms_accepted"] = json!(true);
    body["terms_version"] = json!("2026-11");
    let ticket = json(scene.ask(TICKET, &body, Some(PAGE)).await, StatusCode::CREATED).await;
    let path = format!("/talk/{}", scene.bot);
    assert_eq!(
        (&ticket["path"], &ticket["url"]),
        (&json!(path), &json!(format!("wss://voice.example.com{path}")))
    );
    let query =
        [("transport", "talk"), ("ticket", ticket["ticket"].as_str().unwrap()), ("session_id", "call_w")];
    let config = json(scene.config(&query).await, StatusCode::OK).await;
    let session = config["session_id"].as_str().unwrap();
    assert_ne!(session, "call_w", "the bridge chose the call's name, which the feedback is about");
    let call = scene.shown(session).await;
    assert_eq!(call["connected_event"], json!({"name": "Asha", "due": 1200}));
    assert_eq!(call["visit"]["origin"], PAGE);
    assert_eq!(call["visit"]["terms_version"], "2026-11");
    assert_eq!(
        call["visit"]["terms_accepted_at"],
        scene.bridge.app.clock.now().to_string().replace('Z', ".000000Z")
    );
    // Once, for one call.
    json(scene.config(&query).await, StatusCode::OK).await;
    let other = [query[0], query[1], ("session_id", "call_other")];
    assert!(scene.config(&other).await.status().is_client_error(), "another call with the same ticket");
}

#[tokio::test]
async fn what_the_page_tells_comes_with_the_call_in_its_room() {
    // Its lines are guarded, and a room is none that a stranger opens.
    let guarded = LineAccess { token: ApiKey::new("lt-0123456789abcdef"), ..LineAccess::default() };
    let scene = Scene::with(|_| {}, |bot| bot.line_access = guarded).await;
    let mut body = scene.body();
    body["variables"] = json!({"name": "Asha", "sip": "x"});
    let told = json(scene.ask(TOKEN, &body, Some(PAGE)).await, StatusCode::CREATED).await;
    let handed = scene.worker.handed("/livekit/widget")[0].clone();
    let mut fields: Vec<&str> = handed.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let expected = ["bot_id", "caller_id", "config_url", "room_name"];
    assert_eq!(fields, expected, "the page's words do not go by the worker");
    // As a worker tells of the call.
    let event = json!({
        "callerId": handed["caller_id"], "callDirection": "incoming", "room_name": handed["room_name"],
        "sip": {"callID": "SCL_1"}
    });
    let event = event.to_string();
    let query = [("transport", "livekit"), ("session_id", "call_r"), ("connected_event", event.as_str())];
    json(scene.config(&query).await, StatusCode::OK).await;
    let call = scene.shown("call_r").await;
    assert_eq!(call["connected_event"]["name"], "Asha");
    assert_eq!(call["connected_event"]["sip"], json!({"callID": "SCL_1"}), "what the line tells comes first");
    assert_eq!((&call["visit"]["origin"], &call["caller_id"]), (&json!(PAGE), &handed["caller_id"]));
    // What a visitor brought is for one call; another one in a room of that name begins without it.
    let other = [query[0], ("session_id", "call_s"), query[2]];
    json(scene.config(&other).await, StatusCode::OK).await;
    let other = scene.shown("call_s").await;
    assert_eq!((&other["visit"], other["connected_event"].get("name")), (&Value::Null, None));
    // A line that strangers open cannot name a room.
    let socket = [("transport", "ws"), ("session_id", "call_t"), query[2]];
    assert_eq!(scene.config(&socket).await.status(), StatusCode::FORBIDDEN);
    let name = handed["room_name"].as_str().unwrap();
    let talk = [("transport", "talk"), ("ticket", name), ("session_id", "call_u")];
    assert_eq!(refusal(scene.config(&talk).await, StatusCode::UNAUTHORIZED).await, "bad_ticket");
    assert!(told["feedback_token"].is_string());
}
