//! Bridge, its servers if it has some, diallers, the simulated carrier and its workers.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use vox_shared::ports;
use vox_testkit::exchange::crew::{Crew, Orders};
use vox_testkit::exchange::faults::Faults;
use vox_testkit::exchange::settings::{Limits, Settings};
use vox_testkit::exchange::{Exchange, callees::Callees};
use vox_testkit::vendor::Dice;

use super::api::Api;
use super::servers::Servers;
use super::{DiallerError, Plan};
use crate::program::Program;

const REQUEST_WITHIN: Duration = Duration::from_secs(20);
const READY_WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// Everything that runs. Killed when dropped.
pub(super) struct Stage {
    pub(super) bridge: Program,
    /// None: its embedded engines.
    pub(super) servers: Option<Servers>,
    pub(super) diallers: Vec<Program>,
    pub(super) exchange: Exchange,
    pub(super) crew: Crew,
    pub(super) api: Api,
    pub(super) http: reqwest::Client,
    secret: String,
    bridge_url: String,
    bin_dir: std::path::PathBuf,
    data: TempDir,
}

impl Stage {
    pub(super) async fn set(plan: &Plan) -> Result<Self, DiallerError> {
        // Whoever was first is as good: there is one provider in this program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().map_err(DiallerError::Data)?;
        let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_WITHIN).build();
        let http = http.map_err(DiallerError::Client)?;
        let [jwt, secret, tools] = [1, 2, 3].map(|n| random_secret(plan.seed, n));
        let addr = free_address()?;
        let bridge_url = format!("http://{addr}");
        let exchange = Exchange::start(carrier(plan, &bridge_url, data.path())).await?;
        let mut bridge = Program {
            name: "vox-bridge",
            path: plan.bin_dir.join("vox-bridge"),
            arguments: vec!["--ready-file".into(), data.path().join("ready.json").display().to_string()],
            settings: vec![
                ("JWT_SECRET", jwt),
                ("VOXCORE_SECRET", secret.clone()),
                ("VOX_TOOLS_SECRET", tools),
                ("VOX_DATA_DIR", data.path().join("bridge").display().to_string()),
                ("VOX_BRIDGE_ADDR", addr.to_string()),
                ("VOX_BRIDGE_METRICS_LISTEN", free_address()?.to_string()),
                // Nobody else calls: the carrier's lines are what limits.
                ("VOX_CAMPAIGN_TENANT_LINES", plan.channels.max(100).to_string()),
                ("VOX_CAMPAIGN_INBOUND_PERCENT", "0".into()),
                // Whoever checks asks more than a person.
                ("VOX_REQUESTS_PER_MINUTE", "100000".into()),
            ],
            log: data.path().join("bridge.log"),
            health: format!("{bridge_url}/health"),
            running: None,
        };
        bridge.settings.extend(livekit(&exchange));
        let servers = if plan.servers { Some(Servers::start().await?) } else { None };
        bridge.settings.extend(servers.iter().flat_map(Servers::settings));
        bridge.spawn()?;
        bridge.answers(&http).await?;
        let ready = appears(&data.path().join("ready.json")).await?;
        let api = Api::log_in(http.clone(), &bridge_url, &ready).await?;
        let orders = Orders {
            bridge: bridge_url.clone(),
            secret: secret.clone(),
            workers: plan.workers,
            seed: plan.seed,
            mute: plan.mute,
            ..Orders::default()
        };
        let crew = Crew::start(&exchange, orders).await?;
        let mut stage = Self {
            bridge,
            servers,
            diallers: Vec::new(),
            exchange,
            crew,
            api,
            http,
            secret,
            bridge_url,
            bin_dir: plan.bin_dir.clone(),
            data,
        };
        for _ in 0..plan.diallers {
            stage.add_dialler().await?;
        }
        Ok(stage)
    }

    /// One more, when it answers.
    pub(super) async fn add_dialler(&mut self) -> Result<(), DiallerError> {
        let (number, addr) = (self.diallers.len(), free_address()?);
        let mut dialler = Program {
            name: "vox-dialler",
            path: self.bin_dir.join("vox-dialler"),
            arguments: Vec::new(),
            settings: vec![
                ("VOX_DIALLER_LISTEN", addr.to_string()),
                ("VOX_BRIDGE_URL", self.bridge_url.clone()),
                ("VOXCORE_SECRET", self.secret.clone()),
            ],
            log: self.data.path().join(format!("dialler-{number}.log")),
            health: format!("http://{addr}/health"),
            running: None,
        };
        dialler.settings.extend(livekit(&self.exchange));
        dialler.spawn()?;
        dialler.answers(&self.http).await?;
        self.diallers.push(dialler);
        Ok(())
    }

    /// Keep what the programs said, for whoever looks why something failed.
    pub(super) fn keep(self, at: &Path) -> std::io::Result<()> {
        fs::create_dir_all(at)?;
        for entry in fs::read_dir(self.data.path())?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                fs::copy(entry.path(), at.join(entry.file_name()))?;
            }
        }
        Ok(())
    }
}

/// What the bridge says of itself. It answers before the file is there, which is renamed into place.
async fn appears(path: &Path) -> Result<Value, DiallerError> {
    let until = Instant::now() + READY_WITHIN;
    loop {
        match fs::read(path) {
            Ok(text) => return Ok(serde_json::from_slice(&text).unwrap_or_default()),
            Err(error) if Instant::now() > until => return Err(DiallerError::Data(error)),
            Err(_) => sleep(LOOK).await,
        }
    }
}

fn livekit(exchange: &Exchange) -> [(&'static str, String); 3] {
    let (key, secret) = exchange.key();
    let url = exchange.url().replacen("http", "ws", 1);
    [("LIVEKIT_URL", url), ("LIVEKIT_API_KEY", key.into()), ("LIVEKIT_API_SECRET", secret.into())]
}

fn carrier(plan: &Plan, bridge_url: &str, data: &Path) -> Settings {
    let faults = if plan.faults > 0.0 { Faults::all(plan.seed, plan.faults) } else { Faults::default() };
    Settings {
        speed: plan.speed,
        limits: Limits { cps: Some(plan.cps), concurrent: Some(plan.channels) },
        callees: Callees { seed: plan.seed, law: plan.law.clone(), ..Callees::default() },
        webhooks: vec![format!("{bridge_url}/api/v1/livekit/webhook")],
        faults,
        journal: Some(data.join("journal.jsonl")),
        join_ms: 2,
        ..Settings::default()
    }
}

/// Kept over all restarts.
fn free_address() -> Result<SocketAddr, DiallerError> {
    ports::free_address().map_err(DiallerError::Data)
}

fn random_secret(seed: u64, number: u64) -> String {
    let mut dice = Dice::new(seed.wrapping_mul(3).wrapping_add(number));
    format!("{}{}", dice.uuid(), dice.uuid())
}
