//! The application: every part it is made of, put together once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vox_shared::clock::Clock;

use crate::auth::password::{PasswordError, Passwords};
use crate::auth::throttle::Throttle;
use crate::auth::token::Tokens;
use crate::config::Config;
use crate::fleet::files::WorkerFiles;
use crate::metrics::Metrics;
use crate::objects::directory::Directory;
use crate::objects::{ObjectError, Objects};
use crate::routes;
use crate::store::engine::sqlite::Sqlite;
use crate::store::engine::{Engine, EngineError};
use crate::store::{StoreError, Stores};

/// The document file below the data directory.
const DOCUMENT_FILE: &str = "vox.sqlite";
/// The recordings below the data directory.
const OBJECT_DIR: &str = "objects";

/// The application. Immutable parts behind one pointer; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The parts.
pub struct Inner {
    pub config: Config,
    /// How others reach this bridge, without a '/' at the end.
    pub base_url: String,
    pub stores: Stores,
    pub objects: Arc<dyn Objects>,
    pub clock: Clock,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub throttle: Throttle,
    pub metrics: Metrics,
    pub worker_files: WorkerFiles,
}

/// What differs between production, the embedded engines and tests.
pub struct Parts {
    pub engine: Arc<dyn Engine>,
    pub objects: Arc<dyn Objects>,
    pub clock: Clock,
    /// The address that is listened on.
    pub bound: SocketAddr,
}

/// Why the application cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot create the data directory '{path}'")]
    DataDir {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot open the document store")]
    Documents(#[from] EngineError),
    #[error("cannot prepare the document store")]
    Collections(#[from] StoreError),
    #[error("cannot open the object store")]
    Objects(#[from] ObjectError),
    #[error("cannot hash passwords")]
    Passwords(#[from] PasswordError),
    #[error("cannot make the client that fetches recordings from workers")]
    Client(#[from] reqwest::Error),
}

impl Parts {
    /// The embedded engines: one SQLite file and one directory below the data directory. Blocks for the time of opening.
    pub fn embedded(data_dir: &Path, clock: Clock, bound: SocketAddr) -> Result<Self, StartError> {
        let refused = |source| StartError::DataDir { path: data_dir.display().to_string(), source };
        std::fs::create_dir_all(data_dir).map_err(refused)?;
        // First, because it finds out whether another bridge uses the data directory.
        let objects = Arc::new(Directory::open(&data_dir.join(OBJECT_DIR))?);
        let engine = Arc::new(Sqlite::open(&data_dir.join(DOCUMENT_FILE))?);
        Ok(Self { engine, objects, clock, bound })
    }
}

impl App {
    /// The only constructor; `main` and the tests both call it.
    pub async fn build(config: Config, parts: Parts) -> Result<Self, StartError> {
        let base_url = config.server.public_url.clone().unwrap_or_else(|| local_url(parts.bound));
        Ok(Self(Arc::new(Inner {
            base_url,
            stores: Stores::open(parts.engine).await?,
            objects: parts.objects,
            clock: parts.clock,
            tokens: Tokens::new(&config.auth.jwt_secret),
            passwords: Passwords::new()?,
            throttle: Throttle::default(),
            metrics: Metrics::new(config.metrics.show_tenants),
            worker_files: WorkerFiles::new(&config.auth.internal_secret)?,
            config,
        })))
    }

    /// The HTTP surface.
    pub fn router(&self) -> Router {
        routes::router(self.clone())
    }
}

fn local_url(bound: SocketAddr) -> String {
    format!("http://{}", reachable(bound))
}

/// An address to connect to, for one to listen on.
pub fn reachable(bound: SocketAddr) -> SocketAddr {
    let mut address = bound;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
