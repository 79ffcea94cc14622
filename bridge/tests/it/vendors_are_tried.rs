//! The keys of vendors are tried, a breaker opens when a vendor is away, and calls begin with another one then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::SignedDuration;
use reqwest::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use vox_bridge::auth::role::Role;
use vox_bridge::config::Config;
use vox_bridge::metrics::Metrics;
use vox_bridge::store::bots::Bot;
use vox_bridge::store::engine::{Collection, Engine, EngineError};
use vox_bridge::store::settings::SETTINGS;
use vox_bridge::store::tenants::{TENANTS, Tenant};
use vox_bridge::store::{Stamp, Stores};
use vox_bridge::vendors::checks::Checks;
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, TenantId};
use vox_shared::model::bot::BotSettings;
use vox_testkit::vendor::faults::Faults;
use vox_testkit::vendor::openai::{Script, Server};
use vox_testkit::vendor::{cartesia, chatterbox, resemble, sarvam, soniox};

use crate::harness::interposed::{Documents, Step};
use crate::harness::{NOW, TestBridge, json, temp_engine};
use crate::s3_server::eventually;

struct Stage {
    bridge: TestBridge,
    vendor: Server,
    bot: String,
}

impl Stage {
    async fn start() -> Self {
        let vendor =
            Server::start(Script { api_key: "sk-0123456789abcdef".into(), ..Script::default() }).await;
        let bridge = TestBridge::start().await;
        let model =
            |key: &str| json!({"provider": "openai", "api_key": key, "extra": {"base_url": vendor.url()}});
        let mut llm = model("sk-0123456789abcdef");
        llm["fallbacks"] = json!([model("sk-wrong-0123456789"), {"provider": "scripted"}]);
        let settings: BotSettings = serde_json::from_value(json!({"name": "Tried", "llm": llm})).unwrap();
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await.to_string();
        Self { bridge, vendor, bot }
    }

    async fn vendors(&self) -> Vec<(Value, Value)> {
        let token = self.bridge.token(Role::Admin).await;
        let asked = self.bridge.get("/api/v1/vendors").bearer_auth(token);
        let text = json(asked.send().await.unwrap(), StatusCode::OK).await;
        assert!(!text.to_string().contains("sk-"), "{text}");
        let items = text["items"].as_array().unwrap();
        let mut seen: Vec<_> =
            items.iter().map(|one| (one["key_state"].clone(), one["breaker"].clone())).collect();
        seen.sort_by_key(|(state, _)| state.to_string());
        seen
    }

    /// Tries, so long after one another.
    async fn tries(&self, seconds: &[i64]) {
        for pause in seconds {
            self.bridge.clock.advance(SignedDuration::from_secs(*pause));
            self.bridge.app.checks.round().await.unwrap();
            self.bridge.app.checks.round_of_own().await;
        }
    }

    async fn shown(&self) -> Vec<String> {
        let metrics = self.bridge.metrics().await;
        let of_vendors =
            |line: &&str| line.starts_with("circuit_breaker_state{") || line.starts_with("vendor_keys{");
        metrics.lines().filter(of_vendors).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_breaker_opens_when_a_vendor_is_away_and_calls_begin_with_another() {
    let stage = Stage::start().await;
    let (bridge, told) = (&stage.bridge, |state: &str, breaker: &str| (json!(state), json!(breaker)));
    assert_eq!(stage.vendors().await, [told("unchecked", "closed"), told("unchecked", "closed")]);
    stage.tries(&[0]).await;
    assert_eq!(stage.vendors().await, [told("good", "closed"), told("refused", "closed")]);
    assert_eq!(stage.shown().await.len(), 3, "{:?}", stage.shown().await);
    let operator = bridge.token(Role::SuperAdmin).await;
    let set =
        bridge.send(Method::PUT, "/api/v1/settings/routing", &operator, json!({"budget_ms": 900})).await;
    assert_eq!(set.status(), StatusCode::OK);
    let picked = async |session: &str| {
        let config = bridge.fetch_config(&stage.bot, &[("session_id", session)]).await;
        let config = json(config, StatusCode::OK).await;
        (config["llm"]["provider"].clone(), config["routing"].clone())
    };
    let (provider, routing) = picked("call_1").await;
    assert_eq!((provider, &routing["picked"]["llm"]["place"]), (json!("openai"), &json!(0)));
    assert!(
        routing["left_out"][0].as_str().unwrap().starts_with("llm.1 (openai): its key is refused"),
        "{routing}"
    );

    stage.vendor.set_faults(Faults { status: Some(503), ..Faults::default() });
    stage.tries(&[300, 15]).await;
    assert!(stage.vendors().await.iter().all(|one| *one == told("away", "closed")));
    stage.tries(&[15]).await;
    assert!(stage.vendors().await.iter().all(|one| *one == told("away", "open")));
    assert!(stage.shown().await.contains(&r#"circuit_breaker_state{service="openai"} 2"#.to_owned()));
    let (provider, routing) = picked("call_2").await;
    assert_eq!((provider, &routing["picked"]["llm"]["place"]), (json!("scripted"), &json!(2)));
    assert!(routing["left_out"][0].as_str().unwrap().contains("breaker is open"), "{routing}");

    stage.vendor.set_faults(Faults::default());
    stage.tries(&[15]).await;
    assert_eq!(stage.vendors().await[0], told("good", "half_open"));
    stage.tries(&[15]).await;
    assert_eq!(stage.vendors().await, [told("good", "closed"), told("refused", "closed")]);
    assert_eq!(picked("call_3").await.0, "openai");
    assert_eq!(stage.vendor.observed().on_path("/chat/completions").count(), 0, "nothing was spent");

    // A bot that is switched off needs no vendor.
    let mut faq =
        bridge.app.stores.bots(&bridge.tenant()).get_bot(&stage.bot.parse().unwrap()).await.unwrap();
    faq.value.settings.enabled = false;
    Box::pin(bridge.app.stores.bots(&bridge.tenant()).replace_bot(faq)).await.unwrap();
    stage.tries(&[300]).await;
    assert_eq!(stage.vendors().await, []);
    assert_eq!(stage.shown().await, Vec::<String>::new());
}

/// A voice server of one's own: whether its model is loaded, and its GPU's memory, are in the metrics.
#[tokio::test]
async fn voice_servers_say_how_they_are() {
    let server = chatterbox::Server::start(Default::default()).await;
    let tts =
        json!({"provider": "chatterbox", "voice": "default_female_1", "extra": {"base_url": server.url()}});
    let settings: BotSettings = serde_json::from_value(json!({"name": "Own", "tts": tts})).unwrap();
    let bridge = TestBridge::start().await;
    bridge.insert_bot(&bridge.tenant(), settings).await;
    let name = server.url().replace("http://", "");
    let shown = async |seconds: i64| {
        bridge.clock.advance(SignedDuration::from_secs(seconds));
        bridge.app.checks.round().await.unwrap();
        bridge.app.checks.round_of_own().await;
        let metrics = bridge.metrics().await;
        let of_servers =
            |line: &&str| line.starts_with("voice_server_up{") || line.starts_with("gpu_memory_bytes{");
        let mut lines: Vec<String> = metrics.lines().filter(of_servers).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let up = |is_up: u32| format!("voice_server_up{{server=\"{name}\"}} {is_up}");
    let memory =
        |state: &str, bytes: u64| format!("gpu_memory_bytes{{server=\"{name}\",state=\"{state}\"}} {bytes}");
    let full = [memory("free", 2_000_000_000), memory("used", 6_000_000_000), up(1)];
    assert_eq!(shown(0).await, full);
    // It has no key; its vendor's row tells that it was tried.
    server.set_faults(Faults { status: Some(503), ..Faults::default() });
    assert_eq!(shown(30).await, [up(0)], "what is not told any more is not shown");
    server.set_faults(Faults::default());
    assert_eq!(shown(15).await, full);
    assert_eq!(server.observed().on_path("/synthesize").count(), 0);
    drop(server);
    assert_eq!(shown(30).await, [up(0)]);
}

/// Those of which nothing can be asked over HTTP: they open a connection for a good key, and none for another.
#[tokio::test]
async fn vendors_without_a_question_are_knocked_at() {
    let (soniox, sarvam) =
        (soniox::Server::start(Default::default()).await, sarvam::Server::start(Default::default()).await);
    let (cartesia, resemble) = (
        cartesia::Server::start(Default::default()).await,
        resemble::Server::start(Default::default()).await,
    );
    let entry = |provider: &str, (url, key): (String, &str)| {
        let voice = "0123456789abcdef";
        json!({"provider": provider, "api_key": key, "voice": voice, "extra": {"base_url": url}})
    };
    let both = |provider: &str, url: String, key: &str| {
        [entry(provider, (url.clone(), key)), entry(provider, (url, "a-wrong-key-0123456789"))]
    };
    let behind = |list: Vec<Value>| {
        let mut list = list.into_iter();
        let mut first = list.next().unwrap();
        first["fallbacks"] = list.collect();
        first
    };
    let mut stt = both("soniox", soniox.url(), soniox.api_key()).to_vec();
    stt.extend(both("sarvam", sarvam.url(), sarvam.api_key()));
    let mut tts = both("cartesia", cartesia.url(), cartesia.api_key()).to_vec();
    tts.extend(both("resemble", resemble.url(), resemble.api_key()));
    for entry in &mut stt {
        entry.as_object_mut().unwrap().remove("voice");
    }
    let settings = json!({"name": "Doors", "stt": behind(stt), "tts": behind(tts)});
    let settings: BotSettings = serde_json::from_value(settings).unwrap();
    let bridge = TestBridge::start().await;
    bridge.insert_bot(&bridge.tenant(), settings).await;
    let states = async || {
        bridge.app.checks.round().await.unwrap();
        bridge.app.checks.round_of_own().await;
        let token = bridge.token(Role::Admin).await;
        let asked = bridge.get("/api/v1/vendors").bearer_auth(token).send().await.unwrap();
        let shown = json(asked, StatusCode::OK).await;
        assert!(!shown.to_string().contains("a-wrong-key"), "{shown}");
        let items = shown["items"].as_array().unwrap().iter();
        let mut told: Vec<_> = items.map(|one| format!("{} {}", one["provider"], one["key_state"])).collect();
        told.sort();
        told
    };
    let expected = |first: &str, second: &str| -> Vec<String> {
        let vendors = ["cartesia", "resemble", "sarvam", "soniox"];
        let told = |vendor: &&str| [first, second].map(|state| format!("\"{vendor}\" \"{state}\""));
        vendors.iter().flat_map(told).collect()
    };
    assert_eq!(states().await, expected("good", "refused"));
    for observed in [cartesia.observed(), resemble.observed()] {
        assert_eq!(observed.exchanges.len(), 2, "nothing was asked of it twice");
    }
    drop((soniox, sarvam, cartesia, resemble));
    bridge.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(states().await, expected("away", "away"));
}

/// Two tenants, and keys that are looked for while `is_away` says that the list of tenants cannot be read.
struct Two {
    stores: Stores,
    checks: Checks,
    clock: Clock,
    is_away: Arc<AtomicBool>,
    engine: Arc<dyn Engine>,
    _data: tempfile::TempDir,
}

impl Two {
    const TENANTS: [&str; 2] = ["alpha", "beta"];

    async fn start() -> Self {
        let (data, engine) = temp_engine();
        let is_away = Arc::new(AtomicBool::new(false));
        let away = is_away.clone();
        let before = move |step, of: &'static Collection| {
            let fails = step == Step::ListById && of.name == TENANTS.name && away.load(Ordering::Relaxed);
            let answer = if fails { Err(EngineError::Unavailable("away".into())) } else { Ok(()) };
            async move { answer }.boxed()
        };
        let documents = Documents { inner: engine.clone(), before: Box::new(before) };
        let stores = Stores::open(Arc::new(documents)).await.unwrap();
        let clock = Clock::manual(NOW.parse().unwrap());
        let egress = Arc::new(Egress::new(Config::for_tests(data.path().to_owned()).egress));
        let checks = Checks::new((stores.clone(), clock.clone()), egress, Arc::new(Metrics::new(false)));
        for id in Self::TENANTS {
            let tenant = Tenant::new(id, Stamp(clock.now()));
            stores.tenants().insert(&id.parse().unwrap(), &tenant).await.unwrap();
        }
        Self { stores, checks, clock, is_away, engine, _data: data }
    }

    /// A bot with a server of its own, where nobody listens.
    async fn bot(&self, tenant: &str, key: &str) {
        self.bot_at(tenant, key, "http://127.0.0.1:9/v1").await;
    }

    async fn bot_at(&self, tenant: &str, key: &str, url: &str) {
        let llm = json!({"provider": "openai", "api_key": key, "extra": {"base_url": url}});
        let settings: BotSettings = serde_json::from_value(json!({"name": key, "llm": llm})).unwrap();
        let tenant: TenantId = tenant.parse().unwrap();
        let bot = Bot::new(tenant.clone(), settings, Stamp(self.clock.now()));
        self.stores.bots(&tenant).insert_bot(&BotId::generate(), &bot).await.unwrap();
    }

    /// How many keys of a tenant were tried.
    async fn tried(&self, tenant: &str) -> usize {
        let accounts = self.checks.of_tenant(&tenant.parse().unwrap()).await.unwrap();
        let tried = accounts.into_iter().filter_map(|(_, health)| health?.checked_at);
        tried.count()
    }
}

#[tokio::test]
async fn a_tenant_whose_keys_cannot_be_read_keeps_no_other_from_its_turn() {
    let two = Two::start().await;
    two.bot("alpha", "sk-alpha-0123456789").await;
    two.bot("beta", "sk-beta-0123456789").await;
    two.is_away.store(true, Ordering::Relaxed);
    two.checks.round().await.unwrap_err();
    two.is_away.store(false, Ordering::Relaxed);
    two.clock.advance(SignedDuration::from_secs(15));
    two.checks.round().await.unwrap();
    two.checks.round_of_own().await;
    assert_eq!(
        [two.tried("alpha").await, two.tried("beta").await],
        [1, 1],
        "a look that failed is tried again at once"
    );

    // Damaged after it was read; the other tenant has another bot since.
    let damaged = json!({"vendor_keys": 7}).as_object().cloned().unwrap();
    let alpha = two.checks.of_tenant(&"alpha".parse().unwrap()).await.unwrap();
    two.engine.insert(&SETTINGS, "alpha".into(), damaged).await.unwrap();
    two.bot("beta", "sk-beta-9876543210").await;
    two.clock.advance(SignedDuration::from_mins(5));
    two.checks.round().await.unwrap();
    two.checks.round_of_own().await;
    assert_eq!(two.tried("beta").await, 2, "beta comes after alpha");
    assert!(two.checks.health(&alpha[0].0).is_some(), "what is known of alpha stays");
}

/// A server that takes requests and never answers kept four of them for ten seconds each, however many it had, and nobody else was
/// tried meanwhile.
#[tokio::test]
async fn a_tenant_whose_own_server_never_answers_keeps_no_other_from_its_turn() {
    let two = Two::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", silent.local_addr().unwrap());
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            held.push(connection);
        }
    });
    for n in 0..60 {
        two.bot_at("alpha", &format!("sk-alpha-{n:010}"), &url).await;
    }
    two.bot_at("beta", "sk-beta-0123456789", "http://localhost:9/v1").await;
    two.checks.round().await.unwrap();
    assert_eq!(two.tried("alpha").await, 0, "what is asked of vendors does not wait for them");
    let (checks, began) = (two.checks.clone(), Instant::now());
    let turn = tokio::spawn(async move { checks.round_of_own().await });
    assert!(eventually(Duration::from_secs(60), || async { two.tried("beta").await == 1 }).await);
    assert!(!turn.is_finished(), "alpha's are tried one after the other");
    turn.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(120), "a turn has an end: all of alpha's take ten minutes");
    let tried = two.tried("alpha").await;
    assert!((1..60).contains(&tried), "{tried}");
    holding.abort();
}
