//! The control plane: the real one, in this process, on a port that it keeps when it goes and comes back.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use vox_audio::wav::WavWriter;
use vox_bridge::app::{App, Parts};
use vox_bridge::auth::role::Role;
use vox_bridge::config::{Config, S3Settings};
use vox_bridge::deployment::Deployment;
use vox_bridge::serve::{Serving, serve};
use vox_bridge::store::Stamp;
use vox_bridge::store::bots::Bot;
use vox_bridge::store::tenants::Tenant;
use vox_bridge::store::users::{User, fold_email};
use vox_harness::free_address;
use vox_shared::clock::Clock;
use vox_shared::env::Env;
use vox_shared::ids::{BotId, SoundId, TenantId, UserId};
use vox_shared::livekit::LiveKitSettings;
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::SECRET_HEADER;

use super::{LOOK_EVERY, PATIENCE};

/// Largest recording where they are in a bucket.
const LARGE_RECORDING_BYTES: u64 = 64 * 1024 * 1024;

/// A bridge that can go away and come back.
pub struct Bridge {
    addr: SocketAddr,
    data: PathBuf,
    http: Client,
    /// The bucket of its recordings, if they are in one.
    s3: Option<S3Settings>,
    /// The server whose rooms calls are in, if there is one.
    livekit: Option<LiveKitSettings>,
    running: Option<Running>,
}

struct Running {
    app: App,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

/// The settings of every bridge here.
pub fn config(data: &Path) -> Config {
    Config::for_tests(data.to_owned())
}

/// The secret that workers prove themselves with.
pub fn secret() -> String {
    config(Path::new("unused")).auth.internal_secret.expose_secret().to_owned()
}

/// The secret that the deployment's own tools prove themselves with.
fn tools_secret() -> String {
    let tools = config(Path::new("unused")).auth.tools_secret.expect("tests have one");
    tools.expose_secret().to_owned()
}

fn tenant() -> TenantId {
    "default".parse().unwrap()
}

impl Bridge {
    pub async fn start(data: &Path) -> Self {
        Self::start_with(data, None).await
    }

    /// The same with its recordings in a bucket.
    pub async fn start_with(data: &Path, s3: Option<S3Settings>) -> Self {
        Self::start_as(data, s3, None).await
    }

    /// The same beside a worker with these settings: both know the same LiveKit server.
    pub async fn start_beside(data: &Path, settings: &[(&str, &str)]) -> Self {
        let vars = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let livekit = LiveKitSettings::from_env(&mut Env::from_vars(vars));
        Self::start_as(data, None, livekit).await
    }

    async fn start_as(data: &Path, s3: Option<S3Settings>, livekit: Option<LiveKitSettings>) -> Self {
        // Chosen once per process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().unwrap();
        let addr = free_address();
        let mut bridge = Self { addr, data: data.to_owned(), http, s3, livekit, running: None };
        bridge.come_back().await;
        let app = &bridge.running.as_ref().unwrap().app;
        let now = Stamp(app.clock.now());
        let owner = Tenant::new("Default", now);
        app.stores.tenants().insert(&tenant(), &owner).await.unwrap();
        bridge
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The access token of a new supervisor.
    pub async fn supervisor(&self) -> String {
        self.person(Role::Supervisor).await
    }

    /// The access token of a new user with this role.
    pub async fn person(&self, role: Role) -> String {
        let app = &self.running.as_ref().expect("the bridge is there").app;
        let now = Stamp(app.clock.now());
        let user = User {
            tenant_id: tenant(),
            email: format!("{role:?}@test"),
            email_folded: fold_email(&format!("{role:?}@test")),
            name: "Test".into(),
            role,
            active: true,
            languages: Vec::new(),
            primary_language: None,
            password_hash: "no password is this".into(),
            leaving_since: None,
            second_factor: None,
            tokens_valid_from: now,
            created_at: now,
        };
        app.stores.users(&tenant()).insert_user(&UserId::generate(), &user).await.unwrap();
        app.tokens.issue(&user, app.clock.now()).unwrap()
    }

    /// Serve what the data directory holds.
    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.addr).await.unwrap();
        self.addr = listener.local_addr().unwrap();
        let mut config = config(&self.data);
        config.server.public_url = Some(self.url());
        config.livekit.clone_from(&self.livekit);
        if self.s3.is_some() {
            config.storage.max_recording_bytes = LARGE_RECORDING_BYTES;
            config.storage.s3.clone_from(&self.s3);
        }
        let deployment = Deployment::open(&config.storage).await.unwrap();
        let parts = Parts { deployment, clock: Clock::system(), bound: self.addr };
        let app = App::build(config, parts).await.unwrap();
        let stop = CancellationToken::new();
        let served = app.clone();
        let api = move || vox_bridge::routes::api(&served);
        let serving = tokio::spawn(serve(listener, api, Serving::on_threads(1), stop.clone()));
        self.running = Some(Running { app, stop, serving });
    }

    /// Stop serving: who connects now is refused.
    pub async fn go_away(&mut self) {
        let Running { app, stop, serving } = self.running.take().expect("the bridge is there");
        stop.cancel();
        serving.await.unwrap().unwrap();
        drop(app);
    }

    pub async fn stop(&mut self) {
        if self.running.is_some() {
            self.go_away().await;
        }
    }

    /// What the metrics' own listener tells.
    pub async fn metrics(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let (served, stop) =
            (self.running.as_ref().expect("it is there").app.clone(), CancellationToken::new());
        let page = move || vox_bridge::routes::metrics_page(&served);
        let serving = tokio::spawn(serve(listener, page, Serving::on_threads(1), stop.clone()));
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        stop.cancel();
        serving.await.unwrap().unwrap();
        text
    }

    /// Add a price, as a super admin.
    pub async fn price(&self, price: &Value) {
        let token = self.person(Role::SuperAdmin).await;
        let url = format!("{}/api/v1/prices", self.url());
        let answer = self.http.post(url).bearer_auth(token).json(price).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Keep a tone for bots, as an admin; answers its id.
    pub async fn tone(&self, hz: f32, ms: u32, amplitude: f32) -> SoundId {
        let file = self.data.join("tone.wav");
        let sample = |n: u32| (n as f32 * hz * std::f32::consts::TAU / 16_000.0).sin() * amplitude;
        let mut wav = WavWriter::create(&file, 16_000, 1).unwrap();
        wav.write((0..16 * ms).map(|n| sample(n) as i16)).unwrap();
        wav.finish().unwrap();
        let body =
            json!({"name": format!("{hz} Hz"), "sound": STANDARD.encode(std::fs::read(&file).unwrap())});
        std::fs::remove_file(file).unwrap();
        let (token, url) = (self.person(Role::Admin).await, format!("{}/api/v1/sounds", self.url()));
        let answer = self.http.post(url).bearer_auth(token).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let kept: Value = answer.json().await.unwrap();
        kept["id"].as_str().unwrap().parse().unwrap()
    }

    /// Store a bot; answers its id.
    pub async fn insert_bot(&self, settings: BotSettings) -> String {
        let app = &self.running.as_ref().expect("the bridge is there").app;
        let (id, now) = (BotId::generate(), Stamp(app.clock.now()));
        let bot = Bot::new(tenant(), settings, now);
        app.stores.bots(&tenant()).insert_bot(&id, &bot).await.unwrap();
        id.to_string()
    }

    /// A ticket for `/talk`.
    pub async fn ticket(&self, bot: &str) -> String {
        let url = format!("{}/api/v1/internal/talk-tickets", self.url());
        let body = json!({"bot_id": bot});
        let request = self.http.post(url).header(SECRET_HEADER, tools_secret()).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["ticket"].as_str().unwrap_or_else(|| panic!("no ticket: {answer}")).to_owned()
    }

    /// All calls that the bridge knows of.
    pub async fn calls(&self) -> Vec<Value> {
        self.get("/api/v1/internal/calls").await["items"].as_array().cloned().unwrap_or_default()
    }

    /// The terminal record of the one call of this caller, when it has come.
    pub async fn record(&self, caller: &str) -> Result<Value, String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let calls: Vec<Value> =
                self.calls().await.into_iter().filter(|call| call["caller_id"] == caller).collect();
            match calls.as_slice() {
                [call] if !call["completed_at"].is_null() => {
                    let id = call["session_id"].as_str().unwrap_or_default();
                    return Ok(self.get(&format!("/api/v1/internal/calls/{id}")).await);
                }
                [_, _, ..] => return Err(format!("{} calls of {caller}", calls.len())),
                _ if Instant::now() > until => {
                    return Err(format!("no terminal record of {caller}: {calls:?}"));
                }
                _ => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// A recording by its public link, when it has come: it is sent beside the record.
    pub async fn recording(&self, record: &Value) -> Vec<u8> {
        let url = record["recording_url"].as_str().unwrap_or_else(|| panic!("no recording: {record}"));
        let until = Instant::now() + PATIENCE;
        loop {
            let response = self.http.get(url).send().await.unwrap();
            if response.status() != StatusCode::NOT_FOUND || Instant::now() > until {
                return response.error_for_status().unwrap().bytes().await.unwrap().to_vec();
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url())).header(SECRET_HEADER, tools_secret());
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }
}
