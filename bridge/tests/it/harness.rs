//! A bridge on a free port with a clock that stands still, and people to use it. With `VOX_TEST_ENGINES=servers` it stands on MongoDB,
//! Redis and S3: the same tests run over both sets of engines.

pub mod bots;
mod claimed;
pub mod interposed;
pub mod keys;
pub mod livekit;
pub mod losing;
pub mod mongodb;
pub mod nginx;
pub mod pair;
pub mod races;
pub mod servers;
pub mod spoilt;

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_bridge::app::{App, Parts};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::secret_token;
use vox_bridge::config::Config;
use vox_bridge::delivery::message::Message;
use vox_bridge::delivery::sign;
use vox_bridge::deployment::Deployment;
use vox_bridge::first_start::ADMIN_EMAIL;
use vox_bridge::objects::Objects;
use vox_bridge::objects::directory::Directory;
use vox_bridge::routes;
use vox_bridge::serve::{Serving, serve};
use vox_bridge::store::Stamp;
use vox_bridge::store::bots::Bot;
use vox_bridge::store::engine::{Collection, Engine, Kept};
use vox_bridge::store::invitations::Invitation;
use vox_bridge::store::jobs::{Job, JobState, Queue};
use vox_bridge::store::tenants::Tenant;
use vox_bridge::store::users::{User, fold_email};
use vox_bridge::store::webhooks::Endpoint;
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, InvitationId, JobId, TenantId, UserId, WebhookId};
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::SECRET_HEADER;

use servers::Servers;

/// A Friday morning.
pub const NOW: &str = "2026-11-20T10:00:00Z";

/// A running bridge. Its data goes away with it.
pub struct TestBridge {
    pub app: App,
    pub clock: Clock,
    pub url: String,
    pub admin_password: SecretString,
    pub client: reqwest::Client,
    stop: CancellationToken,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    pub engine: Arc<dyn Engine>,
    _data: TempDir,
    servers: Option<Servers>,
}

/// Somebody with an account.
pub struct Person {
    pub id: UserId,
    pub token: String,
}

/// An HTTP client for tests.
pub fn client() -> reqwest::Client {
    // Chosen once per process; a second choice is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl TestBridge {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let client = client();
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::for_tests(data.path().to_owned());
        let servers = Servers::of_this_run().await;
        if let Some(servers) = &servers {
            servers.set(&mut config);
        }
        change(&mut config);
        let clock = Clock::manual(NOW.parse().unwrap());
        let listener = TcpListener::bind(config.server.addr).await.unwrap();
        let bound = listener.local_addr().unwrap();
        let deployment = Deployment::open(&config.storage).await.unwrap();
        let engine = deployment.engine.clone();
        let parts = Parts { deployment, clock: clock.clone(), bound };
        let app = App::build(config, parts).await.unwrap();
        let first = app.first_start().await.unwrap();
        let admin_password = first.unwrap_or_else(|| "this was not the first start".into());
        let stop = CancellationToken::new();
        let served = app.clone();
        let api = move || routes::api(&served);
        let serving = tokio::spawn(serve(listener, api, Serving::on_threads(2), stop.clone()));
        let url = format!("http://{bound}");
        let serving = Some(serving);
        Self { app, clock, url, admin_password, client, stop, serving, engine, _data: data, servers }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn tenant(&self) -> TenantId {
        "default".parse().unwrap()
    }

    /// What the metrics' own listener tells.
    pub async fn metrics(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let (served, stop) = (self.app.clone(), CancellationToken::new());
        let page = move || routes::metrics_page(&served);
        let serving = tokio::spawn(serve(listener, page, Serving::on_threads(1), stop.clone()));
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        stop.cancel();
        serving.await.unwrap().unwrap();
        text
    }

    /// A request without any credential.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A request with the secret of the deployment's tools.
    pub fn tools(&self, method: Method, path: &str) -> RequestBuilder {
        let secret = self.app.config.auth.tools_secret.as_ref().expect("tests set one");
        self.request(method, path).header(SECRET_HEADER, secret.expose_secret())
    }

    /// A request with the workers' secret.
    pub fn internal(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header(SECRET_HEADER, self.app.config.auth.internal_secret.expose_secret())
    }

    /// The access token of a new user, made directly in the store.
    pub async fn token_of(&self, tenant: &TenantId, role: Role) -> String {
        let user = self.insert_user(tenant, &format!("{}@test", UserId::generate()), role).await;
        self.app.tokens.issue(&user, self.now()).unwrap()
    }

    /// A new user, made directly in the store, with an access token.
    pub async fn person(&self, tenant: &TenantId, email: &str, role: Role) -> Person {
        let user = self.insert_user(tenant, email, role).await;
        let token = self.app.tokens.issue(&user, self.now()).unwrap();
        let id = self.app.stores.all_users().find_by_email(email).await.unwrap().unwrap().id;
        Person { id: id.parse().unwrap(), token }
    }

    /// An open invitation of an agent, made directly in the store, and its secret. A new admin of the tenant has made it.
    pub async fn insert_invitation(&self, tenant: &TenantId, email: &str) -> (InvitationId, String) {
        let (id, token, now) = (InvitationId::generate(), secret_token::generate(), self.now());
        let maker = self.person(tenant, &format!("maker-of-{id}@test"), Role::Admin).await.id;
        let invitation = Invitation {
            tenant_id: tenant.clone(),
            email: email.into(),
            role: Role::Agent,
            secret_hash: secret_token::hash(&token),
            reset: None,
            created_at: Stamp(now),
            created_by: maker,
            expires_at: Stamp(now.saturating_add(jiff::SignedDuration::from_hours(24 * 7)).unwrap()),
            used_at: None,
            revoked_at: None,
        };
        self.app.stores.invitations(tenant).insert_invitation(&id, &invitation).await.unwrap();
        (id, token)
    }

    /// Send a body as somebody.
    pub async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> Response {
        self.request(method, path).bearer_auth(token).json(&body).send().await.unwrap()
    }

    /// The access token of a new user of the default tenant.
    pub async fn token(&self, role: Role) -> String {
        self.token_of(&self.tenant(), role).await
    }

    pub async fn insert_user(&self, tenant: &TenantId, email: &str, role: Role) -> User {
        let now = Stamp(self.now());
        let user = User {
            tenant_id: tenant.clone(),
            email: email.into(),
            email_folded: fold_email(email),
            name: "Test".into(),
            role,
            active: true,
            languages: Vec::new(),
            primary_language: None,
            password_hash: "no password is this".into(),
            tokens_valid_from: now,
            created_at: now,
            leaving_since: None,
            second_factor: None,
        };
        self.app.stores.users(tenant).insert_user(&UserId::generate(), &user).await.unwrap();
        user
    }

    pub async fn insert_tenant(&self, id: &str) -> TenantId {
        let tenant = Tenant::new(id, Stamp(self.now()));
        let id: TenantId = id.parse().unwrap();
        self.app.stores.tenants().insert(&id, &tenant).await.unwrap();
        id
    }

    /// A bot with these settings, made directly in the store.
    pub async fn insert_bot(&self, tenant: &TenantId, settings: BotSettings) -> BotId {
        let (id, now) = (BotId::generate(), Stamp(self.now()));
        let bot = Bot::new(tenant.clone(), settings, now);
        self.app.stores.bots(tenant).insert_bot(&id, &bot).await.unwrap();
        id
    }

    /// An endpoint of the default tenant with one delivery, made directly in the store; nothing is sent.
    pub async fn insert_webhook(&self, description: &str) -> (WebhookId, String) {
        let (id, now, place) =
            (WebhookId::generate(), Stamp(self.now()), rand::random_range(1_000..u32::MAX));
        let endpoint = Endpoint {
            tenant_id: self.tenant(),
            url: "https://crm.example.com/".into(),
            description: Some(description.into()),
            events: Vec::new(),
            enabled: true,
            disabled_because: None,
            secret: sign::generate(),
            previous: None,
            created_at: now,
            updated_at: now,
            place,
        };
        self.app.stores.webhooks(&self.tenant()).insert_endpoint(&id, &endpoint).await.unwrap();
        let (delivery_id, delivery) = Message::test(self.tenant(), &id, now).to(&id, now);
        self.app.stores.deliveries(&self.tenant()).insert_delivery(&delivery_id, &delivery).await.unwrap();
        (id, delivery_id.to_string())
    }

    /// A job of the default tenant that failed, made directly in the store.
    pub async fn insert_failed_job(&self, error: &str) -> JobId {
        let (id, now) = (JobId::generate(), Stamp(self.now()));
        let job = Job::new(self.tenant(), (Queue::Default, "unknown"), Map::new(), now);
        let job = Job { state: JobState::Failed, due_at: None, error: Some(error.into()), ..job };
        self.app.stores.jobs(&self.tenant()).insert_job(&id, &job).await.unwrap();
        id
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Response {
        let body = json!({"email": email, "password": password});
        self.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap()
    }

    /// Log the first administrator in; answers the session.
    pub async fn admin_session(&self) -> Value {
        json(self.log_in(ADMIN_EMAIL, self.admin_password.expose_secret()).await, StatusCode::OK).await
    }

    /// Fetch the config of a call.
    pub async fn fetch_config(&self, bot: &str, query: &[(&str, &str)]) -> Response {
        let path = with_query(&format!("/api/v1/config/{bot}"), query);
        self.internal(Method::GET, &path).send().await.unwrap()
    }

    /// Deliver a result.
    pub async fn deliver(&self, result: &Value) -> Response {
        self.internal(Method::POST, "/api/v1/call-results").json(result).send().await.unwrap()
    }

    /// A call as the internal surface shows it.
    pub async fn call(&self, session: &str) -> Value {
        let path = format!("/api/v1/internal/calls/{session}");
        json(self.tools(Method::GET, &path).send().await.unwrap(), StatusCode::OK).await
    }

    /// Put a value where the document's type has another one, behind the bridge's back.
    pub async fn damage(&self, collection: &'static Collection, id: &str, field: &str, value: Value) {
        let mut document = self.engine.get(collection, id.into()).await.unwrap().unwrap();
        document.body.insert(field.into(), value);
        let kept = Kept { document, schema: collection.schema() };
        self.engine.restore(collection, vec![kept]).await.unwrap();
    }

    /// Names of the objects in this part of the object store, as `calls`, behind the bridge's back.
    pub async fn objects_in(&self, part: &str) -> Vec<String> {
        match &self.servers {
            Some(servers) => servers.objects_in(part).await,
            None => {
                let dir = self.app.config.storage.data_dir.join("objects").join(part);
                let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
                names.map(|name| name.into_string().unwrap()).collect()
            }
        }
    }

    /// A worker with more slots than a test reserves.
    pub async fn insert_large_worker(&self) {
        let report = json!({
            "worker_id": "wrk_large", "host": "large", "address": "http://127.0.0.1:9", "slots": 1_000_000, "calls": 0,
            "build": "t", "draining": false, "pid": 1
        });
        let lease = (Stamp(self.now()), Stamp(Timestamp::MAX));
        self.app.stores.workers().register(&serde_json::from_value(report).unwrap(), lease).await.unwrap();
    }

    /// The application of a second bridge over the same documents. Its data directory is its own.
    pub async fn second_app(&self) -> App {
        self.second_at(([127, 0, 0, 1], 0).into()).await
    }

    async fn second_at(&self, bound: SocketAddr) -> App {
        let mut config = self.app.config.clone();
        config.storage.data_dir.push("second");
        let deployment = if config.storage.mongodb_uri.is_some() {
            Deployment::open(&config.storage).await.unwrap()
        } else {
            // The embedded file has one process, whose bridges share it.
            let objects: Arc<dyn Objects> = match config.storage.s3 {
                Some(_) => self.app.recordings.archive.objects.clone(),
                None => {
                    std::fs::create_dir_all(&config.storage.data_dir).unwrap();
                    Arc::new(Directory::open(&config.storage.data_dir).unwrap())
                }
            };
            Deployment { engine: self.engine.clone(), objects, vault: self.app.vault.clone() }
        };
        App::build(config, Parts { deployment, clock: self.clock.clone(), bound }).await.unwrap()
    }

    /// The address of a second bridge over the same documents, which ends with the first.
    pub async fn serve_second(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bound = listener.local_addr().unwrap();
        let app = self.second_at(bound).await;
        let api = move || routes::api(&app);
        tokio::spawn(serve(listener, api, Serving::on_threads(1), self.stop.clone()));
        format!("http://{bound}")
    }

    /// Stop and wait for it.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for TestBridge {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A path with an encoded query.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://x", query).unwrap();
    format!("{path}?{}", url.query().unwrap_or_default())
}

/// The body of an answer that must have this status.
pub async fn json(response: Response, status: StatusCode) -> Value {
    let (found, text) = (response.status(), response.text().await.unwrap());
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The code of a refusal that must have this status.
pub async fn refusal(response: Response, status: StatusCode) -> String {
    json(response, status).await["error"]["code"].as_str().unwrap().to_owned()
}

/// The paths of the fields of a 422.
pub async fn wrong_fields(response: Response) -> Vec<String> {
    let body = json(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    let fields = body["error"]["fields"].as_array().unwrap_or_else(|| panic!("{body}"));
    fields.iter().map(|f| f["path"].as_str().unwrap().to_owned()).collect()
}

/// A result with what a worker always sends.
pub fn result(session: &str, disconnected_by: &str) -> Value {
    json!({
        "version": 1, "session_id": session, "seq": 1, "bot_id": "faq", "call_duration_seconds": 12.5,
        "disconnected_by": disconnected_by,
        "transcript": [{"turn": 0, "speaker": "bot", "text": "Hello.", "started_ms": 0, "ended_ms": 900}]
    })
}

/// Shared settings of the test engines.
pub fn temp_engine() -> (TempDir, Arc<dyn vox_bridge::store::engine::Engine>) {
    let data = tempfile::tempdir().unwrap();
    let engine = vox_bridge::store::engine::sqlite::Sqlite::open(&data.path().join("t.sqlite")).unwrap();
    (data, Arc::new(engine))
}
