//! The bridge, the workers and the vendors: started, killed, and started again on the same ports and data.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use vox_shared::{ports, wire::SECRET_HEADER};

use super::{KillError, Plan, book::Held};
use crate::program::Program;
use vox_testkit::vendor::{Dice, deepgram, elevenlabs, openai};

/// One request to the bridge.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// The most calls the bridge lists at once.
const PAGE: usize = 500;

/// The whole platform. Killed when dropped.
pub(super) struct Platform {
    bridge: Program,
    workers: Vec<Program>,
    http: reqwest::Client,
    bridge_url: String,
    worker_addrs: Vec<SocketAddr>,
    /// What opens the lists over all tenants.
    tools: SecretString,
    bot_id: String,
    _vendors: (deepgram::Server, openai::Server, elevenlabs::Server),
    _data: TempDir,
}

impl Platform {
    pub(super) async fn start(plan: &Plan, workers: usize) -> Result<Self, KillError> {
        // Whoever was first is as good: there is one provider in this program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().map_err(KillError::Data)?;
        let failed = |source| KillError::Bridge { what: "make a client", source };
        let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_WITHIN).build().map_err(failed)?;
        let [jwt, secret, tools] = [(); 3].map(|()| random_secret());
        let bridge_addr = free_address()?;
        let mut bridge = bridge(plan, data.path(), bridge_addr, &[&jwt, &secret, &tools]);
        bridge.spawn()?;
        bridge.answers(&http).await?;
        let addrs = (0..workers).map(|_| free_address()).collect::<Result<Vec<_>, _>>()?;
        let bridge_url = format!("http://{bridge_addr}");
        let mut started = Vec::new();
        for (number, addr) in addrs.iter().enumerate() {
            let mut worker = worker(plan, data.path(), (number, *addr), (&bridge_url, &secret));
            worker.spawn()?;
            started.push(worker);
        }
        for worker in &started {
            worker.answers(&http).await?;
        }
        let vendors = vendors().await;
        let bot_id = insert_bot(&http, &bridge_url, &data.path().join("ready.json"), &vendors).await?;
        Ok(Self {
            bridge,
            workers: started,
            http,
            bridge_url,
            worker_addrs: addrs,
            tools,
            bot_id,
            _vendors: vendors,
            _data: data,
        })
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn tools_secret(&self) -> &SecretString {
        &self.tools
    }

    pub(super) fn bot_id(&self) -> &str {
        &self.bot_id
    }

    /// Where a worker takes calls.
    pub(super) fn calls_url(&self, worker: usize) -> String {
        format!("ws://{}", self.worker_addrs[worker])
    }

    /// Where a ticket for `/talk` is asked for.
    pub(super) fn tickets_url(&self) -> String {
        format!("{}/api/v1/internal/talk-tickets", self.bridge_url)
    }

    /// Kill a worker; it comes back after `dead` and this returns when it answers.
    pub(super) async fn kill_worker(&mut self, worker: usize, dead: Duration) -> Result<(), KillError> {
        Ok(self.workers[worker].revive(&self.http, dead).await?)
    }

    /// The same for the bridge.
    pub(super) async fn kill_bridge(&mut self, dead: Duration) -> Result<(), KillError> {
        Ok(self.bridge.revive(&self.http, dead).await?)
    }

    /// Every call that the bridge holds.
    pub(super) async fn calls(&self) -> Result<Vec<Held>, KillError> {
        const WHAT: &str = "list the calls";
        let (mut held, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("limit", PAGE.to_string())];
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let url =
                reqwest::Url::parse_with_params(&format!("{}/api/v1/internal/calls", self.bridge_url), query)
                    .map_err(|_| KillError::Answer(WHAT))?;
            let request = self.http.get(url).header(SECRET_HEADER, self.tools.expose_secret());
            let page = answer(request, WHAT).await?;
            let items = serde_json::from_value(page["items"].clone()).map_err(|_| KillError::Answer(WHAT))?;
            held.extend::<Vec<Held>>(items);
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(held);
            }
        }
    }

    pub(super) async fn stop(mut self) {
        for program in self.workers.iter_mut().chain([&mut self.bridge]) {
            program.kill().await;
        }
    }
}

fn bridge(plan: &Plan, data: &Path, addr: SocketAddr, secrets: &[&SecretString; 3]) -> Program {
    let [jwt, secret, tools] = secrets.map(|secret| secret.expose_secret().to_owned());
    Program {
        name: "vox-bridge",
        path: plan.bin_dir.join("vox-bridge"),
        arguments: vec!["--ready-file".into(), data.join("ready.json").display().to_string()],
        settings: vec![
            ("JWT_SECRET", jwt),
            ("VOXCORE_SECRET", secret),
            ("VOX_TOOLS_SECRET", tools),
            ("VOX_DATA_DIR", data.join("bridge").display().to_string()),
            ("VOX_BRIDGE_ADDR", addr.to_string()),
        ],
        log: data.join("bridge.log"),
        health: format!("http://{addr}/health"),
        running: None,
    }
}

fn worker(
    plan: &Plan,
    data: &Path,
    (number, addr): (usize, SocketAddr),
    (bridge_url, secret): (&str, &SecretString),
) -> Program {
    Program {
        name: "vox-core",
        path: plan.bin_dir.join("vox-core"),
        arguments: Vec::new(),
        settings: vec![
            ("VOXCORE_WORKER_ID", format!("worker-{number}")),
            ("VOXCORE_ADDR", addr.to_string()),
            // One host: who survives adopts the outbox of who does not.
            ("VOXCORE_DATA_DIR", data.join("core").display().to_string()),
            ("VOX_MODELS_DIR", plan.models_dir.display().to_string()),
            ("VOX_BRIDGE_URL", bridge_url.to_owned()),
            ("VOXCORE_SECRET", secret.expose_secret().to_owned()),
            ("VOX_EGRESS_ALLOW", "127.0.0.0/8".to_owned()),
            ("VOXCORE_PARENT_DEATH", "1".to_owned()),
        ],
        log: data.join(format!("worker-{number}.log")),
        health: format!("http://{addr}/health"),
        running: None,
    }
}

/// Vendors that answer at once, so that calls are short.
async fn vendors() -> (deepgram::Server, openai::Server, elevenlabs::Server) {
    let voice = elevenlabs::Script { realtime_factor: 0.0, ..elevenlabs::Script::default() };
    (
        deepgram::Server::start(deepgram::Script::saying(["Hello."])).await,
        openai::Server::start(openai::Script::saying("Yes, of course.")).await,
        elevenlabs::Server::start(voice).await,
    )
}

/// Log in as the first administrator and make the bot that is called.
async fn insert_bot(
    http: &reqwest::Client,
    bridge_url: &str,
    ready_file: &Path,
    (stt, llm, tts): &(deepgram::Server, openai::Server, elevenlabs::Server),
) -> Result<String, KillError> {
    const LOG_IN: &str = "log in";
    const MAKE: &str = "make a bot";
    let ready = fs::read(ready_file).map_err(|_| KillError::Answer(LOG_IN))?;
    let ready: Value = serde_json::from_slice(&ready).map_err(|_| KillError::Answer(LOG_IN))?;
    let login = json!({"email": ready["admin_email"], "password": ready["admin_password"]});
    let session = answer(http.post(format!("{bridge_url}/api/v1/auth/login")).json(&login), LOG_IN).await?;
    let token = session["access_token"].as_str().ok_or(KillError::Answer(LOG_IN))?;
    let bot = json!({
        "name": "Kill test", "system_prompt": "You answer the telephone.", "opening_message": "Good day.",
        "stt": {"provider": "deepgram", "api_key": stt.api_key(), "extra": {"base_url": stt.url()}},
        "llm": {"provider": "openai", "api_key": llm.api_key(), "extra": {"base_url": format!("{}/v1", llm.url())}},
        "tts": {"provider": "elevenlabs", "api_key": tts.api_key(), "voice": "21m00Tcm4TlvDq8ikWAM",
                "extra": {"base_url": tts.url()}},
    });
    let made = http.post(format!("{bridge_url}/api/v1/bots")).bearer_auth(token).json(&bot);
    let made = answer(made, MAKE).await?;
    Ok(made["id"].as_str().ok_or(KillError::Answer(MAKE))?.to_owned())
}

async fn answer(request: reqwest::RequestBuilder, what: &'static str) -> Result<Value, KillError> {
    let failed = |source| KillError::Bridge { what, source };
    let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    response.json().await.map_err(failed)
}

/// Kept over all restarts.
fn free_address() -> Result<SocketAddr, KillError> {
    ports::free_address().map_err(KillError::Data)
}

fn random_secret() -> SecretString {
    let mut dice = Dice::new(rand::random());
    format!("{}{}", dice.uuid(), dice.uuid()).into()
}
