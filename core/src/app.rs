//! What a worker is made of. `App::build` is the only constructor.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vox_engines::EngineBinary;
use vox_shared::clock::Clock;
use vox_shared::egress::{AllowList, Policy};
use vox_shared::ids::WorkerId;
use vox_shared::outbox::{Outbox, Settings};

use crate::bridge::Bridge;
use crate::call::clips::Clips;
use crate::config::CoreConfig;
use crate::delivery::Directories;
use crate::media::silero::Weights;
use crate::metrics::Metrics;
use crate::provider::egress::Egress;
use crate::provider::registry::Providers;
use crate::slot::Slot;

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
    pub bridge: Bridge,
    pub outbox: Outbox,
    pub directories: Directories,
    /// Recordings of the host's workers, named by their keys.
    pub recordings: PathBuf,
    pub clips: Clips,
    pub slot: Slot,
    pub metrics: Metrics,
    /// Stops new calls; the running one ends by itself.
    pub drain: CancellationToken,
    /// Something was written that waits for delivery.
    pub outbox_changed: Notify,
}

impl App {
    /// Make a worker. Fails with what to do when something it needs is missing.
    pub fn build(config: CoreConfig, clock: Clock) -> anyhow::Result<Arc<Self>> {
        let weights = Weights::open(config.models_dir.join(WEIGHTS_FILE))?;
        let recordings = config.data_dir.join("recordings");
        std::fs::create_dir_all(&recordings)
            .with_context(|| format!("making the recordings directory {}", recordings.display()))?;
        let settings = Settings { quota_bytes: config.outbox_quota_bytes, ..Settings::new(clock.clone()) };
        let directories = Directories::new(config.data_dir.join("outbox"), settings.clone());
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
        Ok(Arc::new(Self {
            worker_id: config.worker_id.clone(),
            clock,
            weights: Arc::new(weights),
            providers: Arc::new(Providers { egress, engines: engines(config.engine.as_deref()) }),
            bridge: Bridge::new(&config.bridge_url, config.secret.clone())?,
            outbox,
            directories,
            clips: Clips::open(&config.data_dir.join("clips"))?,
            recordings,
            slot: Slot::default(),
            metrics: Metrics::default(),
            drain: CancellationToken::new(),
            outbox_changed: Notify::new(),
            config,
        }))
    }
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
