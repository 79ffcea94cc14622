//! Calls that phones bring: what LiveKit tells is believed only from LiveKit, and each call is handed to one worker once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_harness::LiveKitServer;
use vox_livekit::webhook::sign;
use vox_livekit::{AccessToken, Kind, Options, Room};
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;
use vox_testkit::worker::{Says, ScriptedWorker};

use crate::harness::livekit::settings;
use crate::harness::{TestBridge, json, refusal};
use crate::s3_server::eventually;

const HOOK: &str = "/api/v1/livekit/webhook";
const KEY: &str = "vox";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// How workers reach the bridge: more than one may share the fleet.
const INTERNAL: &str = "http://bridge.internal:8080";
const SOON: Duration = Duration::from_secs(20);

struct Scene {
    bridge: TestBridge,
    workers: Vec<ScriptedWorker>,
}

impl Scene {
    async fn with_workers(count: usize) -> Self {
        let bridge = TestBridge::start_with(|config| {
            config.livekit = Some(settings("ws://127.0.0.1:1", (KEY, SECRET)));
            config.server.internal_url = Some(INTERNAL.into());
        })
        .await;
        let mut scene = Self { bridge, workers: Vec::new() };
        for n in 0..count {
            let secret = scene.bridge.app.config.auth.internal_secret.expose_secret();
            scene.workers.push(ScriptedWorker::start(secret).await);
            scene.register(n).await;
        }
        scene
    }

    async fn register(&self, n: usize) {
        let report = json!({
            "worker_id": format!("w{n}"), "host": format!("h{n}"), "address": self.workers[n].url(), "slots": 3, "calls": 0,
            "build": "t", "draining": false, "pid": 7
        });
        let sent = self.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await;
        assert_eq!(sent.unwrap().status(), StatusCode::OK);
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.bridge.now().as_second().try_into().unwrap())
    }

    async fn tell(&self, event: &Value) -> Response {
        self.tell_at(&self.bridge.url, event).await
    }

    /// As LiveKit does, at the bridge there.
    async fn tell_at(&self, url: &str, event: &Value) -> Response {
        let body = event.to_string();
        let token = sign(body.as_bytes(), (KEY, SECRET), self.now());
        self.send(url, Some(&token), body).await
    }

    async fn send(&self, url: &str, token: Option<&str>, body: String) -> Response {
        let request = self.bridge.client.post(format!("{url}{HOOK}"));
        let request = request.header("content-type", "application/webhook+json").body(body);
        token
            .into_iter()
            .fold(request, |request, token| request.header("authorization", token))
            .send()
            .await
            .unwrap()
    }

    async fn came(&self, event: &Value) -> Value {
        json(self.tell(event).await, StatusCode::OK).await["status"].clone()
    }

    fn handed(&self) -> Vec<Value> {
        self.workers.iter().flat_map(|worker| worker.handed("/livekit/dispatch")).collect()
    }

    async fn reserved(&self) -> u32 {
        self.bridge.app.fleet.look().await.unwrap().capacity().reserved
    }
}

/// A phone that called in, as LiveKit 1.11.0 told it.
fn joined(id: &str) -> Value {
    json!({
        "event": "participant_joined", "id": id, "createdAt": "1795254626",
        "room": {
            "sid": format!("RM_{id}"), "name": "call-_+15550100_2nWqmHoLSJ4K", "emptyTimeout": 30, "creationTime": "1795254626",
            "turnPassword": "canary-turn"
        },
        "participant": {
            "sid": "PA_1", "identity": "sip_+15550100", "state": "ACTIVE", "kind": "SIP", "name": "Phone +15550100",
            "joinedAt": "1795254626", "version": 2, "permission": {"canSubscribe": true, "canPublish": true},
            "attributes": {
                "sip.callID": "SCL_rtqVhfF6Vidz", "sip.callStatus": "ringing", "sip.hostname": "127.0.0.1",
                "sip.phoneNumber": "+15550100", "sip.ruleID": "SDR_yymKgJSZ9bLH", "sip.trunkID": "ST_AVGSeFK5eKSM",
                "sip.trunkPhoneNumber": "+15550199"
            }
        }
    })
}

fn without(mut event: Value, attribute: &str) -> Value {
    event["participant"]["attributes"].as_object_mut().unwrap().remove(attribute);
    event
}

#[tokio::test]
async fn a_phone_that_waits_gets_one_worker_however_often_it_is_told() {
    let scene = Scene::with_workers(1).await;
    assert_eq!(scene.came(&joined("EV_1")).await, "dispatched");
    let [handed] = &scene.handed()[..] else { panic!("{:?}", scene.workers[0].faults()) };
    let call = handed["call_id"].as_str().unwrap().to_owned();
    assert!(call.parse::<SessionId>().is_ok());
    assert_eq!(
        handed,
        &json!({
            "room_name": "call-_+15550100_2nWqmHoLSJ4K", "caller_number": "+15550100", "dialed_number": "+15550199",
            "call_id": call, "config_url": INTERNAL
        })
    );
    assert_eq!(scene.reserved().await, 1, "the slot is kept until the worker says that the call runs");
    let other = scene.bridge.serve_second().await;
    for url in [&scene.bridge.url, &other] {
        let again = json(scene.tell_at(url, &joined("EV_1")).await, StatusCode::OK).await;
        assert_eq!(again["status"], "repeated", "{url}");
    }
    // Another phone, at another time.
    assert_eq!(scene.came(&joined("EV_2")).await, "dispatched");
    assert_eq!(scene.handed().len(), 2);
    let metrics = scene.bridge.metrics().await;
    assert!(
        metrics.contains(r#"livekit_events_total{outcome="repeated"} 1"#),
        "counted where it was told: {metrics}"
    );
}

#[tokio::test]
async fn many_tellings_at_once_are_one_call() {
    let scene = Scene::with_workers(2).await;
    let other = scene.bridge.serve_second().await;
    let event = joined("EV_race");
    let told = (0..12).map(|n| scene.tell_at(if n % 2 == 0 { &scene.bridge.url } else { &other }, &event));
    let mut dispatched = 0;
    for answer in futures_util::future::join_all(told).await {
        match answer.status() {
            StatusCode::OK => {
                let status = json(answer, StatusCode::OK).await["status"].clone();
                dispatched += usize::from(status == "dispatched");
                assert!(status == "dispatched" || status == "repeated", "{status}");
            }
            // LiveKit tells it again, should whoever has it in hand be killed.
            status => assert_eq!(refusal(answer, status).await, "dispatch_under_way"),
        }
    }
    assert_eq!((scene.handed().len(), dispatched), (1, 1));
    assert_eq!(scene.came(&event).await, "repeated");
}

#[tokio::test]
async fn only_livekit_is_believed() {
    let scene = Scene::with_workers(1).await;
    let body = joined("EV_1").to_string();
    let (good, now) = (sign(body.as_bytes(), (KEY, SECRET), scene.now()), scene.now());
    let other = joined("EV_2").to_string();
    let old = sign(body.as_bytes(), (KEY, SECRET), now - Duration::from_secs(400));
    let person = scene.bridge.token(Role::SuperAdmin).await;
    for (token, sent) in [
        (None, &body),
        (Some(""), &body),
        (Some("a.b.c"), &body),
        (Some(good.as_str()), &other),
        (Some(&sign(body.as_bytes(), (KEY, "another secret of thirty-two chars"), now)), &body),
        (Some(&sign(body.as_bytes(), ("other", SECRET), now)), &body),
        (Some(&old), &body),
        (Some(&person), &body),
    ] {
        let answer = scene.send(&scene.bridge.url, token, sent.clone()).await;
        assert_eq!(refusal(answer, StatusCode::UNAUTHORIZED).await, "unauthorized", "{token:?}");
    }
    // What is LiveKit's and makes no sense is no fault of ours.
    for (sent, status) in [("{", StatusCode::BAD_REQUEST), ("{}", StatusCode::UNPROCESSABLE_ENTITY)] {
        let token = sign(sent.as_bytes(), (KEY, SECRET), now);
        let answer = scene.send(&scene.bridge.url, Some(&token), sent.to_owned()).await;
        assert_eq!(answer.status(), status, "{sent}");
    }
    let large = "x".repeat(1024 * 1024 + 1);
    let token = sign(large.as_bytes(), (KEY, SECRET), now);
    let answer = scene.send(&scene.bridge.url, Some(&token), large).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(scene.handed().is_empty());
    assert_eq!(scene.send(&scene.bridge.url, Some(&good), body).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn everything_else_is_ignored() {
    let scene = Scene::with_workers(1).await;
    let mut other_event = joined("EV_1");
    other_event["event"] = json!("participant_left");
    let mut other_room = joined("EV_2");
    other_room["room"]["name"] = json!("dialout-8f2c");
    let mut person = joined("EV_3");
    person["participant"].as_object_mut().unwrap().remove("kind");
    // Called into the room: the agent of a transfer.
    let called = without(joined("EV_4"), "sip.ruleID");
    let room = json!({"event": "room_started", "id": "EV_5", "room": {"sid": "RM_1", "name": "call-1"}});
    for event in [other_event, other_room, person, called, room, json!({"event": "egress_started"})] {
        assert_eq!(scene.came(&event).await, "ignored", "{event}");
    }
    assert!(scene.handed().is_empty());
}

#[tokio::test]
async fn the_numbers_are_those_of_the_line_or_of_its_carrier() {
    let scene = Scene::with_workers(1).await;
    let (bridge, token) = (&scene.bridge, scene.bridge.token(Role::SuperAdmin).await);
    let carrier = json!({"name": "C", "sip_address": "sip.example"});
    let made =
        json(bridge.send(Method::POST, "/api/v1/carriers", &token, carrier).await, StatusCode::CREATED).await;
    let id = made["id"].as_str().unwrap();
    for number in ["+918045678901", "+918045678902"] {
        let path = format!("/api/v1/carriers/{id}/dids");
        let added = bridge.send(Method::POST, &path, &token, json!({"number": number})).await;
        assert_eq!(added.status(), StatusCode::CREATED);
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    let trunks = bridge.app.stores.trunks(&bridge.tenant());
    let mut trunk = trunks.of_carrier(&id.parse().unwrap()).await.unwrap();
    trunk.inbound_id = Some("ST_AVGSeFK5eKSM".into());
    trunks.keep(&id.parse().unwrap(), &trunk).await.unwrap();

    let no_number = without(joined("EV_1"), "sip.trunkPhoneNumber");
    let mut forwarded = joined("EV_2");
    forwarded["participant"]["attributes"]["sip.calledNumber"] = json!("+15550155");
    let hidden = without(joined("EV_3"), "sip.phoneNumber");
    let mut unknown = no_number.clone();
    (unknown["id"], unknown["participant"]["attributes"]["sip.trunkID"]) = (json!("EV_4"), json!("ST_other"));
    for (event, caller, dialled) in [
        (no_number, "+15550100", "+918045678901"),
        (forwarded, "+15550100", "+15550155"),
        (hidden, "+15550100", "+15550199"),
        (unknown, "+15550100", ""),
    ] {
        scene.register(0).await;
        assert_eq!(scene.came(&event).await, "dispatched");
        let handed = scene.handed().pop().unwrap();
        assert_eq!((&handed["caller_number"], &handed["dialed_number"]), (&json!(caller), &json!(dialled)));
        bridge.clock.advance(SignedDuration::from_secs(60));
    }
}

/// What was called is what the caller says: a trunk brings no calls for another tenant's bots.
#[tokio::test]
async fn a_tenants_trunk_brings_no_call_for_another_tenant() {
    let scene = Scene::with_workers(1).await;
    let bridge = &scene.bridge;
    let other = bridge.insert_tenant("other").await;
    for (tenant, number, trunk_id) in
        [(bridge.tenant(), "+918045678901", "ST_one"), (other, "+918045678950", "ST_two")]
    {
        let token = bridge.token_of(&tenant, Role::SuperAdmin).await;
        let carrier = json!({"name": "C", "sip_address": "sip.example"});
        let made = bridge.send(Method::POST, "/api/v1/carriers", &token, carrier).await;
        let id = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/carriers/{id}/dids");
        let added = bridge.send(Method::POST, &path, &token, json!({"number": number})).await;
        assert_eq!(added.status(), StatusCode::CREATED);
        let trunks = bridge.app.stores.trunks(&tenant);
        let mut trunk = trunks.of_carrier(&id.parse().unwrap()).await.unwrap();
        trunk.inbound_id = Some(trunk_id.into());
        trunks.keep(&id.parse().unwrap(), &trunk).await.unwrap();
    }
    for (n, (trunk, called, dialled)) in [
        ("ST_one", "+918045678901", "+918045678901"),
        ("ST_one", "+918045678950", ""),
        // The same number, as a carrier may say it.
        ("ST_one", "08045678950", ""),
        ("ST_two", "+918045678950", "+918045678950"),
        // Nobody's, and a trunk of the operator's own.
        ("ST_one", "+15550155", "+15550155"),
        ("ST_other", "+918045678950", "+918045678950"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = joined(&format!("EV_{n}"));
        let attributes = &mut event["participant"]["attributes"];
        (attributes["sip.trunkID"], attributes["sip.calledNumber"]) = (json!(trunk), json!(called));
        scene.register(0).await;
        assert_eq!(scene.came(&event).await, "dispatched");
        let handed = scene.handed().pop().unwrap();
        assert_eq!(handed["dialed_number"], json!(dialled), "{trunk} {called}");
        bridge.clock.advance(SignedDuration::from_secs(60));
    }
}

#[tokio::test]
async fn a_call_that_no_worker_took_is_told_again_and_then_taken_under_its_name() {
    let scene = Scene::with_workers(1).await;
    let worker = &scene.workers[0];
    let event = joined("EV_1");
    for (says, status, code) in [
        (Says::Refused(503, "busy"), StatusCode::BAD_GATEWAY, "dispatch_failed"),
        (Says::Refused(403, "forbidden"), StatusCode::BAD_GATEWAY, "dispatch_failed"),
        (Says::Refused(500, "broken"), StatusCode::BAD_GATEWAY, "dispatch_failed"),
        (Says::Cut, StatusCode::BAD_GATEWAY, "dispatch_failed"),
    ] {
        worker.says(says.clone());
        assert_eq!(refusal(scene.tell(&event).await, status).await, code, "{says:?}");
        assert_eq!(scene.reserved().await, 0, "the slot is given back: {says:?}");
    }
    worker.says(Says::Accepted);
    assert_eq!(scene.came(&event).await, "dispatched");
    let handed = scene.handed();
    assert!(
        handed.len() == 5 && handed.iter().all(|one| one["call_id"] == handed[0]["call_id"]),
        "{handed:?}"
    );
    assert_eq!(scene.came(&event).await, "repeated");

    let nobody = Scene::with_workers(0).await;
    let told = json(nobody.tell(&event).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(
        (&told["error"]["code"], &told["detail"]),
        (&json!("no_fleet"), &json!("No healthy fleet server available"))
    );
}

#[tokio::test]
async fn a_worker_that_sent_the_phone_away_has_settled_it() {
    let scene = Scene::with_workers(2).await;
    for (n, says) in [Says::Refused(404, "no_bot"), Says::Refused(429, "at_capacity")].into_iter().enumerate()
    {
        scene.workers.iter().for_each(|worker| worker.says(says.clone()));
        let event = joined(&format!("EV_{n}"));
        assert_eq!(scene.came(&event).await, "refused", "{says:?}");
        assert_eq!(scene.came(&event).await, "repeated");
        assert_eq!(scene.handed().len(), n + 1, "it is never tried at another worker");
        assert_eq!(scene.reserved().await, 0);
    }
}

#[tokio::test]
async fn a_worker_that_is_gone_has_sent_nobody_away() {
    let mut scene = Scene::with_workers(2).await;
    // It is known for some seconds more, and has the most free slots.
    drop(scene.workers.remove(0));
    let crowded = json!({
        "worker_id": "w1", "host": "h1", "address": scene.workers[0].url(), "slots": 3, "calls": 2, "build": "t",
        "draining": false, "pid": 7
    });
    let sent = scene.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&crowded).send().await;
    assert_eq!(sent.unwrap().status(), StatusCode::OK);
    assert_eq!(scene.came(&joined("EV_1")).await, "dispatched");
    assert_eq!((scene.handed().len(), scene.reserved().await), (1, 1));
}

#[tokio::test]
async fn a_bridge_that_is_killed_in_the_midst_is_followed_by_another() {
    let scene = Scene::with_workers(1).await;
    scene.workers[0].says(Says::Silence);
    let mut inbound = scene.bridge.app.inbound.clone();
    assert_eq!(inbound.patience, Duration::from_secs(10));
    inbound.patience = Duration::from_secs(600);
    let told: vox_livekit::webhook::Told = serde_json::from_value(joined("EV_1")).unwrap();
    let killed = {
        let told = told.clone();
        tokio::spawn(async move { inbound.told(&told).await.is_ok() })
    };
    assert!(eventually(SOON, async || scene.handed().len() == 1).await);
    killed.abort();
    scene.workers[0].says(Says::Accepted);
    // LiveKit never tells again what was answered with 200.
    for _ in 0..2 {
        let in_hand = scene.tell(&joined("EV_1")).await;
        assert_eq!(refusal(in_hand, StatusCode::SERVICE_UNAVAILABLE).await, "dispatch_under_way");
        scene.bridge.clock.advance(SignedDuration::from_secs(6));
    }
    assert_eq!(scene.handed().len(), 1);
    scene.register(0).await;
    assert_eq!(scene.came(&joined("EV_1")).await, "dispatched");
    let handed = scene.handed();
    assert_eq!(handed[0]["call_id"], handed[1]["call_id"]);
}

#[tokio::test]
async fn a_teller_who_hangs_up_leaves_no_call_half_handed_over() {
    let scene = Scene::with_workers(1).await;
    scene.workers[0].says(Says::Silence);
    let event = joined("EV_1");
    tokio::select! {
        _ = scene.tell(&event) => panic!("the worker says nothing"),
        handed = eventually(SOON, async || scene.handed().len() == 1) => assert!(handed),
    }
    scene.workers[0].says(Says::Accepted);
    assert!(eventually(SOON, async || scene.reserved().await == 0).await, "the slot is given back");
    // How it ended is noted right after that.
    assert!(eventually(SOON, async || scene.tell(&event).await.status() == StatusCode::OK).await);
    assert_eq!(scene.handed().len(), 2);
}

/// A real server tells it: the phone is a participant of that kind, which the SIP gateway would be.
#[tokio::test]
async fn a_real_server_tells_of_a_phone_and_a_worker_has_the_call() {
    let scene = Scene::with_workers(1).await;
    // Its tokens are of now, so the scene's secret is the server's, and the clock is real.
    scene.bridge.clock.set(Clock::system().now());
    scene.register(0).await;
    let hook = format!("{}{HOOK}", scene.bridge.url);
    let server = LiveKitServer::with(&["--secret", SECRET, "--webhook", &hook]);
    let mut phone = AccessToken::new("call-_+15550100_abc", "sip_+15550100");
    phone.kind = Kind::Sip;
    phone.attributes = BTreeMap::from_iter(
        [("sip.phoneNumber", "+15550100"), ("sip.trunkPhoneNumber", "+15550199"), ("sip.ruleID", "SDR_1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let person = AccessToken::new("call-_+15550100_abc", "somebody");
    let join = async |token: &AccessToken| {
        let token = token.sign(&server.key, &server.secret, scene.now(), Duration::from_secs(600));
        Room::join(&server.url, &token, Options::default()).await.unwrap()
    };
    let (somebody, _their_events) = join(&person).await;
    let (room, _events) = join(&phone).await;
    assert!(eventually(SOON, async || !scene.handed().is_empty()).await);
    let [handed] = &scene.handed()[..] else { panic!("one call") };
    assert_eq!(
        (&handed["room_name"], &handed["caller_number"], &handed["dialed_number"]),
        (&json!("call-_+15550100_abc"), &json!("+15550100"), &json!("+15550199"))
    );
    room.leave().await;
    somebody.leave().await;
}
