//! A deployment with something of every kind that people can read, and all that they read of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::routes::Access;
use vox_testkit::crm::ScriptedCrm;
use vox_testkit::receiver::Receiver;

use crate::harness::{TestBridge, json, result};
use crate::recordings_are_stored_and_served::upload;
use crate::s3_server::eventually;

const SOON: Duration = Duration::from_secs(20);
const CRM_KEY: &str = "crm-key";
/// The call that routes of one call are asked about.
const SESSION: &str = "call_seen";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Routes whose answer is a stream without an end, or about the process that gives it.
const OF_THE_PROCESS: [&str; 6] = [
    "/api/v1/events/stream",
    "/api/v1/calls/live",
    "/api/v1/calls/live/events",
    "/api/v1/calls/{session_id}/events",
    "/api/v1/settings/keys/rotation",
    // Each look of this test at the log adds an entry; see `audit`.
    "/api/v1/audit/verify",
];
/// Lists that have something in them, or the look shows nothing.
const FULL: [&str; 23] = [
    "/api/v1/api-keys",
    "/api/v1/audit",
    "/api/v1/bots",
    "/api/v1/bots/{bot_id}/config-requests",
    "/api/v1/bots/{bot_id}/versions",
    "/api/v1/calls",
    "/api/v1/calls/{session_id}/pushes",
    "/api/v1/campaigns",
    "/api/v1/campaigns/{campaign_id}/contacts",
    "/api/v1/campaigns/{campaign_id}/imports",
    "/api/v1/carriers",
    "/api/v1/carriers/{carrier_id}/dids",
    "/api/v1/dnc",
    "/api/v1/events",
    "/api/v1/invitations",
    "/api/v1/jobs",
    "/api/v1/plans",
    "/api/v1/prices",
    "/api/v1/sounds",
    "/api/v1/tenants",
    "/api/v1/users",
    "/api/v1/webhooks",
    "/api/v1/webhooks/{webhook_id}/deliveries",
];
/// What is not there in this deployment, and is not there in its copy either.
const ABSENT: [&str; 6] = [
    "/api/v1/integrations/exotel",
    "/api/v1/integrations/exotel/dids",
    "/api/v1/reports/{day}",
    "/api/v1/settings/sign-in",
    "/api/v1/statements/{period}",
    "/api/v1/statements/{period}/export.csv",
];

/// What no list tells the id of.
pub struct Ids {
    erasure: String,
    voice: String,
    reservation: String,
    /// Its rows are in, some of them refused.
    import: String,
}

struct Owner<'a> {
    bridge: &'a TestBridge,
    token: &'a str,
}

impl Owner<'_> {
    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.bridge.send(method, path, self.token, body).await;
        let status = answer.status();
        let told = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {told}");
        serde_json::from_str(&told).unwrap_or_default()
    }

    async fn put(&self, path: &str, body: Value) {
        self.send(Method::PUT, path, body).await;
    }

    /// The id of something new.
    async fn post(&self, path: &str, body: Value) -> String {
        self.send(Method::POST, path, body).await["id"].as_str().unwrap_or_default().to_owned()
    }

    /// The id of what becomes of a file of contacts.
    async fn import(&self, campaign: &str, file: &'static str) -> String {
        let path = format!("/api/v1/campaigns/{campaign}/imports?name=people.csv");
        let request = self.bridge.request(Method::POST, &path).bearer_auth(self.token);
        let answer = request.header(CONTENT_TYPE, "text/csv").body(file).send().await.unwrap();
        json(answer, StatusCode::ACCEPTED).await["id"].as_str().unwrap().to_owned()
    }
}

/// Something of every kind, by the routes that make it and the loops that follow from it.
pub async fn fill(bridge: &TestBridge, token: &str) -> Ids {
    let owner = Owner { bridge, token };
    let (crm, receiver) = (
        ScriptedCrm::start(CRM_KEY, json!({"name": "Asha"})).await.unwrap(),
        Receiver::start().await.unwrap(),
    );
    let voice = set_up(&owner, &crm, &receiver).await;
    for (n, session) in [SESSION, "call_other", "call_third"].into_iter().enumerate() {
        let query = [
            ("session_id", session),
            ("caller_id", "+15550123"),
            ("connected_event", r#"{"lead": "north"}"#),
        ];
        assert_eq!(bridge.fetch_config("faq", &query).await.status(), StatusCode::OK);
        let mut ended = result(session, ["customer", "error", "bot"][n]);
        ended["transcript"][0]["text"] = json!(format!("Zebras of {session} cost seven."));
        if n == 0 {
            ended["recording_key"] = json!(format!("{session}.wav"));
            let upload = upload(bridge, &format!("{session}.wav"), b"what was heard".to_vec(), None).await;
            assert_eq!(upload.status(), StatusCode::OK);
        }
        assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
    }
    owner.put(&format!("/api/v1/calls/{SESSION}/hold"), Value::Null).await;
    let erasure = owner.post("/api/v1/erasures", json!({"number": "+4915155501"})).await;
    let worker = json!({
        "worker_id": "w9", "host": "h9", "address": NOWHERE, "slots": 1, "calls": 0, "build": "t", "draining": false, "pid": 7
    });
    let reported = bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&worker).send().await.unwrap();
    assert_eq!(reported.status(), StatusCode::OK);
    let reserved = bridge.internal(Method::POST, "/api/v1/fleet/reservations").json(&json!({}));
    let reserved: Value = reserved.send().await.unwrap().json().await.unwrap();
    let reservation = reserved["reservation_id"].as_str().unwrap().to_owned();
    let wish = json!({"name": "Reminders", "bot_id": "faq", "settings": {"region": "IN"}});
    let campaign = owner.post("/api/v1/campaigns", wish).await;
    let import = owner.import(&campaign, "phone,name\n9876543210,Asha\n12,Nobody\n").await;
    follow(bridge, &owner).await;
    // This one is still to be read.
    owner.import(&campaign, "phone,name\n9876543211,Ravi\n").await;
    assert!(!receiver.received().is_empty() && !crm.asked().is_empty(), "both were told");
    Ids { erasure, voice, reservation, import }
}

/// The id of a voice.
async fn set_up(owner: &Owner<'_>, crm: &ScriptedCrm, receiver: &Receiver) -> String {
    owner
        .put(
            "/api/v1/plans/large",
            json!({"name": "Large", "limits": {"conversations": 5_000}, "requests": {"at_once": 500}}),
        )
        .await;
    owner.put("/api/v1/admin/tenants/default/plan", json!({"plan": "large"})).await;
    let price = json!({"service": "stt", "vendor": "deepgram", "unit": "seconds", "money": 4300, "per": 60});
    owner.post("/api/v1/prices", price).await;
    owner.put("/api/v1/settings/timezone", json!({"display_timezone": "Asia/Kolkata"})).await;
    owner.put("/api/v1/settings/api-keys", json!({"openai": "sk-0123456789abcdef"})).await;
    let carrier = owner.post("/api/v1/carriers", json!({"name": "C", "sip_address": "sip.example"})).await;
    let did = json!({"number": "080 4567 8901", "bot_id": "faq", "label": "Sales"});
    owner.post(&format!("/api/v1/carriers/{carrier}/dids"), did).await;
    owner.post("/api/v1/dnc", json!({"number": "+14155550100", "reason": "asked"})).await;
    owner.post("/api/v1/api-keys", json!({"name": "K", "scopes": ["bots:read"]})).await;
    owner.post("/api/v1/invitations", json!({"email": "new@test.example", "role": "agent"})).await;
    let consent = json!({"statement": "I agree that my voice is used.", "given_by": "Asha", "given_at": "2026-11-19T10:00:00Z"});
    let clip = STANDARD.encode(include_bytes!("../clips/tone.mp3"));
    let voice = json!({
        "name": "Asha", "provider": "elevenlabs", "language": "hi-IN", "clip": clip, "api_key": "xi-0123456789abcdef",
        "base_url": NOWHERE, "consent": consent
    });
    let voice = owner.post("/api/v1/voices", voice).await;
    owner
        .post("/api/v1/webhooks", json!({"url": receiver.url(), "events": ["call.ended", "recording.ready"]}))
        .await;
    let headers = json!([{"name": "Authorization", "value": format!("Bearer {CRM_KEY}")}]);
    let push = json!({"url": crm.url("/results"), "headers": headers, "body": {"id": "{{result.call_id}}"}});
    owner.put("/api/v1/bots/faq/crm", json!({"push": push})).await;
    let sound = json!({"name": "Music", "sound": STANDARD.encode(include_bytes!("../clips/tone.mp3"))});
    owner.post("/api/v1/sounds", sound).await;
    owner.send(Method::PATCH, "/api/v1/bots/faq", json!({"opening_message": "Hello."})).await;
    owner.send(Method::PATCH, "/api/v1/bots/faq/draft", json!({"opening_message": "Hello again."})).await;
    voice
}

/// Let all loops of the bridge do what is to be done.
async fn follow(bridge: &TestBridge, owner: &Owner<'_>) {
    let (app, stop) = (&bridge.app, CancellationToken::new());
    app.relay.move_all().await.unwrap();
    let loops = [
        tokio::spawn(app.herald.clone().run(stop.clone())),
        tokio::spawn(app.webhooks.post.clone().run(stop.clone())),
        tokio::spawn(app.runner.clone().run(stop.clone())),
    ];
    let settled = async || {
        let jobs = owner.send(Method::GET, "/api/v1/jobs?limit=200", Value::Null).await;
        let jobs = jobs["items"].as_array().unwrap().iter();
        // A voice of a vendor that is not there is tried again, by a clock that stands still.
        let busy =
            jobs.filter(|job| job["state"] == "running" || job["state"] == "waiting" && job["tries"] == 0);
        let hooks = owner.send(Method::GET, "/api/v1/webhooks", Value::Null).await;
        let hook = hooks["items"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/webhooks/{hook}/deliveries");
        let pending = owner.send(Method::GET, &format!("{path}?state=pending"), Value::Null).await;
        let sent = owner.send(Method::GET, &format!("{path}?state=delivered"), Value::Null).await;
        let is_empty = |page: &Value| page["items"].as_array().unwrap().is_empty();
        busy.count() == 0 && is_empty(&pending) && !is_empty(&sent)
    };
    assert!(
        eventually(SOON, settled).await,
        "{}",
        owner.send(Method::GET, "/api/v1/jobs", Value::Null).await
    );
    stop.cancel();
    for running in loops {
        running.await.unwrap();
    }
    app.relay.move_all().await.unwrap();
    app.configs.log.write().await;
    app.roll_up.round().await.unwrap();
    add_up(bridge).await;
}

/// What is searched and summed is as new as the calls.
pub async fn add_up(bridge: &TestBridge) {
    while bridge.app.digester.round().await.unwrap() > 0 {}
    while bridge.app.counting.round().await.unwrap() > 0 {}
}

/// What a person gets from every route that people may read, in the order of the table: path, status and answer.
pub async fn seen(bridge: &TestBridge, token: &str, ids: &Ids) -> Vec<(String, u16, Value)> {
    let people = bridge.app.table.iter().filter(|route| matches!(route.access, Access::Person(..)));
    let routes =
        people.filter(|route| route.method.as_str() == "GET" && !OF_THE_PROCESS.contains(&route.path));
    let look = Look { bridge, token, ids };
    let (mut seen, mut wrong) = (Vec::new(), Vec::new());
    for route in routes {
        for path in look.paths(route.path).await {
            let (status, answer) = look.at(&path).await;
            let expected = if ABSENT.contains(&route.path) { 404 } else { 200 };
            let is_empty = answer["items"].as_array().is_none_or(Vec::is_empty);
            if status != expected || is_empty && FULL.contains(&route.path) {
                wrong.push(format!("{path}: {status} {answer}"));
            }
            seen.push((path, status, answer));
        }
    }
    assert!(wrong.is_empty(), "refused, or empty:\n{}", wrong.join("\n"));
    for query in
        ["text=zebras", "text=call_third", "disconnected_by=error", "caller=%2B15550123", "campaign_id=none"]
    {
        let path = format!("/api/v1/calls?{query}");
        let (status, answer) = look.at(&path).await;
        let found = answer["items"].as_array().unwrap().len();
        assert_eq!(found > 0, !query.contains("none"), "{path}: {answer}");
        seen.push((path, status, answer));
    }
    seen
}

struct Look<'a> {
    bridge: &'a TestBridge,
    token: &'a str,
    ids: &'a Ids,
}

impl Look<'_> {
    async fn at(&self, path: &str) -> (u16, Value) {
        let answer = self.bridge.get(path).bearer_auth(self.token).send().await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap().to_vec();
        let Ok(text) = String::from_utf8(bytes.clone()) else { return (status, bytes.into()) };
        // Links begin with the address, which is another one after each start.
        let text = text.replace(&self.bridge.url, "http://bridge");
        let mut answer = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if path.starts_with("/api/v1/jobs") && answer["rounds"].is_array() {
            // What the process that answers does by itself.
            answer["rounds"].take();
        }
        if path.ends_with("/check") && answer["storage"].is_object() {
            // `directory` or `s3`: what the move is about.
            answer["storage"]["store"].take();
        }
        if path.starts_with("/api/v1/audit") {
            audit(&mut answer);
        }
        (status, answer)
    }

    /// The first of a list.
    async fn first(&self, path: &str) -> String {
        let (_, page) = self.at(path).await;
        page["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{path}: {page}")).to_owned()
    }

    async fn campaign(&self) -> String {
        self.first("/api/v1/campaigns").await
    }

    /// The addresses of a route, with something that is there for each name in it.
    async fn paths(&self, route: &str) -> Vec<String> {
        let query = match route {
            "/api/v1/dnc/check" => "?number=%2B14155550100",
            "/api/v1/usage" | "/v1/usage" => "?period=2026-11&group_by=bot",
            "/api/v1/analytics/calls" => "?from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z&group_by=bot",
            "/api/v1/analytics/calls/ids" => "?from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z",
            "/api/v1/audit" => "?limit=200",
            _ => "",
        };
        if route.contains("{resource}") {
            let all = ["conversations", "minutes", "tokens", "characters", "money"].into_iter();
            return all.map(|one| route.replace("{tenant}", "default").replace("{resource}", one)).collect();
        }
        let mut path = route.to_owned();
        while let Some((before, rest)) = path.clone().split_once('{') {
            let (name, after) = rest.split_once('}').unwrap();
            path = format!("{before}{}{after}", self.stands_for(name).await);
        }
        vec![path + query]
    }

    async fn stands_for(&self, name: &str) -> String {
        match name {
            "bot_id" => "faq".into(),
            "session_id" => SESSION.into(),
            "erasure_id" => self.ids.erasure.clone(),
            "voice_id" => self.ids.voice.clone(),
            "reservation_id" => self.ids.reservation.clone(),
            "plan_id" => "large".into(),
            "tenant_id" => "other".into(),
            "number" => "1".into(),
            "day" => "2026-11-20".into(),
            "period" => "2026-11".into(),
            "import_id" => self.ids.import.clone(),
            "campaign_id" => self.campaign().await,
            "contact_id" => {
                self.first(&format!("/api/v1/campaigns/{}/contacts", self.campaign().await)).await
            }
            "sound_id" => self.first("/api/v1/sounds").await,
            "carrier_id" => self.first("/api/v1/carriers").await,
            "job_id" => self.first("/api/v1/jobs").await,
            "key_id" => self.first("/api/v1/api-keys").await,
            "user_id" => self.first("/api/v1/users").await,
            "webhook_id" => self.first("/api/v1/webhooks").await,
            other => panic!("what stands for {{{other}}} here?"),
        }
    }
}

/// A log without the logins of this test, by which it grows.
fn audit(page: &mut Value) {
    if let Some(items) = page["items"].as_array_mut() {
        items.retain(|entry| entry["route"] != "/api/v1/auth/login");
    }
}

/// The log goes on where it was: its chain has no fault, and it is longer by the logins of this test alone.
pub async fn audit_is_intact(bridge: &TestBridge, token: &str) {
    let asked = bridge.get("/api/v1/audit/verify").bearer_auth(token).send().await.unwrap();
    let verified = json(asked, StatusCode::OK).await;
    assert_eq!((&verified["intact"], &verified["unfinished_count"]), (&json!(true), &json!(0)), "{verified}");
}

/// How many calls the sums are over.
pub async fn summed(bridge: &TestBridge, token: &str) -> i64 {
    add_up(bridge).await;
    let path = "/api/v1/analytics/calls?from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z";
    let asked = bridge.get(path).bearer_auth(token).send().await.unwrap();
    json(asked, StatusCode::OK).await["total"]["calls"].as_i64().unwrap()
}
