//! The contract's channels on Redis, as a program beside the bridge hears them; and events of running calls for the endpoints that name
//! them.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::SignedDuration;
use redis::aio::{MultiplexedConnection, PubSub};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::scope::Scope;
use vox_bridge::coordination::{Coordination, CoordinationError, Redis};
use vox_bridge::live::crier::Crier;
use vox_bridge::store::Stamp;
use vox_bridge::store::events::Event;
use vox_harness::RedisServer;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;
use vox_testkit::worker::ScriptedWorker;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, result};

/// Sooner than any deadline that is not the one under test.
const SOON: Duration = Duration::from_secs(8);
const CALLER: &str = "+15550001";
const CALLED: &str = "+15550002";

/// A bridge on a Redis, and somebody who listens there.
struct Scene {
    bridge: TestBridge,
    bot: BotId,
    key: TestKey,
    crier: Crier,
    listener: PubSub,
    _redis: RedisServer,
}

impl Scene {
    async fn start() -> Self {
        let redis = RedisServer::start();
        let url = redis.url();
        let bridge = TestBridge::start_with(|config| config.coordination.redis_url = Some(url.into())).await;
        let client = redis::Client::open(redis.url()).unwrap();
        let mut listener = client.get_async_pubsub().await.unwrap();
        listener.psubscribe("*:events").await.unwrap();
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
        let scopes = [Scope::EventsRead, Scope::WebhooksWrite, Scope::WebhooksRead, Scope::DialoutWrite];
        let key = bridge.key(&scopes).await;
        let crier = bridge.app.crier.lock().unwrap().take().expect("nobody else tells");
        Self { bridge, bot, key, crier, listener, _redis: redis }
    }

    async fn begin(&self, call: &str) {
        let event = json!({"to": CALLED}).to_string();
        let query = [("session_id", call), ("caller_id", CALLER), ("connected_event", event.as_str())];
        assert_eq!(self.bridge.fetch_config(self.bot.as_str(), &query).await.status(), StatusCode::OK);
    }

    /// What a worker says of its call.
    async fn report(&self, call: &str, events: Value) {
        let path = format!("/api/v1/internal/calls/{call}/events");
        let body = json!({"version": 1, "worker_id": "w1", "dropped": 0, "events": events});
        let sent = self.bridge.internal(Method::POST, &path).json(&body).send().await.unwrap();
        json(sent, StatusCode::OK).await;
    }

    /// Everything goes where it is to go.
    async fn settle(&mut self) {
        self.tell_what_waits().await;
        self.bridge.app.relay.move_all().await.unwrap();
        self.bridge.app.herald.tell_all().await.unwrap();
        self.tell_what_waits().await;
    }

    /// As a bridge that ends does.
    async fn tell_what_waits(&mut self) {
        let stop = CancellationToken::new();
        stop.cancel();
        self.crier.run(stop).await;
    }

    /// What is heard next, with its channel.
    async fn hears(&mut self) -> (String, Value) {
        let message = timeout(SOON, self.listener.on_message().next()).await.expect("something is told");
        let message = message.expect("the server is there");
        let text: String = message.get_payload().unwrap();
        (message.get_channel_name().to_owned(), serde_json::from_str(&text).unwrap())
    }

    /// The same event on these channels, and the event.
    async fn hears_on(&mut self, channels: &[&str]) -> Value {
        let mut heard = Vec::new();
        for channel in channels {
            let (on, event) = self.hears().await;
            assert_eq!(on, *channel, "{event}");
            heard.push(event);
        }
        assert!(heard.windows(2).all(|pair| pair[0] == pair[1]), "{heard:?}");
        heard.remove(0)
    }

    async fn endpoint(&self, events: Value) -> String {
        let body = json!({"url": "https://crm.example.com/vox", "events": events});
        let made = self.key.sign(self.bridge.request(Method::POST, "/api/v1/webhooks")).json(&body);
        let made = json(made.send().await.unwrap(), StatusCode::CREATED).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// The events that an endpoint gets.
    async fn gets(&self, endpoint: &str) -> Vec<String> {
        let page = self.key.reads(&self.bridge, &format!("/api/v1/webhooks/{endpoint}/deliveries")).await;
        names(&page)
    }
}

/// In their order by name: some are made at the same instant.
fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    let mut names: Vec<String> = items.map(|item| item["event"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

fn ringing() -> Value {
    json!({"seq": 1, "timestamp": "2026-11-20T10:00:00Z", "event": "call.ringing",
        "data": {"from": CALLER, "direction": "incoming"}})
}

fn turn(seq: u64) -> Value {
    json!({"seq": seq, "timestamp": "2026-11-20T10:00:01Z", "event": "transcript.turn",
        "data": {"speaker": "caller", "text": "hello", "turn": 1}})
}

#[tokio::test]
async fn programs_beside_the_bridge_hear_what_happens_on_the_contracts_channels() {
    let mut scene = Scene::start().await;
    let of_call = ["call:call_1:events", "tenant:default:events"];
    scene.begin("call_1").await;
    scene.report("call_1", json!([ringing(), turn(2)])).await;
    // A worker that was not answered says it again.
    scene.report("call_1", json!([ringing(), turn(2)])).await;
    scene.settle().await;
    let data = json!({
        "call_id": "call_1", "tenant_id": "default", "from": CALLER, "to": CALLED, "direction": "incoming"
    });
    let envelope =
        json!({"event": "call.ringing", "timestamp": "2026-11-20T10:00:00Z", "seq": 1, "data": data});
    assert_eq!(scene.hears_on(&of_call).await, envelope);
    assert_eq!(scene.hears_on(&of_call).await["data"]["text"], "hello");

    scene.bridge.deliver(&result("call_1", "customer")).await;
    scene.settle().await;
    let ended = scene.hears_on(&["tenant:default:events", "call:call_1:events"]).await;
    assert_eq!((&ended["event"], &ended["data"]["end_reason"]), (&json!("call.ended"), &json!("customer")));
    let listed = scene.key.reads(&scene.bridge, "/api/v1/events").await;
    assert_eq!(listed["items"][1]["id"], ended["id"], "it is the event of the list: {listed}");
    assert_eq!(names(&listed), ["call.connected", "call.ended"], "nobody names the others");

    let (tenant, now) = (scene.bridge.tenant(), Stamp(scene.bridge.now()));
    let warning = Event::of_tenant(&tenant, "quota.warning", json!({"level": 80}), now);
    let id = Event::id_of("warning").to_string();
    scene.bridge.app.stores.all_events().insert_events(vec![(id, warning)]).await.unwrap();
    scene.settle().await;
    let warning = scene.hears_on(&["tenant:default:events", "system:events"]).await;
    assert_eq!(warning["data"], json!({"level": 80, "tenant_id": "default"}));
    let told = scene.bridge.metrics().await;
    assert!(told.contains("channel_events_total 4\n"), "{told}");
    assert!(told.contains("channel_events_lost_total 0\n"));
}

#[tokio::test]
async fn what_runs_is_in_the_list_for_the_endpoints_that_name_it_and_a_dialled_call_for_all() {
    let mut scene = Scene::start().await;
    let all = scene.endpoint(json!([])).await;
    let some = scene.endpoint(json!(["call.ringing", "transcript.turn", "call.dialing"])).await;
    scene.begin("call_1").await;
    let minute = json!({"seq": 3, "timestamp": "x", "event": "usage.minute", "data": {"minute_count": 1}});
    scene.report("call_1", json!([ringing(), turn(2), minute])).await;
    scene.settle().await;
    assert_eq!(scene.gets(&all).await, ["call.connected"]);
    assert_eq!(scene.gets(&some).await, ["call.ringing", "transcript.turn"]);
    let listed = scene.key.reads(&scene.bridge, "/api/v1/events").await;
    assert_eq!(names(&listed), ["call.connected", "call.ringing", "transcript.turn"]);
    // Who names it later gets it as soon as it is looked for again.
    let late = scene.endpoint(json!(["tool.called"])).await;
    scene.bridge.clock.advance(SignedDuration::from_secs(3));
    let tool = json!({"seq": 4, "timestamp": "x", "event": "tool.called", "data": {"tool_name": "t"}});
    scene.report("call_1", json!([tool])).await;
    scene.settle().await;
    assert_eq!(scene.gets(&late).await, ["tool.called"]);
    for _ in 0..8 {
        scene.hears().await;
    }

    let secret = scene.bridge.app.config.auth.internal_secret.expose_secret().to_owned();
    let worker = ScriptedWorker::start(&secret).await;
    let report = json!({
        "worker_id": "w1", "host": "w1", "address": worker.url(), "slots": 1, "calls": 0, "build": "t", "draining": false, "pid": 7
    });
    let known = scene.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await;
    assert_eq!(known.unwrap().status(), StatusCode::OK);
    let body = json!({"bot_id": scene.bot, "to_number": CALLED});
    let asked = scene.key.sign(scene.bridge.request(Method::POST, "/api/v1/sip/dialout")).json(&body);
    let placed = json(asked.send().await.unwrap(), StatusCode::OK).await;
    scene.settle().await;
    let channel = format!("call:{}:events", placed["call_id"].as_str().unwrap());
    let dialing = scene.hears_on(&["tenant:default:events", &channel]).await;
    assert_eq!(dialing["event"], "call.dialing");
    let data = json!({
        "call_id": placed["call_id"], "tenant_id": "default", "bot_id": scene.bot, "direction": "outgoing"
    });
    assert_eq!(dialing["data"], data, "no numbers: an erasure would not find them");
    assert_eq!(scene.gets(&all).await, ["call.connected", "call.dialing"]);
}

/// A bridge whose login is kept to its own channels goes on without the contract's.
#[tokio::test]
async fn a_login_that_may_not_publish_there_loses_events_and_nothing_else() {
    let server = RedisServer::start();
    let client = redis::Client::open(server.url()).unwrap();
    let mut admin: MultiplexedConnection = client.get_multiplexed_async_connection().await.unwrap();
    let mut user = redis::cmd("ACL");
    user.arg(&["SETUSER", "vox", "on", ">word", "~vox:*", "&vox:0:t:*", "+@all"]);
    user.query_async::<()>(&mut admin).await.unwrap();
    let url = server.url().replace("redis://", "redis://vox:word@");
    let engine = Redis::open(&url.into()).await.unwrap();
    let refused = engine.announce(vec!["system:events".into()], "x".into()).await;
    assert!(matches!(&refused, Err(CoordinationError::Unavailable(_))), "{refused:?}");
    engine.check().await.unwrap();
    engine.publish("live".into(), "x".into()).await.unwrap();
}
