//! A bridge with a carrier and a bot, people who can be called now, and diallers that come and go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use vox_bridge::app::{App, Parts};
use vox_bridge::config::Config;
use vox_bridge::deployment::Deployment;
use vox_bridge::serve::{Serving, serve};
use vox_dialler::desk::Desk;
use vox_dialler::engine::Engine;
use vox_dialler::fuse;
use vox_dialler::pulse::Pulse;
use vox_dialler::settings::DiallerSettings;
use vox_shared::clock::Clock;
use vox_shared::env::Env;
use vox_shared::ids::WorkerId;
use vox_shared::livekit::LiveKitSettings;
use vox_testkit::exchange::Exchange;
use vox_testkit::exchange::callees::{Callees, Fate};
use vox_testkit::exchange::crew::{Crew, Orders};
use vox_testkit::exchange::journal::What;
use vox_testkit::exchange::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Telephones are so much faster than life.
const SPEED: f64 = 10.0;

/// See the module.
pub struct World {
    pub exchange: Exchange,
    pub crew: Crew,
    bridge: SocketAddr,
    app: App,
    http: Client,
    token: String,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    _data: TempDir,
}

/// A dialler that runs in this process.
pub struct Dialler {
    pub desk: Arc<Desk>,
    pub pulse: Arc<Pulse>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    watching: Option<JoinHandle<()>>,
}

/// The number of the `n`th person: of a place where it is day.
pub fn number(n: u32) -> String {
    // The same ones when an hour strikes in midst of a test.
    static PREFIX: OnceLock<&str> = OnceLock::new();
    let prefix =
        PREFIX.get_or_init(|| match Clock::system().now().as_second().div_euclid(3_600).rem_euclid(24) {
            4..13 => "+91981055",
            0..4 => "+1808555",
            _ => "+1212555",
        });
    format!("{prefix}{:04}", 2_000 + n)
}

impl World {
    /// With these people, who do these things.
    pub async fn start(people: &[Fate], auto_create: bool) -> Self {
        // Chosen once per process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bridge = listener.local_addr().unwrap();
        let numbers: BTreeMap<_, _> =
            (0..).zip(people).map(|(n, fate)| (number(n), vec![fate.clone()])).collect();
        let settings = Settings {
            speed: SPEED,
            auto_create,
            callees: Callees { numbers, ..Callees::default() },
            webhooks: vec![format!("http://{bridge}/api/v1/livekit/webhook")],
            ..Settings::default()
        };
        let exchange = Exchange::start(settings).await.unwrap();
        let mut config = Config::for_tests(data.path().to_owned());
        config.server.public_url = Some(format!("http://{bridge}"));
        config.livekit = LiveKitSettings::from_env(&mut Env::from_vars(livekit(&exchange)));
        let secret = config.auth.internal_secret.expose_secret().to_owned();
        let deployment = Deployment::open(&config.storage).await.unwrap();
        let parts = Parts { deployment, clock: Clock::system(), bound: bridge };
        let app = App::build(config, parts).await.unwrap();
        let password = app.first_start().await.unwrap().expect("it is the first start");
        let (served, stop) = (app.clone(), CancellationToken::new());
        let api = move || vox_bridge::routes::api(&served);
        let serving = tokio::spawn(serve(listener, api, Serving::on_threads(1), stop.clone()));
        let orders = Orders { bridge: format!("http://{bridge}"), secret, workers: 8, ..Orders::default() };
        let crew = Crew::start(&exchange, orders).await.unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let mut world =
            Self { exchange, crew, bridge, app, http, token: String::new(), stop, serving, _data: data };
        let login = json!({"email": "admin@vox.local", "password": password.expose_secret()});
        world.token = text(&world.post("/api/v1/auth/login", &login).await, "access_token");
        world.furnish().await;
        world
    }

    /// A carrier with a number to call from.
    async fn furnish(&self) {
        let carrier = json!({"name": "Simulated", "sip_address": "carrier.example", "outbound_cps": 20, "outbound_channels": 100});
        let id = text(&self.post("/api/v1/carriers", &carrier).await, "id");
        self.post(&format!("/api/v1/carriers/{id}/dids"), &json!({"number": number(7_000)})).await;
        self.eventually("the carrier's trunks are there", async || {
            let carrier = self.post(&format!("/api/v1/carriers/{id}/sync"), &json!({})).await;
            (carrier["sync_status"] == "synced").then_some(())
        })
        .await;
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("http://{}{path}", self.bridge)).bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "GET {path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("http://{}{path}", self.bridge)).json(body);
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "POST {path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// A campaign that calls the first so many people, and runs.
    pub async fn campaign(&self, people: u32) -> String {
        self.campaign_with(people, 0).await
    }

    /// The same, and the outcomes of so many first calls are waited for.
    pub async fn campaign_with(&self, people: u32, canary: u32) -> String {
        self.campaign_set(people, json!({"canary": canary})).await
    }

    /// The same, with settings of its own.
    pub async fn campaign_set(&self, people: u32, own: Value) -> String {
        let bot = json!({
            "name": "Tested", "system_prompt": "You call people.", "opening_message": "Good day.",
            "stt": {"provider": "deepgram", "api_key": "unused"},
            "llm": {"provider": "openai", "api_key": "unused"},
            "tts": {"provider": "elevenlabs", "api_key": "unused", "voice": "21m00Tcm4TlvDq8ikWAM"},
        });
        let bot = text(&self.post("/api/v1/bots", &bot).await, "id");
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mut settings = json!({
            "canary": 0, "pacing": {"max_lines": 8}, "numbers": {"sticky": false},
            "hours": {"open": [{"days": days, "start": "00:00", "end": "24:00"}]},
        });
        settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let body = json!({"name": "Tested", "bot_id": bot, "settings": settings});
        let id = text(&self.post("/api/v1/campaigns", &body).await, "id");
        let rows: Vec<_> = (0..people).map(|n| json!({"phones": [number(n)]})).collect();
        let taken = self.post(&format!("/api/v1/campaigns/{id}/contacts"), &json!({"rows": rows})).await;
        assert_eq!(taken["counts"]["created"], people, "{taken}");
        self.post(&format!("/api/v1/campaigns/{id}/start"), &json!({})).await;
        id
    }

    /// All attempts of a campaign, by the number that was called.
    pub async fn attempts(&self, campaign: &str) -> BTreeMap<String, Value> {
        let page = self.get(&format!("/api/v1/campaigns/{campaign}/attempts?limit=200")).await;
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| (text(item, "number"), item.clone())).collect()
    }

    /// Numbers of the INVITEs, in their order.
    pub fn invited(&self) -> Vec<String> {
        let of = |what| match what {
            What::Invite { to, .. } => Some(to),
            _ => None,
        };
        self.exchange.journal().lines().into_iter().filter_map(|line| of(line.what)).collect()
    }

    pub async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                Instant::now() < until,
                "in vain: {what}; the carrier saw {:?}",
                self.exchange.journal().lines()
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// What a dialler works with.
    pub fn settings(&self) -> DiallerSettings {
        let mut vars = livekit(&self.exchange);
        let secret = self.app.config.auth.internal_secret.expose_secret().to_owned();
        vars.push(("VOXCORE_SECRET".into(), secret));
        vars.push(("VOX_BRIDGE_URL".into(), format!("http://{}", self.bridge)));
        DiallerSettings::from_env(Env::from_vars(vars)).unwrap()
    }

    /// A dialler begins to work.
    pub fn dialler(&self) -> Dialler {
        let (tells, fuse) = watch::channel(false);
        let mut dialler = self.dialler_with(fuse);
        let watching = fuse::watch(dialler.desk.clone(), dialler.pulse.clone(), tells);
        dialler.watching = Some(tokio::spawn(watching));
        dialler
    }

    /// A dialler that is told of its fuse.
    pub fn dialler_with(&self, fuse: watch::Receiver<bool>) -> Dialler {
        let settings = self.settings();
        let name = format!("dialler-{}", WorkerId::generate());
        let desk = Arc::new(Desk::new(name, &settings, Clock::system()).unwrap());
        let (pulse, stop) = (Arc::new(Pulse::default()), CancellationToken::new());
        let engine = Engine::new(desk.clone(), pulse.clone(), fuse, settings.max_lines);
        let running = tokio::spawn(engine.run(stop.clone(), settings.drain));
        Dialler { desk, pulse, stop, running, watching: None }
    }

    /// A dialler has looked at a campaign, and some time later again.
    pub async fn looks_twice(&self, dialler: &Dialler, campaign: &str) {
        let told = format!("campaign_tick:{campaign}:{}", dialler.desk.name);
        for _ in 0..2 {
            self.app.coordination.set(told.clone(), Bytes::new(), PATIENCE).await.unwrap();
            self.eventually("the dialler tells of the campaign", async || {
                let told = self.app.coordination.get(told.clone()).await.unwrap();
                told.is_some_and(|told| !told.is_empty()).then_some(())
            })
            .await;
        }
    }

    pub async fn end(self) {
        self.crew.stop(Duration::from_secs(5)).await;
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

impl Dialler {
    /// As SIGTERM does.
    pub async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        if let Some(watching) = self.watching {
            watching.abort();
        }
    }
}

pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no '{field}' in {value}")).to_owned()
}

fn livekit(exchange: &Exchange) -> Vec<(String, String)> {
    let (key, secret) = exchange.key();
    let url = exchange.url().replacen("http", "ws", 1);
    let vars = [("LIVEKIT_URL", url), ("LIVEKIT_API_KEY", key.into()), ("LIVEKIT_API_SECRET", secret.into())];
    vars.map(|(name, value)| (name.to_owned(), value)).into()
}
