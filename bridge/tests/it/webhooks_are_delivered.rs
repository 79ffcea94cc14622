//! Events reach the endpoints that want them: signed, with one id however often, on the schedule, each endpoint for itself.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::scope::Scope;
use vox_bridge::delivery::lane::{Sender, Turn};
use vox_bridge::store::Stamp;
use vox_bridge::store::engine::Order;
use vox_bridge::store::events::Event;
use vox_testkit::receiver::{Manner, Received, Receiver};

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, result, wrong_fields};
use crate::s3_server::eventually;

/// Longer than an endpoint that says nothing is waited for.
const SOON: Duration = Duration::from_secs(40);

/// A bridge that sends, and a key of an integrator.
struct Sending {
    bridge: TestBridge,
    key: TestKey,
    stop: CancellationToken,
}

impl Sending {
    async fn start() -> Self {
        Self::of(TestBridge::start().await).await
    }

    async fn of(bridge: TestBridge) -> Self {
        let sending = Self::still(bridge).await;
        let (app, stop) = (&sending.bridge.app, &sending.stop);
        tokio::spawn(app.relay.clone().run(stop.clone()));
        tokio::spawn(app.herald.clone().run(stop.clone()));
        tokio::spawn(app.webhooks.post.clone().run(stop.clone()));
        sending
    }

    /// Nothing is sent by itself.
    async fn still(bridge: TestBridge) -> Self {
        // A key: the clock goes on by days, and a login would not last.
        let (stop, key) = (CancellationToken::new(), bridge.key(Scope::ALL).await);
        Self { bridge, key, stop }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> reqwest::Response {
        let request = self.key.sign(self.bridge.request(method, &format!("/api/v1/webhooks{path}")));
        if body.is_null() { request.send().await.unwrap() } else { request.json(&body).send().await.unwrap() }
    }

    async fn read(&self, path: &str) -> Value {
        json(self.ask(Method::GET, path, Value::Null).await, StatusCode::OK).await
    }

    /// A receiver and the id of its endpoint.
    async fn endpoint(&self, events: &[&str]) -> (Receiver, String) {
        let receiver = Receiver::start().await.unwrap();
        let wish = json!({"url": receiver.url(), "events": events});
        let made = json(self.ask(Method::POST, "", wish).await, StatusCode::CREATED).await;
        receiver.trust(made["secret"].as_str().unwrap());
        (receiver, made["id"].as_str().unwrap().to_owned())
    }

    async fn end_call(&self, session: &str) {
        assert_eq!(self.bridge.deliver(&result(session, "customer")).await.status(), StatusCode::OK);
    }

    async fn test(&self, id: &str) -> Value {
        json(self.ask(Method::POST, &format!("/{id}/test"), Value::Null).await, StatusCode::ACCEPTED).await
    }

    async fn deliveries(&self, id: &str) -> Vec<Value> {
        self.read(&format!("/{id}/deliveries?limit=200")).await["items"].as_array().unwrap().clone()
    }

    /// Wait until the newest delivery has had so many attempts.
    async fn tried(&self, id: &str, times: usize) -> Value {
        let many = || async { self.deliveries(id).await[0]["attempts"].as_array().unwrap().len() };
        assert!(
            eventually(SOON, || async { many().await >= times }).await,
            "{:#?}",
            self.deliveries(id).await
        );
        self.deliveries(id).await.remove(0)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn comes(receiver: &Receiver, many: usize) -> Vec<Received> {
    let is_there = eventually(SOON, || async { receiver.received().len() >= many }).await;
    let received = receiver.received();
    assert!(is_there, "{received:#?}");
    for message in &received {
        assert!(message.faults.is_empty(), "{message:#?}");
    }
    received
}

#[tokio::test]
async fn webhooks_tell_how_a_call_went() {
    let sending = Sending::start().await;
    let (all, _) = sending.endpoint(&[]).await;
    let (ends, id) = sending.endpoint(&["call.ended"]).await;
    let fetched = sending.bridge.fetch_config("faq", &[("session_id", "call_1"), ("transport", "ws")]).await;
    assert_eq!(fetched.status(), StatusCode::OK);
    comes(&all, 1).await;
    let upload = sending.bridge.internal(Method::PUT, "/api/v1/internal/recordings/call_1.wav");
    assert_eq!(upload.body("RIFF").send().await.unwrap().status(), StatusCode::OK);
    comes(&all, 2).await;
    sending.end_call("call_1").await;
    let received = comes(&all, 3).await;
    let told: Vec<&str> = received.iter().map(|m| m.body["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["call.connected", "recording.ready", "call.ended"]);
    assert!(received.iter().all(|m| m.body["data"]["call_id"] == "call_1"), "{received:#?}");
    assert_eq!(received[2].body["data"]["end_reason"], "customer");
    assert_eq!(received[2].timestamp, sending.bridge.now().as_second());

    let one = comes(&ends, 1).await.remove(0);
    assert_eq!((one.body["event"].as_str(), &one.id), (Some("call.ended"), &received[2].id));
    let delivery = sending.tried(&id, 1).await;
    assert_eq!((&delivery["state"], &delivery["event_id"]), (&json!("delivered"), &json!(one.id)));
    assert_eq!(delivery["attempts"][0]["request_id"], json!(one.request_id));
    assert_eq!(
        (&delivery["attempts"][0]["status"], &delivery["attempts"][0]["reply"]),
        (&json!(200), &json!("taken"))
    );
    assert_eq!(delivery["message"], one.body);
}

#[tokio::test]
async fn webhooks_that_fail_come_again_on_the_schedule_under_the_same_id() {
    let sending = Sending::start().await;
    let (receiver, id) = sending.endpoint(&[]).await;
    receiver.behave(Manner::Refuse(500));
    sending.test(&id).await;
    for (tries, seconds) in [(1, 5), (2, 300), (3, 1_800), (4, 7_200), (5, 18_000), (6, 36_000), (7, 36_000)]
    {
        let delivery = sending.tried(&id, tries).await;
        assert_eq!((&delivery["state"], &delivery["tries"]), (&json!("pending"), &json!(tries)));
        let next: jiff::Timestamp = delivery["next_attempt_at"].as_str().unwrap().parse().unwrap();
        let pause = next.duration_since(sending.bridge.now()).as_secs();
        assert!((seconds..=seconds + seconds / 10 + 1).contains(&pause), "{tries}: {pause}");
        sending.bridge.clock.set(next);
    }
    let delivery = sending.tried(&id, 8).await;
    assert_eq!((&delivery["state"], &delivery["next_attempt_at"]), (&json!("failed"), &Value::Null));
    let received = comes(&receiver, 8).await;
    assert!(received.iter().all(|m| m.id == received[0].id) && received.len() == 8);
    assert!(received.windows(2).all(|two| two[0].timestamp < two[1].timestamp), "each is signed anew");

    receiver.behave(Manner::Take);
    let path = format!("/{id}/deliveries/{}/replay", delivery["id"].as_str().unwrap());
    json(sending.ask(Method::POST, &path, Value::Null).await, StatusCode::ACCEPTED).await;
    assert_eq!(sending.tried(&id, 9).await["state"], "delivered");
    assert_eq!(comes(&receiver, 9).await[8].id, received[0].id);
    assert_eq!(sending.read(&format!("/{id}/deliveries?state=failed")).await["items"], json!([]));
}

#[tokio::test]
async fn webhooks_wait_as_long_as_they_are_told_to() {
    let sending = Sending::start().await;
    let (receiver, id) = sending.endpoint(&[]).await;
    receiver.then(Manner::TooMany(900));
    sending.test(&id).await;
    let next: jiff::Timestamp =
        sending.tried(&id, 1).await["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(next.duration_since(sending.bridge.now()).as_secs(), 900);
    sending.bridge.clock.set(next);
    assert_eq!(sending.tried(&id, 2).await["state"], "delivered");
}

#[tokio::test]
async fn webhooks_are_held_up_by_no_other_endpoint() {
    let sending = Sending::start().await;
    let mut bad = Vec::new();
    let manners =
        [Manner::Silent, Manner::Dripping, Manner::Oversized, Manner::Redirect("/elsewhere".into())];
    for manner in manners {
        let (receiver, id) = sending.endpoint(&[]).await;
        receiver.behave(manner.clone());
        bad.push((receiver, id, manner));
    }
    let (good, _) = sending.endpoint(&[]).await;
    for n in 0..6 {
        sending.end_call(&format!("call_{n}")).await;
    }
    let began = std::time::Instant::now();
    comes(&good, 6).await;
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    let mut found = Vec::new();
    for (receiver, id, manner) in &bad {
        // Four of the six are tried at the same time.
        let tried = || async {
            let deliveries = sending.deliveries(id).await;
            deliveries.iter().find_map(|d| d["attempts"].get(0).cloned())
        };
        assert!(eventually(SOON, || async { tried().await.is_some() }).await, "{manner:?}");
        let attempt = tried().await.unwrap();
        found.push((
            manner.clone(),
            attempt["error"].as_str().unwrap().to_owned(),
            attempt["took_ms"].as_u64().unwrap(),
        ));
        assert!(receiver.received().iter().all(|m| m.body["event"] == "call.ended"));
    }
    for (at, part) in [
        "no answer within 15 s",
        "not whole within 15 s",
        "longer than 65536 bytes",
        "redirects are not followed",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(found[at].1.contains(part) && found[at].2 < 25_000, "{found:?}");
    }
    assert_eq!(bad[3].0.received().len(), 6, "nothing was sent after a redirect");
}

#[tokio::test]
async fn webhooks_end_when_the_endpoint_is_gone() {
    let sending = Sending::start().await;
    let (gone, id) = sending.endpoint(&["call.ended"]).await;
    let (other, _) = sending.endpoint(&["webhook.disabled"]).await;
    gone.behave(Manner::Refuse(410));
    sending.end_call("call_1").await;
    let told = comes(&other, 1).await.remove(0).body;
    assert_eq!((&told["data"]["webhook_id"], &told["data"]["reason"]), (&json!(id), &json!("gone")));
    let seen = sending.read(&format!("/{id}")).await;
    assert_eq!((&seen["enabled"], &seen["disabled_because"]), (&json!(false), &json!("gone")));
    assert_eq!(sending.tried(&id, 1).await["state"], "failed");
    let refused = sending.ask(Method::POST, &format!("/{id}/test"), Value::Null).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "webhook_disabled");
    gone.behave(Manner::Take);
    let on = sending.ask(Method::PATCH, &format!("/{id}"), json!({"enabled": true})).await;
    assert_eq!(json(on, StatusCode::OK).await["disabled_because"], Value::Null);
    sending.end_call("call_2").await;
    comes(&gone, 2).await;
}

/// The address that fails is not the one that would be switched off.
#[tokio::test]
async fn webhooks_do_not_end_when_the_address_was_changed_meanwhile() {
    let sending = Sending::start().await;
    let (new, id) = sending.endpoint(&[]).await;
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let change = async |url: &str| {
        let changed = sending.ask(Method::PATCH, &format!("/{id}"), json!({"url": url})).await;
        json(changed, StatusCode::OK).await;
    };
    change(&format!("http://{}/", old.local_addr().unwrap())).await;
    sending.test(&id).await;
    let (mut under_way, _) = old.accept().await.unwrap();
    change(&new.url()).await;
    under_way.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(sending.tried(&id, 1).await["state"], "failed");
    sending.test(&id).await;
    comes(&new, 1).await;
    let seen = sending.read(&format!("/{id}")).await;
    assert_eq!((&seen["enabled"], &seen["disabled_because"]), (&json!(true), &Value::Null));
}

/// With an endpoint that takes its time, and every place of the post office taken.
#[tokio::test]
async fn webhooks_of_slow_endpoints_give_way_to_those_that_wait() {
    const MESSAGES: usize = 6;
    let sending = Sending::still(TestBridge::start().await).await;
    let app = &sending.bridge.app;
    let (receiver, id) = sending.endpoint(&[]).await;
    receiver.behave(Manner::Slow(Duration::from_millis(1_100)));
    for _ in 0..MESSAGES {
        sending.test(&id).await;
    }
    let (stores, clock) = (app.stores.clone(), app.clock.clone());
    let (egress, metrics) = (app.webhooks.egress.clone(), app.metrics.clone());
    let sender = Sender { stores, clock, egress, metrics };
    let lanes = app.stores.webhook_lanes();
    let awake = async || lanes.list_awake(Stamp(app.clock.now()), None).await.unwrap().items;
    for (places, expected) in [(0, 4), (1, MESSAGES)] {
        let lane = awake().await.remove(0);
        let turn = Turn { stop: sending.stop.clone(), places: Arc::new(Semaphore::new(places)) };
        assert!(sender.work(&lane, &turn).await.unwrap());
        assert_eq!(receiver.received().len(), expected, "with {places} places free");
    }
    assert!(awake().await.is_empty());
}

#[tokio::test]
async fn webhooks_end_when_the_endpoint_fails_for_five_days() {
    let sending = Sending::start().await;
    let (dead, id) = sending.endpoint(&[]).await;
    dead.behave(Manner::Refuse(503));
    sending.test(&id).await;
    sending.tried(&id, 1).await;
    // Away for a week by a person's will: the five days begin when it is switched on.
    for enabled in [false, true] {
        let switched = sending.ask(Method::PATCH, &format!("/{id}"), json!({"enabled": enabled})).await;
        json(switched, StatusCode::OK).await;
        sending.bridge.clock.advance(SignedDuration::from_hours(if enabled { 0 } else { 7 * 24 }));
    }
    for day in 0..5 {
        assert_eq!(sending.read(&format!("/{id}")).await["enabled"], true, "day {day}");
        sending.test(&id).await;
        sending.tried(&id, 1).await;
        sending.bridge.clock.advance(SignedDuration::from_hours(24));
    }
    let off = || async { sending.read(&format!("/{id}")).await["disabled_because"] == "failing" };
    assert!(eventually(SOON, off).await);
    let tenant = sending.bridge.tenant();
    let told = || async {
        let events = sending.bridge.app.stores.events(&tenant);
        let listed = events.list_events(Order::Ascending, 500, None).await.unwrap().items;
        listed.iter().filter(|e| e.value.event == "webhook.disabled").count()
    };
    assert!(eventually(SOON, || async { told().await == 1 }).await, "told once");
}

#[tokio::test]
async fn webhooks_are_signed_by_both_secrets_for_a_day() {
    let sending = Sending::start().await;
    let (receiver, id) = sending.endpoint(&[]).await;
    let rotated = sending.ask(Method::POST, &format!("/{id}/rotate"), Value::Null).await;
    let rotated = json(rotated, StatusCode::OK).await;
    sending.test(&id).await;
    comes(&receiver, 1).await;
    receiver.trust_only(rotated["secret"].as_str().unwrap());
    sending.test(&id).await;
    comes(&receiver, 2).await;
    sending.bridge.clock.advance(SignedDuration::from_hours(25));
    sending.test(&id).await;
    comes(&receiver, 3).await;
}

#[tokio::test]
async fn webhooks_go_to_a_hundred_a_minute_at_most() {
    let sending = Sending::start().await;
    let (receiver, id) = sending.endpoint(&["call.ended"]).await;
    for n in 0..60 {
        sending.end_call(&format!("call_{n:03}")).await;
    }
    comes(&receiver, 50).await;
    let waiting =
        || async { sending.deliveries(&id).await.iter().filter(|d| d["state"] == "pending").count() };
    assert!(eventually(SOON, || async { waiting().await == 10 }).await, "{}", waiting().await);
    assert_eq!(receiver.received().len(), 50, "the clock stands still");
    sending.bridge.clock.advance(SignedDuration::from_secs(13));
    comes(&receiver, 60).await;
}

/// Several bridges may take more events of running calls for a tenant than an endpoint gets, and the longest waiting go first.
#[tokio::test]
async fn webhooks_of_running_calls_do_not_pile_up_before_the_ends_of_calls() {
    let sending = Sending::still(TestBridge::start().await).await;
    let (_receiver, id) = sending.endpoint(&["transcript.turn", "call.ended"]).await;
    let (app, tenant, now) = (&sending.bridge.app, sending.bridge.tenant(), Stamp(sending.bridge.now()));
    for replica in ["a", "b"] {
        let event = |n: usize, name: &str| {
            let event = Event::of_tenant(&tenant, name, json!({"call_id": "call_1"}), now);
            (Event::id_of(&format!("{replica}{n}{name}")).to_string(), event)
        };
        let mut told: Vec<_> = (0..40).map(|n| event(n, "transcript.turn")).collect();
        told.push(event(0, "call.ended"));
        app.stores.all_events().insert_events(told).await.unwrap();
        app.herald.tell_all().await.unwrap();
    }
    let waiting = sending.deliveries(&id).await;
    let many = |name| waiting.iter().filter(|delivery| delivery["event"] == name).count();
    assert_eq!(many("call.ended"), 2);
    assert!((48..=50).contains(&many("transcript.turn")), "{} turns", many("transcript.turn"));
    let lost = 80 - many("transcript.turn");
    let told = sending.bridge.metrics().await;
    assert!(told.contains(&format!("channel_events_lost_total {lost}\n")), "{told}");
}

#[tokio::test]
async fn webhooks_are_checked_when_they_are_made() {
    let sending =
        Sending::of(TestBridge::start_with(|config| config.egress = Default::default()).await).await;
    for (wish, field) in [
        (json!({"url": "http://127.0.0.1/x"}), "url"),
        (json!({"url": "http://169.254.169.254/"}), "url"),
        (json!({"url": "http://localhost/"}), "url"),
        (json!({"url": "http://[::ffff:10.0.0.1]/"}), "url"),
        (json!({"url": "https://user:pass@crm.example.com/"}), "url"),
        (json!({"url": "ftp://crm.example.com/"}), "url"),
        (json!({"url": ""}), "url"),
        (json!({"url": "https://crm.example.com/", "events": ["call.ended", "call.endet"]}), "events.1"),
        (json!({"url": "https://crm.example.com/", "description": "x".repeat(501)}), "description"),
        (json!({"url": "https://crm.example.com/", "secret": "mine"}), "secret"),
    ] {
        assert_eq!(wrong_fields(sending.ask(Method::POST, "", wish.clone()).await).await, [field], "{wish}");
    }
    let wish = json!({"url": "https://crm.example.com/"});
    for _ in 0..20 {
        let made = json(sending.ask(Method::POST, "", wish.clone()).await, StatusCode::CREATED).await;
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    }
    let refused = sending.ask(Method::POST, "", wish.clone()).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "too_many_webhooks");
    let listed = sending.read("?limit=200").await;
    assert!(listed["items"].as_array().unwrap().len() == 20 && !listed.to_string().contains("whsec_"));
    let one = format!("/{}", listed["items"][3]["id"].as_str().unwrap());
    let gone = sending.ask(Method::DELETE, &one, Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(sending.ask(Method::GET, &one, Value::Null).await.status(), StatusCode::NOT_FOUND);
    json(sending.ask(Method::POST, "", wish).await, StatusCode::CREATED).await;

    let faq = "faq".parse().unwrap();
    let limited = sending
        .bridge
        .insert_key(&sending.bridge.tenant(), Scope::ALL, |key| key.bots = Some(vec![faq]))
        .await;
    let refused = limited.sign(sending.bridge.get("/api/v1/webhooks")).send().await.unwrap();
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "key_limited_to_bots");
}
