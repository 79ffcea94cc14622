//! Dialout: a call is asked for by a CRM, and placed by a worker of the fleet.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::dialout::order::Order;
use vox_bridge::dialout::{Dialler, DialoutError, PER_SENDER, PER_TENANT};
use vox_bridge::store::tenants::TenantStatus;
use vox_shared::ids::BotId;
use vox_shared::model::bot::{ActiveHours, BotSettings};
use vox_testkit::worker::{Says, ScriptedWorker};

use crate::harness::keys::TestKey;
use crate::harness::races::{By, rounds};
use crate::harness::servers::within_the_process;
use crate::harness::{TestBridge, json, refusal, wrong_fields};

const DIALOUT: &str = "/api/v1/sip/dialout";

/// A bridge with a bot, a key that may place calls, and workers of one slot each.
struct Scene {
    bridge: TestBridge,
    bot: BotId,
    key: TestKey,
    workers: Vec<ScriptedWorker>,
}

impl Scene {
    async fn with_workers(count: usize) -> Self {
        Self::at(TestBridge::start().await, count).await
    }

    async fn at(bridge: TestBridge, count: usize) -> Self {
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
        let key = bridge.key(&[Scope::DialoutWrite]).await;
        let mut workers = Vec::new();
        for n in 0..count {
            let worker = ScriptedWorker::start(bridge.app.config.auth.internal_secret.expose_secret()).await;
            register(&bridge, &format!("w{n}"), &worker.url()).await;
            workers.push(worker);
        }
        Self { bridge, bot, key, workers }
    }

    fn ask(&self, body: &Value) -> RequestBuilder {
        self.key.sign(self.bridge.request(Method::POST, DIALOUT)).json(body)
    }

    async fn send(&self, body: &Value) -> Response {
        self.ask(body).send().await.unwrap()
    }

    async fn with_key(&self, key: &str, body: &Value) -> Response {
        self.ask(body).header("idempotency-key", key).send().await.unwrap()
    }

    fn order(&self) -> Value {
        json!({"bot_id": self.bot, "to_number": "+91 98765 43210"})
    }

    fn orders(&self) -> usize {
        self.workers.iter().map(|worker| worker.orders().len()).sum()
    }

    async fn reserved(&self) -> (u32, u32) {
        let capacity = self.bridge.app.fleet.look().await.unwrap().capacity();
        (capacity.reserved, capacity.available)
    }

    fn says(&self, says: &Says) {
        self.workers.iter().for_each(|worker| worker.says(says.clone()));
    }
}

fn order(scene: &Scene) -> Order {
    Order {
        tenant: scene.bridge.tenant(),
        sender: "key_1".into(),
        bot: scene.bot.clone(),
        to: "+14155550100".parse().unwrap(),
        from: None,
        event: serde_json::Map::new(),
        creation: None,
    }
}

async fn register(bridge: &TestBridge, id: &str, url: &str) {
    register_with(bridge, id, url, 1).await;
}

async fn register_with(bridge: &TestBridge, id: &str, url: &str, slots: usize) {
    let report = json!({
        "worker_id": id, "host": id, "address": url, "slots": slots, "calls": 0, "build": "t", "draining": false, "pid": 7
    });
    let sent = bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&report).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_crm_goes_from_a_new_key_to_a_placed_call() {
    let scene = Scene::with_workers(1).await;
    let (bridge, worker) = (&scene.bridge, &scene.workers[0]);
    let admin = bridge.token(Role::Admin).await;
    let asked = bridge.request(Method::POST, "/api/v1/api-keys").bearer_auth(&admin);
    let body = json!({"name": "CRM", "scopes": ["dialout:write", "fleet:read"]});
    let made = json(asked.json(&body).send().await.unwrap(), StatusCode::CREATED).await;
    let key = made["token"].as_str().unwrap();
    let body = json!({
        "bot_id": scene.bot, "to_number": "919876543210", "from_number": "080 4567 8901", "variables": {"name": "Asha", "due": 1200}
    });
    let asked = bridge.request(Method::POST, DIALOUT).header("x-api-key", key).json(&body);
    let answer = json(asked.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!((&answer["status"], answer.as_object().unwrap().len()), (&json!("ok"), 2));
    assert!(answer["call_id"].as_str().unwrap().starts_with("call_"), "{answer}");
    let order = json!({
        "bot_id": scene.bot, "to_number": "+919876543210", "from_number": "08045678901",
        "connected_event": {"name": "Asha", "due": 1200}, "config_url": bridge.url
    });
    assert_eq!((worker.orders(), worker.faults()), (vec![order], Vec::new()));
    assert_eq!(scene.reserved().await, (1, 0), "the slot is kept until the worker says that the call runs");
    // The contract's own clients look at these two.
    let body = json(scene.send(&scene.order()).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(body["detail"], "No healthy fleet server available");
}

#[tokio::test]
async fn the_other_ways_to_ask_place_the_same_call() {
    let scene = Scene::with_workers(3).await;
    let admin = scene.bridge.token(Role::Admin).await;
    let send = |path: &'static str, body: Value| {
        scene.bridge.request(Method::POST, path).bearer_auth(&admin).json(&body).send()
    };
    let long = json!({"bot_id": scene.bot, "to_number": "0987", "connected_event": {"a": 1}});
    json(send("/api/v1/dialout", long).await.unwrap(), StatusCode::OK).await;
    let short = json!({"agent_id": scene.bot, "to": "+14155550100", "from": "+14155550199", "context": {"b": {"c": 2}}});
    let told = json(send("/v1/calls", short).await.unwrap(), StatusCode::ACCEPTED).await;
    assert_eq!((&told["status"], told["call_id"].is_string()), (&json!("initiating"), true));
    let mut orders: Vec<Value> = scene.workers.iter().flat_map(ScriptedWorker::orders).collect();
    orders.sort_by_key(|order| order["to_number"].to_string());
    assert_eq!(orders[0]["from_number"], "+14155550199");
    assert_eq!(
        (&orders[0]["connected_event"], &orders[1]["connected_event"]),
        (&json!({"b": {"c": 2}}), &json!({"a": 1}))
    );
    assert_eq!((&orders[1]["to_number"], orders[1].get("from_number")), (&json!("0987"), None));
    let wrong = send(
        "/v1/calls",
        json!({"agent_id": scene.bot, "to": "x", "from": "y", "context": {"_campaign_id": 1}}),
    );
    assert_eq!(wrong_fields(wrong.await.unwrap()).await, ["context._campaign_id", "to", "from"]);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_dialled() {
    let scene = Scene::with_workers(1).await;
    let large = "x".repeat(65 * 1024);
    for (change, fields) in [
        (json!({"to_number": "hello"}), vec!["to_number"]),
        (json!({"to_number": "+12"}), vec!["to_number"]),
        (json!({"to_number": 919_876_543_210_u64}), vec!["to_number"]),
        (json!({"from_number": ""}), vec!["from_number"]),
        (json!({"variables": {}, "connected_event": {}}), vec!["variables", "connected_event"]),
        (json!({"variables": [1]}), vec!["variables"]),
        (json!({"variables": {"_campaign_session_id": "call_x"}}), vec!["variables._campaign_session_id"]),
        (
            json!({"connected_event": {"sip_candidate_headers": {}}}),
            vec!["connected_event.sip_candidate_headers"],
        ),
        (json!({"variables": {"a": large}}), vec!["variables"]),
        (json!({"variable": {"a": 1}}), vec!["variable"]),
        (json!({"bot_id": "../x"}), vec!["bot_id"]),
    ] {
        let mut body = scene.order();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(wrong_fields(scene.send(&body).await).await, fields, "{:.80}", change.to_string());
    }
    let bad = scene.ask(&scene.order()).header("idempotency-key", "").send().await.unwrap();
    assert_eq!(refusal(bad, StatusCode::BAD_REQUEST).await, "bad_idempotency_key");
    assert_eq!((scene.orders(), scene.reserved().await), (0, (0, 1)));
}

#[tokio::test]
async fn who_may_not_be_called_is_not() {
    let scene = Scene::with_workers(1).await;
    let (bridge, tenant) = (&scene.bridge, scene.bridge.tenant());
    let for_bot = |bot: &BotId| json!({"bot_id": bot, "to_number": "+919876543210"});
    let disabled = BotSettings { enabled: false, ..BotSettings::default() };
    let disabled = bridge.insert_bot(&tenant, disabled).await;
    assert_eq!(refusal(scene.send(&for_bot(&disabled)).await, StatusCode::NOT_FOUND).await, "unknown_bot");
    let other = bridge.insert_tenant("other").await;
    let strange = bridge.insert_bot(&other, BotSettings::default()).await;
    assert_eq!(refusal(scene.send(&for_bot(&strange)).await, StatusCode::NOT_FOUND).await, "not_found");
    // A Friday, ten o'clock.
    let weekend =
        ActiveHours { enabled: true, days: vec!["sat".into(), "sun".into()], ..ActiveHours::default() };
    let closed = BotSettings { active_hours: weekend, ..BotSettings::default() };
    let closed = bridge.insert_bot(&tenant, closed).await;
    let told = json(scene.send(&for_bot(&closed)).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(told["error"]["code"], "outside_active_hours");
    assert!(told["detail"].as_str().unwrap().starts_with("outside_active_hours"), "{told}");

    let admin = bridge.token(Role::Admin).await;
    let listed = bridge
        .request(Method::POST, "/api/v1/dnc")
        .bearer_auth(&admin)
        .json(&json!({"number": "098765 43210"}));
    assert_eq!(listed.send().await.unwrap().status(), StatusCode::CREATED);
    for number in ["+919876543210", "919876543210", "9876543210", "09876543210"] {
        let body = json!({"bot_id": scene.bot, "to_number": number});
        assert_eq!(refusal(scene.send(&body).await, StatusCode::FORBIDDEN).await, "do_not_call", "{number}");
    }
    let limited = bridge.insert_key(&tenant, Scope::ALL, |key| key.bots = Some(vec![closed.clone()])).await;
    let asked =
        limited.sign(bridge.request(Method::POST, DIALOUT)).json(&scene.order()).send().await.unwrap();
    assert_eq!(refusal(asked, StatusCode::NOT_FOUND).await, "not_found");
    bridge.app.stores.tenants().set_status(&tenant, TenantStatus::Suspended).await.unwrap();
    let body = json!({"bot_id": scene.bot, "to_number": "+14155550100"});
    assert_eq!(refusal(scene.send(&body).await, StatusCode::PAYMENT_REQUIRED).await, "tenant_suspended");
    assert_eq!((scene.orders(), scene.reserved().await), (0, (0, 1)));
}

#[tokio::test]
async fn one_key_places_one_call_however_often_it_is_sent() {
    let scene = Scene::with_workers(3).await;
    let first = json(scene.with_key("order-1", &scene.order()).await, StatusCode::OK).await;
    // The same request, written in another way.
    let same = json!({"to_number": "919876543210", "bot_id": scene.bot, "variables": {}});
    assert_eq!(json(scene.with_key("order-1", &same).await, StatusCode::OK).await, first);
    let other = json!({"bot_id": scene.bot, "to_number": "+919876543211"});
    let reused = scene.with_key("order-1", &other).await;
    assert_eq!(refusal(reused, StatusCode::UNPROCESSABLE_ENTITY).await, "idempotency_key_reused");
    assert_eq!(scene.orders(), 1);
    // Another sender's key of the same text is another.
    let another = scene.bridge.key(&[Scope::DialoutWrite]).await;
    let asked =
        another.sign(scene.bridge.request(Method::POST, DIALOUT)).header("idempotency-key", "order-1");
    json(asked.json(&scene.order()).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(scene.orders(), 2);
    // What was answered stays, though nothing could be placed now.
    let barring = scene.bridge.key(&[Scope::DncWrite]).await;
    let barred = barring.sign(scene.bridge.request(Method::POST, "/api/v1/dnc"));
    let barred = barred.json(&json!({"number": "+919876543210"})).send().await.unwrap();
    assert!(barred.status().is_success());
    assert_eq!(refusal(scene.send(&scene.order()).await, StatusCode::FORBIDDEN).await, "do_not_call");
    assert_eq!(json(scene.with_key("order-1", &scene.order()).await, StatusCode::OK).await, first);
}

/// Rounds whose calls a worker has room for at once.
const TOGETHER: usize = 50;

/// Each round is of a tenant of its own, so that no limit of what one may ask for is met.
#[tokio::test]
async fn twenty_requests_with_one_key_at_two_bridges_place_one_call() {
    let scene = Scene::with_workers(1).await;
    let (bridge, other) = (&scene.bridge, scene.bridge.serve_second().await);
    for round in 0..rounds(By::Requests, 10, 10) {
        if round % TOGETHER == 0 {
            // The slots of those that were placed are free again.
            bridge.clock.advance(SignedDuration::from_secs(91));
            register_with(bridge, "w0", &scene.workers[0].url(), TOGETHER).await;
        }
        let tenant = bridge.insert_tenant(&format!("race_{round}")).await;
        let bot = bridge.insert_bot(&tenant, BotSettings::default()).await;
        let sender = bridge.insert_key(&tenant, &[Scope::DialoutWrite], |_| {}).await;
        let (sender, order) = (&sender, json!({"bot_id": bot, "to_number": "+91 98765 43210"}));
        let ask = |at: &str| {
            let request = bridge.client.post(format!("{at}{DIALOUT}")).json(&order);
            sender.sign(request).header("idempotency-key", "race").send()
        };
        let asked = (0..20).map(|n| ask(if n % 2 == 0 { &bridge.url } else { &other }));
        let mut ids = Vec::new();
        for answer in futures_util::future::join_all(asked).await {
            let answer = answer.unwrap();
            if answer.status() == StatusCode::CONFLICT {
                assert_eq!(refusal(answer, StatusCode::CONFLICT).await, "dialout_under_way");
            } else {
                ids.push(json(answer, StatusCode::OK).await["call_id"].clone());
            }
        }
        assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(scene.orders(), round + 1);
        assert_eq!(json(ask(&bridge.url).await.unwrap(), StatusCode::OK).await["call_id"], ids[0]);
    }
}

#[tokio::test]
async fn what_placed_no_call_may_be_sent_again_with_its_key() {
    let scene = Scene::with_workers(1).await;
    for (says, status, code) in [
        (Says::Refused(429, "at_capacity"), 429, "worker_refused"),
        (Says::Refused(503, "livekit_not_configured"), 503, "worker_refused"),
        (Says::Refused(503, "draining"), 503, "worker_refused"),
        (Says::Refused(409, "odd"), 409, "worker_refused"),
        (Says::Refused(404, "not_found"), 503, "dialout_not_supported"),
        (Says::Refused(403, "forbidden"), 502, "worker_refused"),
        (Says::Refused(302, "elsewhere"), 502, "worker_refused"),
    ] {
        scene.says(&says);
        let before = scene.orders();
        let body =
            json(scene.with_key("again", &scene.order()).await, StatusCode::from_u16(status).unwrap()).await;
        assert_eq!(body["error"]["code"], code, "{says:?}: {body}");
        if let (Says::Refused(_, word), "worker_refused") = (&says, code) {
            assert!(body["detail"].as_str().unwrap().contains(word), "{body}");
        }
        assert_eq!(scene.orders(), before + 1, "{says:?}");
        assert_eq!(scene.reserved().await, (0, 1), "the slot is given back: {says:?}");
    }
    scene.says(&Says::Accepted);
    json(scene.with_key("again", &scene.order()).await, StatusCode::OK).await;
}

#[tokio::test]
async fn a_worker_that_did_nothing_is_followed_by_another() {
    let scene = Scene::with_workers(2).await;
    for says in [
        Says::Refused(429, "at_capacity"),
        Says::Refused(503, "busy"),
        Says::Refused(503, "draining"),
        // The nginx before it, which sent it nothing.
        Says::Refused(503, "worker_unavailable"),
    ] {
        scene.says(&Says::Accepted);
        // Whichever is drawn first, one of the two takes the call.
        scene.workers[0].says(says);
        for _ in 0..8 {
            json(scene.send(&scene.order()).await, StatusCode::OK).await;
            assert_eq!(scene.reserved().await, (1, 1));
            scene.bridge.clock.advance(SignedDuration::from_secs(91));
            register(&scene.bridge, "w0", &scene.workers[0].url()).await;
            register(&scene.bridge, "w1", &scene.workers[1].url()).await;
        }
    }
    assert!(!scene.workers[0].orders().is_empty(), "32 draws, and never the first");
    // Nobody listens there any more.
    let gone = scene.workers[0].url();
    let mut scene = scene;
    drop(scene.workers.remove(0));
    register(&scene.bridge, "w0", &gone).await;
    json(scene.send(&scene.order()).await, StatusCode::OK).await;
    assert_eq!(scene.reserved().await, (1, 1));
    let told = refusal(scene.send(&scene.order()).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(told, "worker_unreachable");
}

#[tokio::test]
async fn what_is_not_known_is_told_and_nobody_is_called_twice() {
    let scene = Scene::with_workers(1).await;
    let lies = ["", "[]", "{\"status\":\"accepted\"}", "{\"status\":\"no\",\"call_id\":\"call_1\"}"];
    let lies = lies.map(|text| (Says::Text(text.into()), 502));
    let others =
        [(Says::Cut, 504), (Says::Refused(500, "boom"), 500), (Says::Refused(502, "bad gateway"), 502)];
    let bad_id = (Says::Text("{\"status\":\"accepted\",\"call_id\":\"../x\"}".into()), 502);
    let large = (Says::Text("x".repeat(2 * 1024 * 1024)), 504);
    for (n, (says, status)) in lies.into_iter().chain(others).chain([bad_id, large]).enumerate() {
        scene.says(&says);
        let (key, status) = (format!("unclear-{n}"), StatusCode::from_u16(status).unwrap());
        let first = json(scene.with_key(&key, &scene.order()).await, status).await;
        assert_eq!(first["error"]["code"], "call_outcome_unknown", "{first}");
        let before = scene.orders();
        scene.says(&Says::Accepted);
        let again = json(scene.with_key(&key, &scene.order()).await, status).await;
        assert_eq!((&again["detail"], scene.orders()), (&first["detail"], before), "{again}");
        assert_eq!(scene.reserved().await, (0, 1), "the slot is given back");
    }
}

#[tokio::test]
async fn a_worker_that_says_nothing_is_given_up() {
    let scene = Scene::with_workers(1).await;
    scene.says(&Says::Silence);
    let bot = scene.bridge.app.stores.all_bots().find_bot(&scene.bot).await.unwrap().unwrap();
    let hurried = Dialler { patience: Duration::from_millis(300), ..scene.bridge.app.dialler.clone() };
    let refused = hurried.dial(order(&scene), &bot.value).await.unwrap_err();
    assert!(matches!(refused, DialoutError::Unclear { status: 504, .. }), "{refused}");
    assert_eq!((scene.orders(), scene.reserved().await), (1, (0, 1)));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_its_call_and_its_slot_in_order() {
    let scene = Scene::with_workers(1).await;
    scene.says(&Says::Silence);
    let asked = scene.ask(&scene.order()).header("idempotency-key", "gone").send();
    let mut asked = Box::pin(asked);
    let seen = async {
        while scene.orders() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut asked => panic!("it cannot be answered"),
        () = seen => {}
    }
    drop(asked);
    // The same key again: the first request is still under way, and nobody is called twice.
    let again = scene.with_key("gone", &scene.order()).await;
    assert_eq!(again.headers()["retry-after"], "1");
    assert_eq!(refusal(again, StatusCode::CONFLICT).await, "dialout_under_way");
    assert_eq!((scene.orders(), scene.reserved().await), (1, (1, 0)));
    // A bridge that was killed meanwhile never writes an outcome.
    scene.bridge.clock.advance(SignedDuration::from_secs(121));
    let late = scene.with_key("gone", &scene.order()).await;
    assert_eq!(refusal(late, StatusCode::GATEWAY_TIMEOUT).await, "call_outcome_unknown");
}

#[tokio::test]
async fn one_key_cannot_ask_for_calls_without_end() {
    let scene = Scene::at(TestBridge::start_with(within_the_process).await, 0).await;
    for _ in 0..PER_SENDER {
        assert_eq!(
            refusal(scene.send(&scene.order()).await, StatusCode::SERVICE_UNAVAILABLE).await,
            "no_fleet"
        );
    }
    let refused = scene.send(&scene.order()).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_dialouts");
    let another = scene.bridge.key(&[Scope::DialoutWrite]).await;
    let asked = another.sign(scene.bridge.request(Method::POST, DIALOUT)).json(&scene.order());
    assert_eq!(refusal(asked.send().await.unwrap(), StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet");
    scene.bridge.clock.advance(SignedDuration::from_secs(61));
}

/// Each within its own limit, and together beyond the tenant's.
#[tokio::test]
async fn the_keys_of_a_tenant_cannot_ask_for_calls_without_end_together() {
    let scene = Scene::at(TestBridge::start_with(within_the_process).await, 0).await;
    let mut bot = scene.bridge.app.stores.all_bots().find_bot(&scene.bot).await.unwrap().unwrap().value;
    // Counted before it is refused, and refused before anything is read.
    bot.settings.enabled = false;
    for _ in 0..PER_TENANT / PER_SENDER {
        let key = scene.bridge.key(&[Scope::DialoutWrite]).await;
        for _ in 0..PER_SENDER {
            let order = Order { sender: key.id.to_string(), ..order(&scene) };
            let refused = scene.bridge.app.dialler.dial(order, &bot).await;
            assert!(matches!(refused, Err(DialoutError::UnknownBot)), "{refused:?}");
        }
    }
    let refused = scene.send(&scene.order()).await;
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_dialouts");
    let other = scene.bridge.insert_tenant("other").await;
    let theirs = scene.bridge.insert_bot(&other, BotSettings::default()).await;
    let key = scene.bridge.insert_key(&other, &[Scope::DialoutWrite], |_| {}).await;
    let body = json!({"bot_id": theirs, "to_number": "+91 98765 43210"});
    let asked = key.sign(scene.bridge.request(Method::POST, DIALOUT)).json(&body).send().await.unwrap();
    assert_eq!(refusal(asked, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet", "it is no limit of others");
    scene.bridge.clock.advance(SignedDuration::from_secs(61));
    let asked = scene.send(&scene.order()).await;
    assert_eq!(refusal(asked, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet");
}
