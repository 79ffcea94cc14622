//! What a worker is made of. `App::build` is the only constructor.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vox_engines::EngineBinary;
use vox_shared::clock::Clock;
use vox_shared::egress::{AllowList, Policy};
use vox_shared::ids::WorkerId;
use vox_shared::outbox::{Outbox, Settings};
use vox_shared::private;

use crate::bridge::Bridge;
use crate::call::orders::Orders;
use crate::config::CoreConfig;
use crate::courier::Courier;
use crate::courier::clips::Clips;
use crate::courier::desk::{Desk, Directories, UPLOADS};
use crate::courier::sounds::Shelf;
use crate::media::silero::Weights;
use crate::metrics::Metrics;
use crate::provider::egress::Egress;
use crate::provider::health::Health;
use crate::provider::registry::Providers;
use crate::slot::Slot;
#[cfg(feature = "livekit")]
use crate::transport::livekit::server::LiveKit;
use crate::wreck::offers::Offers;

/// The detector's weight file, as `scripts/fetch-models.sh` names it.
pub const WEIGHTS_FILE: &str = "silero_vad_v6.bin";

/// The parts of a worker, made once.
#[derive(Debug)]
pub struct App {
    pub config: CoreConfig,
    pub worker_id: WorkerId,
    pub clock: Clock,
    pub weights: Arc<Weights>,
    pub providers: Arc<Providers>,
    /// How they do, over all calls.
    pub health: Arc<Health>,
    pub bridge: Bridge,
    /// The server whose rooms calls are taken in, if there is one.
    #[cfg(feature = "livekit")]
    pub livekit: Option<Arc<LiveKit>>,
    pub outbox: Outbox,
    /// Recordings of the host's workers, named by their keys.
    pub recordings: PathBuf,
    /// Everything that is no sound, on a thread of its own.
    pub courier: Arc<Courier>,
    pub slot: Slot,
    /// The inlet of the running call.
    pub orders: Orders,
    pub metrics: Metrics,
    /// Stops new calls; the running one ends by itself.
    pub drain: CancellationToken,
}

impl App {
    /// Make a worker. Fails with what to do when something it needs is missing.
    pub fn build(config: CoreConfig, clock: Clock) -> anyhow::Result<Arc<Self>> {
        let weights = Weights::open(config.models_dir.join(WEIGHTS_FILE))?;
        let recordings = config.data_dir.join("recordings");
        let outboxes = config.data_dir.join("outbox");
        for dir in [&recordings, &outboxes] {
            private::directory(dir).with_context(|| format!("making the directory {}", dir.display()))?;
        }
        let settings = Settings { quota_bytes: config.outbox_quota_bytes, ..Settings::new(clock.clone()) };
        let directories = Directories::new(outboxes, settings.clone());
        let own = directories.own(&config.worker_id);
        let (outbox, recovered) =
            Outbox::open(&own, settings).with_context(|| format!("opening the outbox {}", own.display()))?;
        if recovered.torn_bytes > 0 || recovered.quarantined > 0 {
            tracing::warn!(
                torn_bytes = recovered.torn_bytes,
                quarantined = recovered.quarantined,
                "the outbox was mended"
            );
        }
        let allow = AllowList::parse(&config.egress_allow)?;
        let egress = Arc::new(Egress::new(Policy::new(allow)));
        let bridge = Bridge::new(&config.bridge_url, config.secret.clone())?;
        #[cfg(feature = "livekit")]
        let livekit = livekit(&config, &clock)?;
        #[cfg(not(feature = "livekit"))]
        anyhow::ensure!(
            config.livekit.is_none(),
            "LIVEKIT_… is set, and this build has no LiveKit: build it with its default features"
        );
        let providers = Arc::new(Providers::new(egress, clock.clone(), engines(config.engine.as_deref())));
        let metrics = Metrics::default();
        let (slot, drain) = (Slot::default(), CancellationToken::new());
        let offers = Offers::new(config.livekit.is_some(), slot.clone(), drain.clone());
        let desk = Desk {
            bridge: bridge.clone(),
            outbox: outbox.clone(),
            directories,
            recordings: recordings.clone(),
            clips: Clips::open(&config.data_dir)?,
            shelf: Shelf::open(&config.data_dir)?,
            books: Arc::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            live: metrics.live.clone(),
            news: Arc::default(),
            offers,
            held: Arc::default(),
        };
        Ok(Arc::new(Self {
            worker_id: config.worker_id.clone(),
            clock,
            weights: Arc::new(weights),
            health: Arc::default(),
            providers,
            bridge,
            #[cfg(feature = "livekit")]
            livekit,
            outbox,
            courier: Arc::new(Courier::start(desk).context("starting the courier's thread")?),
            recordings,
            slot,
            orders: Orders::default(),
            metrics,
            drain,
            config,
        }))
    }
}

#[cfg(test)]
impl App {
    /// A worker with its data in a directory, and a bridge that nobody is at.
    pub fn for_tests(dir: &std::path::Path) -> Arc<Self> {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let data = dir.to_str().expect("a temporary directory's name is text");
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
        let vars = [
            ("VOXCORE_SECRET", "0123456789abcdef0123456789abcdef"),
            ("VOXCORE_DATA_DIR", data),
            ("VOX_MODELS_DIR", models),
            ("VOX_BRIDGE_URL", "http://127.0.0.1:9"),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config =
            CoreConfig::from_env(vox_shared::env::Env::from_vars(vars)).expect("the settings are right");
        Self::build(config, Clock::system()).expect("the weights are there: scripts/fetch-models.sh")
    }
}

#[cfg(feature = "livekit")]
fn livekit(config: &CoreConfig, clock: &Clock) -> anyhow::Result<Option<Arc<LiveKit>>> {
    let Some(settings) = &config.livekit else { return Ok(None) };
    let (trunk, transport) = (config.outbound_trunk.clone(), config.room_transport);
    let server = LiveKit::new(settings, trunk, transport, clock.clone());
    Ok(Some(Arc::new(server.context("the LiveKit server of LIVEKIT_URL")?)))
}

/// The local engines are optional: a bot that wants them without the program is told so when its call begins.
fn engines(path: Option<&std::path::Path>) -> Option<EngineBinary> {
    match path {
        Some(path) => EngineBinary::at(path)
            .inspect_err(|error| tracing::warn!(%error, "VOX_ENGINE is not usable"))
            .ok(),
        None => EngineBinary::beside_current_exe(),
    }
}
