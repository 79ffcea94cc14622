//! A deployment of two bridges, as programs of their own, behind nginx, over one store of documents and one Redis.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::process::{Child, Command};
use vox_bridge::config::TEST_MASTER_KEY;
use vox_bridge::first_start::ADMIN_EMAIL;
use vox_harness::RedisServer;
use vox_shared::wire::SECRET_HEADER;

use super::mongodb::MongoDb;
use super::nginx::Nginx;
use super::{client, json};

/// What one key may ask in a minute, in this deployment.
pub const PER_MINUTE: usize = 60;
pub const SECRET: &str = "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo";
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at what is waited for.
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One of the bridges; killed when dropped.
pub struct Replica {
    child: Child,
    ready: Value,
}

impl Replica {
    async fn start(dir: &Path, (mongodb, redis): (&str, &str)) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let ready_file = dir.join("ready.json");
        let per_minute = PER_MINUTE.to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_vox-bridge"))
            .arg("--ready-file")
            .arg(&ready_file)
            .env_clear()
            .envs([
                ("JWT_SECRET", "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN"),
                ("VOXCORE_SECRET", SECRET),
                ("VOX_BRIDGE_ADDR", "127.0.0.1:0"),
                ("VOX_BRIDGE_METRICS_LISTEN", "127.0.0.1:0"),
                ("VOX_TRUSTED_PROXIES", "127.0.0.1"),
                ("VOX_MONGODB_URI", mongodb),
                ("VOX_MASTER_KEY", TEST_MASTER_KEY),
                ("VOX_REDIS_URL", redis),
                ("VOX_REQUESTS_PER_MINUTE", per_minute.as_str()),
                ("VOX_EGRESS_ALLOW", "127.0.0.1"),
                ("LOG_LEVEL", "error"),
            ])
            .env("VOX_DATA_DIR", dir.join("data"))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let ready = tokio::time::timeout(START_DEADLINE, async {
            loop {
                // The file appears by a rename: when it is there, it is whole.
                match std::fs::read_to_string(&ready_file) {
                    Ok(text) => break serde_json::from_str(&text).unwrap(),
                    Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
                }
            }
        });
        Self { child, ready: ready.await.expect("the bridge becomes ready") }
    }

    pub fn address(&self) -> SocketAddr {
        self.ready["bridge_url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap()
    }

    /// Requests of this route that it answered so, as its metrics count them.
    pub async fn answered(&self, http: &Client, path: &str, status: u16) -> usize {
        let labels = [format!("path=\"{path}\""), format!("status=\"{status}\"")];
        self.counted(http, "http_requests_total", &labels).await
    }

    /// A counter of its metrics; 0 while it has no such row.
    pub async fn counted(&self, http: &Client, name: &str, labels: &[String]) -> usize {
        let page = http.get(self.ready["metrics_url"].as_str().unwrap()).send().await.unwrap();
        let text = page.text().await.unwrap();
        let mut of_name = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        let line = of_name.find(|line| labels.iter().all(|label| line.contains(label)));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// End it as a power cut would.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The deployment.
pub struct Pair {
    pub replicas: [Replica; 2],
    nginx: Nginx,
    pub http: Client,
    _servers: (MongoDb, RedisServer),
    _dir: tempfile::TempDir,
}

impl Pair {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let servers = (MongoDb::start(), RedisServer::start());
        let urls = (servers.0.uri(), servers.1.url());
        let urls = (urls.0.as_str(), urls.1.as_str());
        let replicas = [
            Replica::start(&dir.path().join("one"), urls).await,
            Replica::start(&dir.path().join("two"), urls).await,
        ];
        let nginx = Nginx::before(&[replicas[0].address(), replicas[1].address()]);
        Self { replicas, nginx, http: client(), _servers: servers, _dir: dir }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.nginx.url))
    }

    pub async fn log_in(&self, email: &str, password: &str) -> reqwest::Response {
        let body = json!({"email": email, "password": password});
        self.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap()
    }

    /// The access token of the first administrator.
    pub async fn admin(&self) -> String {
        let password = self.replicas[0].ready["admin_password"].as_str().expect("it was the first start");
        let session = json(self.log_in(ADMIN_EMAIL, password).await, StatusCode::OK).await;
        session["access_token"].as_str().unwrap().to_owned()
    }

    /// How a worker asks whichever bridge it reaches.
    pub async fn worker(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.request(method, path).header(SECRET_HEADER, SECRET);
        json(request.json(&body).send().await.unwrap(), StatusCode::OK).await
    }

    /// A key that may list bots.
    pub async fn key(&self) -> String {
        let body = json!({"name": "it", "scopes": ["bots:read"]});
        let made = self.request(Method::POST, "/api/v1/api-keys").json(&body);
        let made = made.bearer_auth(self.admin().await).send().await.unwrap();
        json(made, StatusCode::CREATED).await["token"].as_str().unwrap().to_owned()
    }
}
