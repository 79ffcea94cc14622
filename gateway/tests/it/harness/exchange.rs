//! All that stands between a telephone and a bot: Redis, a LiveKit server, the gateway, a bridge that the server tells of calls, and
//! workers, which are programs of their own. The bot is the bridge's own example, which speaks by the engines built in.

mod handset;
mod line;
mod words;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use vox_gateway::{Gateway, Settings};
use vox_harness::{LiveKitServer, RedisServer, free_address};

use super::PATIENCE;
pub use handset::Handset;
pub use words::spoken;

/// Every new deployment has it.
pub const BOT: &str = "appointment-reminder";
const SECRET: &str = "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo";
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of each log that a failing test shows.
const SHOWN_LINES: usize = 30;

pub struct Exchange {
    pub gateway: Gateway,
    http: Client,
    url: String,
    token: String,
    // In the order in which they end.
    _dialler: Option<Server>,
    _workers: Vec<Server>,
    _bridge: Server,
    livekit: LiveKitServer,
    _redis: RedisServer,
    data: TempDir,
}

impl Exchange {
    pub async fn start(workers: usize) -> Self {
        Self::with(workers, LiveKitServer::over_and_telling).await
    }

    /// With a dialler, and a server that makes no rooms by itself.
    pub async fn with_dialler(workers: usize) -> Self {
        let mut exchange = Self::with(workers, LiveKitServer::for_campaigns).await;
        let (bridge, livekit) = (exchange.url.trim_end_matches("/api/v1").to_owned(), &exchange.livekit);
        let settings = [
            ("VOXCORE_SECRET", SECRET.to_owned()),
            ("VOX_BRIDGE_URL", bridge),
            ("LIVEKIT_URL", livekit.url.clone()),
            ("LIVEKIT_API_KEY", livekit.key.clone()),
            ("LIVEKIT_API_SECRET", livekit.secret.clone()),
            ("VOX_DIALLER_LISTEN", free_address().to_string()),
            ("VOX_PARENT_DEATH", "1".to_owned()),
        ];
        exchange._dialler = Some(Server::start(exchange.data.path(), "dialler", |command| {
            command.envs(settings);
        }));
        exchange
    }

    async fn with(workers: usize, server: impl Fn(&RedisServer, &str) -> LiveKitServer) -> Self {
        // Loopback alone is asked, without TLS; the library wants a provider all the same.
        let _twice = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let at = free_address();
        let redis = RedisServer::start();
        let hook = format!("http://{at}/api/v1/livekit/webhook");
        let livekit = server(&redis, &hook);
        let (server, key, secret) = (&*livekit.url, &*livekit.key, &*livekit.secret);
        let gateway = Gateway::start(Settings::new(&redis.url(), server, key, secret)).await.unwrap();
        let both = [
            ("LIVEKIT_URL", server),
            ("LIVEKIT_API_KEY", key),
            ("LIVEKIT_API_SECRET", secret),
            ("VOXCORE_SECRET", SECRET),
            ("VOX_EGRESS_ALLOW", "127.0.0.0/8"),
        ];
        let bridge = Server::start(data.path(), "bridge", |command| {
            command
                .envs(both)
                .env("VOX_BRIDGE_ADDR", at.to_string())
                .env("VOX_DATA_DIR", data.path().join("bridge"));
            command
                .env("JWT_SECRET", "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN")
                .env("VOX_BRIDGE_METRICS_LISTEN", "off");
            command.env("VOX_REQUESTS_PER_MINUTE", "100000");
            command.arg("--ready-file").arg(data.path().join("ready.json"));
        });
        let ready = data.path().join("ready.json");
        let told = eventually("the bridge is ready", async || std::fs::read(&ready).ok()).await;
        let told: Value = serde_json::from_slice(&told).unwrap();
        let mut all = Vec::new();
        for n in 0..workers {
            all.push(Server::start(data.path(), "core", |command| {
                command.envs(both).env("VOX_BRIDGE_URL", format!("http://{at}"));
                command.env("VOXCORE_DATA_DIR", data.path().join(format!("core-{n}")));
                command.env("VOX_MODELS_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
            }));
        }
        let mut exchange = Self {
            gateway,
            http: Client::builder().timeout(PATIENCE).build().unwrap(),
            url: format!("http://{at}/api/v1"),
            token: String::new(),
            _dialler: None,
            _workers: all,
            _bridge: bridge,
            livekit,
            _redis: redis,
            data,
        };
        let login = json!({"email": told["admin_email"], "password": told["admin_password"]});
        let (_, answer) = exchange.posts("/auth/login", login).await;
        answer["access_token"].as_str().expect("the first login is good").clone_into(&mut exchange.token);
        eventually("the workers are there", async || {
            (exchange.gets("/fleet/status").await["available"] == workers).then_some(())
        })
        .await;
        exchange
    }

    pub async fn posts(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(&body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn gets(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The same of what is no JSON.
    pub async fn gets_text(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Give the bot other settings.
    pub async fn changes_bot(&self, settings: Value) {
        let request = self.http.patch(format!("{}/bots/{BOT}", self.url)).bearer_auth(&self.token);
        let answer = request.json(&settings).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap());
    }

    /// A carrier that is reached at this address, with one number, which is the bot's. The server knows it after this.
    pub async fn carrier(&self, address: &str, number: &str) {
        let body = json!({
            "name": number, "sip_address": address, "transport": "udp", "inbound_auth_mode": "ip",
            "inbound_addresses": ["127.0.0.1"]
        });
        let (status, carrier) = self.posts("/carriers", body).await;
        assert_eq!(status, 201, "{carrier}");
        let path = format!("/carriers/{}", carrier["id"].as_str().unwrap());
        let (status, did) =
            self.posts(&format!("{path}/dids"), json!({"number": number, "bot_id": BOT})).await;
        assert_eq!(status, 201, "{did}");
        let (_, synced) = self.posts(&format!("{path}/sync"), Value::Null).await;
        assert_eq!(synced["sync_status"], "synced", "{synced}");
        assert!(
            synced["inbound_trunk_id"].is_string() && synced["outbound_trunk_id"].is_string(),
            "{synced}"
        );
    }

    /// Have the bot call somebody; the call's id. It is asked again while no worker is free.
    pub async fn dials_out(&self, from: &str, to: &str) -> String {
        let body = json!({"bot_id": BOT, "from_number": from, "to_number": to});
        let (status, answer) = eventually("a worker is free", async || {
            let answer = self.posts("/sip/dialout", body.clone()).await;
            (answer.0 != 503).then_some(answer)
        })
        .await;
        assert_eq!((status, &answer["status"]), (200, &json!("ok")), "{answer}");
        answer["call_id"].as_str().unwrap().to_owned()
    }

    /// The id of the running call of this caller.
    pub async fn running(&self, caller: &str) -> String {
        eventually("the call runs", async || {
            let calls = self.gets("/calls/live").await;
            let call = calls["items"].as_array()?.iter().find(|call| call["caller_id"] == caller)?;
            call["session_id"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Somebody's order to a running call, which must be taken.
    pub async fn orders(&self, session: &str, verb: &str, body: Value) {
        let (status, answer) = self.posts(&format!("/calls/{session}/{verb}"), body).await;
        assert_eq!((status, &answer["taken"]), (200, &json!(verb)), "{answer}");
    }

    /// The record of the one call of this caller, when it is over.
    pub async fn record(&self, caller: &str) -> Value {
        let id = eventually("the call's record", async || {
            let calls = self.gets("/calls").await;
            let mut of_caller = calls["items"].as_array()?.iter().filter(|call| call["caller_id"] == caller);
            let call = of_caller.next().filter(|call| !call["completed_at"].is_null())?;
            assert!(of_caller.next().is_none(), "one call has one record: {calls}");
            call["session_id"].as_str().map(str::to_owned)
        })
        .await;
        self.gets(&format!("/calls/{id}")).await
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write as _;
            for name in ["bridge", "core", "dialler"] {
                let text = std::fs::read_to_string(log(self.data.path(), name)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
                let _nobody_reads = writeln!(std::io::stderr(), "{name}:\n{tail}");
            }
        }
    }
}

fn log(data: &Path, name: &str) -> PathBuf {
    data.join(format!("{name}.log"))
}

/// Wait until something has come true.
async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE.as_secs(), what, look).await
}

/// The same of what may take so many seconds.
pub async fn eventually_within<T>(secs: u64, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(secs);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "it does not come true: {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// One of the product's programs, killed with this value.
struct Server(Child);

impl Server {
    fn start(data: &Path, name: &str, set: impl FnOnce(&mut Command)) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_vox-gateway")).with_file_name(format!("vox-{name}"));
        assert!(program.exists(), "build it first: cargo build -p vox-{name}");
        let file = File::options().create(true).append(true).open(log(data, name)).unwrap();
        let mut command = Command::new(program);
        command.env_clear().env("LOG_LEVEL", "info").stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        // The worker ends with a test that is killed.
        command.env("VOXCORE_PARENT_DEATH", "1");
        set(&mut command);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}
