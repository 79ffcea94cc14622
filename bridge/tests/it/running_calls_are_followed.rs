//! Running calls: what their workers tell reaches who follows, in order, with word of what is missing, to the end of the call;
//! and orders are answered whatever became of the call.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, refusal, result, wrong_fields};

/// Sooner than any deadline that is not the one under test.
const SOON: Duration = Duration::from_secs(8);

/// A bridge with a call of a bot that runs on worker `w1`.
struct Stage {
    bridge: TestBridge,
    bot: String,
    token: String,
}

impl Stage {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await.to_string();
        let token = bridge.token(Role::Supervisor).await;
        let stage = Self { bridge, bot, token };
        stage.begin("call_1", &stage.bot).await;
        stage
    }

    async fn begin(&self, call: &str, bot: &str) {
        let query = [("session_id", call), ("caller_id", "+15550001"), ("worker_id", "w1")];
        assert_eq!(self.bridge.fetch_config(bot, &query).await.status(), StatusCode::OK);
    }

    /// What a worker says.
    async fn report(&self, call: &str, events: Value) -> Response {
        let body = json!({"version": 1, "worker_id": "w1", "dropped": 0, "events": events});
        let path = format!("/api/v1/internal/calls/{call}/events");
        self.bridge.internal(Method::POST, &path).json(&body).send().await.unwrap()
    }

    async fn tells(&self, call: &str, seqs: impl IntoIterator<Item = u64>) {
        let events: Vec<Value> = seqs.into_iter().map(turn).collect();
        let answer = json(self.report(call, json!(events)).await, StatusCode::OK).await;
        assert_eq!(answer, json!({"status": "heard"}));
    }

    async fn follow(&self, path: &str, last: Option<&str>) -> Follower {
        let request = self.bridge.get(path).bearer_auth(&self.token);
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        Follower::of(request.send().await.unwrap())
    }

    async fn order(&self, call: &str, verb: &str, body: Value) -> Response {
        let request = self.bridge.request(Method::POST, &format!("/api/v1/calls/{call}/{verb}"));
        request.bearer_auth(&self.token).json(&body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        json(self.bridge.get(path).bearer_auth(&self.token).send().await.unwrap(), StatusCode::OK).await
    }
}

pub fn turn(seq: u64) -> Value {
    json!({
        "seq": seq, "timestamp": "2026-11-20T10:00:01Z", "event": "transcript.turn",
        "data": {"speaker": "caller", "text": format!("line {seq}")}
    })
}

/// An event as a client reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: Option<String>,
    pub name: String,
    pub data: Value,
}

/// Somebody who reads a stream of events.
pub struct Follower {
    answer: Response,
    text: String,
}

impl Follower {
    pub fn of(answer: Response) -> Self {
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let seen = read(block);
                self.text = rest.to_owned();
                if seen.is_some() {
                    return seen;
                }
            }
            let piece = timeout(SOON, self.answer.chunk()).await.expect("something comes").unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The ids of the next events, `-` for one without.
    pub async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let seen = self.next().await.expect("the stream goes on");
            ids.push(seen.id.unwrap_or_else(|| "-".into()));
        }
        ids
    }
}

fn read(block: &str) -> Option<Seen> {
    let field = |name: &str| {
        let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(str::to_owned)
    };
    let data = serde_json::from_str(&field("data")?).unwrap();
    Some(Seen { id: field("id"), name: field("event")?, data })
}

const EVENTS: &str = "/api/v1/calls/call_1/events";

#[tokio::test]
async fn a_follower_sees_each_event_in_the_contracts_envelope_and_then_the_end() {
    let stage = Stage::start().await;
    let mut follower = stage.follow(EVENTS, None).await;
    let ringing = json!({"seq": 1, "timestamp": "2026-11-20T10:00:00Z", "event": "call.ringing",
        "data": {"from": "+15550001", "direction": "incoming"}});
    assert_eq!(stage.report("call_1", json!([ringing])).await.status(), StatusCode::OK);
    stage.tells("call_1", [2]).await;
    let seen = follower.next().await.unwrap();
    assert_eq!((seen.id.as_deref(), seen.name.as_str()), (Some("1"), "call.ringing"));
    let data =
        json!({"call_id": "call_1", "tenant_id": "default", "from": "+15550001", "direction": "incoming"});
    let envelope =
        json!({"event": "call.ringing", "timestamp": "2026-11-20T10:00:00Z", "seq": 1, "data": data});
    assert_eq!(seen.data, envelope);
    let seen = follower.next().await.unwrap();
    assert_eq!(
        (seen.data["data"]["text"].as_str(), seen.data["data"]["call_id"].as_str()),
        (Some("line 2"), Some("call_1"))
    );
    assert_eq!(stage.bridge.deliver(&result("call_1", "customer")).await.status(), StatusCode::OK);
    let seen = follower.next().await.unwrap();
    assert_eq!((seen.id.as_deref(), seen.name.as_str()), (Some("end"), "call.ended"));
    assert_eq!(seen.data["data"]["end_reason"], "customer");
    assert_eq!(follower.next().await, None, "the stream ends with the call");

    let again = stage.bridge.get(EVENTS).bearer_auth(&stage.token).header("last-event-id", "end");
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let late = json(stage.report("call_1", json!([turn(3)])).await, StatusCode::OK).await;
    assert_eq!(late["status"], "heard", "it changes nothing: the call is over");
    let mut follower = stage.follow(EVENTS, Some("1")).await;
    assert_eq!(follower.ids(2).await, ["2", "end"]);
    assert_eq!(follower.next().await, None);
    stage.bridge.stop().await;
}

#[tokio::test]
async fn a_call_in_which_nobody_was_talked_to_fails_first() {
    let stage = Stage::start().await;
    let mut follower = stage.follow(EVENTS, None).await;
    assert_eq!(stage.bridge.deliver(&result("call_1", "busy")).await.status(), StatusCode::OK);
    let seen = follower.next().await.unwrap();
    assert_eq!((seen.name.as_str(), &seen.data["data"]["reason"]), ("call.failed", &json!("busy")));
    assert_eq!(follower.ids(1).await, ["end"]);
    stage.bridge.stop().await;
}

#[tokio::test]
async fn who_comes_again_goes_on_where_it_was_and_is_told_what_is_missing() {
    let stage = Stage::start().await;
    stage.tells("call_1", 1..=4).await;
    stage.tells("call_1", [3, 4, 8]).await;
    let mut follower = stage.follow(EVENTS, Some("3")).await;
    assert_eq!(follower.ids(1).await, ["4"]);
    let gap = follower.next().await.unwrap();
    assert_eq!((gap.id, gap.name.as_str()), (None, "gap"));
    assert_eq!(gap.data["data"], json!({"call_id": "call_1", "from": 5, "to": 7}));
    assert_eq!(follower.ids(1).await, ["8"]);
    stage.tells("call_1", [10]).await;
    assert_eq!(follower.ids(2).await, ["-", "10"], "a gap, and what is behind it");
    for n in 0..10 {
        stage.tells("call_1", 11 + n * 30..41 + n * 30).await;
    }
    let mut late = stage.follow(EVENTS, Some("10")).await;
    let gap = late.next().await.unwrap();
    assert_eq!((&gap.data["data"]["from"], gap.name.as_str()), (&json!(11), "gap"), "not all is kept");
    let mut ahead = stage.follow(EVENTS, Some("999999")).await;
    stage.tells("call_1", [311]).await;
    assert_eq!(ahead.ids(1).await, ["311"], "an id that no event has hides none");
    let strange = stage.bridge.get(EVENTS).bearer_auth(&stage.token).header("last-event-id", "12-a");
    assert_eq!(refusal(strange.send().await.unwrap(), StatusCode::BAD_REQUEST).await, "bad_event_id");
    stage.bridge.stop().await;
}

#[tokio::test]
async fn a_tenants_stream_has_all_its_calls_and_a_limited_key_those_of_its_bots() {
    let stage = Stage::start().await;
    let other = stage.bridge.insert_bot(&stage.bridge.tenant(), BotSettings::default()).await;
    stage.begin("call_2", other.as_str()).await;
    let all = "/api/v1/calls/live/events";
    let mut tenant = stage.follow(all, None).await;
    let limited = stage
        .bridge
        .insert_key(&stage.bridge.tenant(), &[Scope::CallsRead], |key| key.bots = Some(vec![other.clone()]))
        .await;
    let mut narrow = Follower::of(limited.sign(stage.bridge.get(all)).send().await.unwrap());
    let strangers = stage.bridge.insert_tenant("other").await;
    let stranger = stage.bridge.token_of(&strangers, Role::SuperAdmin).await;
    let mut elsewhere = Follower::of(stage.bridge.get(all).bearer_auth(&stranger).send().await.unwrap());
    stage.tells("call_1", [1]).await;
    stage.tells("call_2", [1]).await;
    let first = tenant.next().await.unwrap();
    assert_eq!(first.data["data"]["call_id"], "call_1");
    assert_eq!(tenant.next().await.unwrap().data["data"]["call_id"], "call_2");
    assert_eq!(narrow.next().await.unwrap().data["data"]["call_id"], "call_2", "the first it sees");
    let mut again = stage.follow(all, first.id.as_deref()).await;
    assert_eq!(again.next().await.unwrap().data["data"]["call_id"], "call_2");
    let mut of_another_life = stage.follow(all, Some("00000000-7")).await;
    assert_eq!(of_another_life.next().await.unwrap().name, "gap");
    assert_eq!(of_another_life.next().await.unwrap().data["data"]["call_id"], "call_1");
    let nothing = timeout(Duration::from_millis(200), elsewhere.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");

    let live = stage.get("/api/v1/calls/live").await;
    let calls = live["items"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    let narrow = limited.reads(&stage.bridge, "/api/v1/calls/live").await;
    assert_eq!(narrow["items"][0]["session_id"], "call_2");
    assert_eq!(narrow["items"].as_array().unwrap().len(), 1);
    assert_eq!(limited.status(&stage.bridge, EVENTS).await, StatusCode::NOT_FOUND);
    stage.bridge.stop().await;
}

#[tokio::test]
async fn the_list_of_running_calls_says_where_they_stand() {
    let stage = Stage::start().await;
    let phase = async || stage.get("/api/v1/calls/live").await["items"][0].clone();
    let known = phase().await;
    assert_eq!((&known["phase"], &known["worker_id"]), (&json!("unknown"), &json!("w1")));
    let at = "2026-11-20T10:00:02Z";
    let event = |seq: u64, event: &str, data: Value| json!({"seq": seq, "timestamp": at, "event": event, "data": data});
    for (told, expected) in [
        (event(1, "call.ringing", json!({})), "ringing"),
        (event(2, "call.connected", json!({"answered_at": at})), "connected"),
        (event(3, "call.event", json!({"event": "order_taken", "why": "hold"})), "held"),
        (event(4, "call.event", json!({"event": "order_taken", "why": "go_on"})), "connected"),
        (event(5, "turn.latency", json!({"turn": 1, "total_ms": 812.5})), "connected"),
        (turn(6), "connected"),
    ] {
        assert_eq!(stage.report("call_1", json!([told])).await.status(), StatusCode::OK);
        assert_eq!(phase().await["phase"], expected);
    }
    let known = phase().await;
    assert_eq!((&known["answered_at"], &known["latency_ms"]), (&json!(at), &json!(812.5)));
    assert_eq!((&known["newest_event"], &known["turns"]), (&json!(6), &json!(1)));
    let metrics = stage.bridge.metrics().await;
    assert!(metrics.contains("live_calls 1") && metrics.contains("live_events_total 6"), "{metrics}");
    assert_eq!(stage.bridge.deliver(&result("call_1", "bot")).await.status(), StatusCode::OK);
    assert_eq!(stage.get("/api/v1/calls/live").await["items"], json!([]));
    stage.bridge.stop().await;
}

#[tokio::test]
async fn a_report_is_checked_and_of_a_call_that_is_over_it_changes_nothing() {
    let stage = Stage::start().await;
    let faults = async |events: Value| wrong_fields(stage.report("call_1", events).await).await;
    assert_eq!(faults(json!([turn(2), turn(2)])).await, ["events.1.seq"]);
    assert_eq!(faults(json!([turn(0)])).await, ["events.0.seq"]);
    let named = |name: &str| json!([{"seq": 1, "timestamp": "x", "event": name}]);
    assert_eq!(faults(named("two\nlines")).await, ["events.0.event"]);
    assert_eq!(faults((1..=33).map(turn).collect()).await, ["events"]);
    let unknown = stage.report("call_of_nobody", json!([turn(1)])).await;
    assert_eq!(refusal(unknown, StatusCode::NOT_FOUND).await, "unknown_call");
    stage.begin("call_2", &stage.bot).await;
    assert_eq!(stage.bridge.deliver(&result("call_2", "bot")).await.status(), StatusCode::OK);
    stage.bridge.clock.advance(jiff::SignedDuration::from_secs(120));
    stage.tells("call_1", [1]).await;
    let late = json(stage.report("call_2", json!([turn(1)])).await, StatusCode::OK).await;
    assert_eq!(late["status"], "ended");
    stage.bridge.stop().await;
}

#[tokio::test]
async fn an_order_is_answered_whatever_became_of_the_call() {
    let stage = Stage::start().await;
    let gone = stage.order("call_1", "hold", json!({})).await;
    assert_eq!(refusal(gone, StatusCode::CONFLICT).await, "no_worker");
    for (verb, body, field) in [
        ("say", json!({}), "text"),
        ("steer", json!({"text": " "}), "text"),
        ("transfer", json!({}), "to"),
        ("end", json!({"goodbye": "x".repeat(4_001)}), "goodbye"),
        ("say", json!({"text": "x", "voice": "y"}), "voice"),
    ] {
        assert_eq!(wrong_fields(stage.order("call_1", verb, body).await).await, [field], "{verb}");
    }
    let nobody = stage.order("call_of_nobody", "hold", json!({})).await;
    assert_eq!(refusal(nobody, StatusCode::NOT_FOUND).await, "not_found");

    // A worker that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut report = json!({
        "version": 1, "worker_id": "w1", "host": "h", "address": format!("http://{}", silent.local_addr().unwrap()),
        "slots": 1, "calls": 1, "build": "t", "draining": false, "pid": 7
    });
    let register = async |report: &Value| {
        let registered = stage.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(report);
        assert_eq!(registered.send().await.unwrap().status(), StatusCode::OK);
    };
    register(&report).await;
    let old = stage.order("call_1", "hold", json!({})).await;
    assert_eq!(refusal(old, StatusCode::CONFLICT).await, "orders_not_supported", "it does not say so");
    report["takes_orders"] = json!(true);
    register(&report).await;
    let asked = timeout(SOON, stage.order("call_1", "hold", json!({}))).await.expect("it has a deadline");
    assert_eq!(refusal(asked, StatusCode::SERVICE_UNAVAILABLE).await, "worker_silent");

    assert_eq!(stage.bridge.deliver(&result("call_1", "bot")).await.status(), StatusCode::OK);
    let late = stage.order("call_1", "end", json!({})).await;
    assert_eq!(refusal(late, StatusCode::CONFLICT).await, "call_ended");
    let agent = stage.bridge.token(Role::Agent).await;
    let request = stage.bridge.request(Method::POST, "/api/v1/calls/call_1/hold").bearer_auth(agent);
    assert_eq!(refusal(request.send().await.unwrap(), StatusCode::FORBIDDEN).await, "forbidden");
    stage.bridge.stop().await;
}
