//! The application: every part it is made of, put together once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use secrecy::SecretString;
use vox_shared::clock::Clock;

use crate::api::calls::view::Links;
use crate::api::recordings::serve::Recordings;
use crate::audit::log::AuditLog;
use crate::auth::keys::ApiKeys;
use crate::auth::password::{PasswordError, Passwords};
use crate::auth::people::People;
use crate::auth::proof::Proofs;
use crate::auth::session::Sessions;
use crate::auth::tenants::TenantDesk;
use crate::auth::throttle::Throttle;
use crate::auth::token::Tokens;
use crate::bot::catalogue::Catalogue;
use crate::config::Config;
use crate::coordination::{Coordination, InProcess, Limiter};
use crate::deployment::Deployment;
use crate::edge::sse::{Pacing, Streams};
use crate::first_start::{Empty, FirstStartError, first_start};
use crate::fleet::files::WorkerFiles;
use crate::jobs::relay::Relay;
use crate::metrics::Metrics;
use crate::routes::document::Documents;
use crate::routes::{Route, table};
use crate::runtime::config::Configs;
use crate::runtime::result::Results;
use crate::store::{StoreError, Stores};

/// The application. Immutable parts behind one pointer; cheap to clone. It is put together here and taken apart again for
/// the routes: a handler is given the parts that it names, never the whole.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The parts.
pub struct Inner {
    pub config: Config,
    pub stores: Stores,
    pub clock: Clock,
    pub tokens: Arc<Tokens>,
    pub passwords: Arc<Passwords>,
    pub metrics: Arc<Metrics>,
    pub streams: Streams,
    pub proofs: Proofs,
    pub api_keys: ApiKeys,
    pub sessions: Sessions,
    pub people: Arc<People>,
    pub tenant_desk: TenantDesk,
    pub audit: Arc<AuditLog>,
    pub coordination: Arc<dyn Coordination>,
    pub limiter: Limiter,
    pub catalogue: Catalogue,
    pub configs: Configs,
    pub results: Results,
    pub relay: Relay,
    pub recordings: Recordings,
    pub links: Links,
    pub table: Vec<Route>,
    pub documents: Documents,
}

/// What the application is put together from beside its settings.
pub struct Parts {
    pub deployment: Deployment,
    pub clock: Clock,
    /// The address that is listened on.
    pub bound: SocketAddr,
}

/// Why the application cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot prepare the document store")]
    Collections(#[from] StoreError),
    #[error("cannot hash passwords")]
    Passwords(#[from] PasswordError),
    #[error("cannot make the client that fetches recordings from workers")]
    Client(#[from] reqwest::Error),
}

impl App {
    /// The only constructor; `main` and the tests both call it.
    pub async fn build(config: Config, parts: Parts) -> Result<Self, StartError> {
        let base_url = config.server.public_url.clone().unwrap_or_else(|| local_url(parts.bound));
        let documents = parts.deployment.documents();
        let Parts { deployment: Deployment { objects, .. }, clock, .. } = parts;
        let (stores, internal_secret) = (Stores::open(documents).await?, &config.auth.internal_secret);
        let tokens = Arc::new(Tokens::new(&config.auth.jwt_secret));
        let passwords = Arc::new(Passwords::new()?);
        let metrics = Arc::new(Metrics::new(config.metrics.show_tenants));
        let own = Arc::new(InProcess::new(clock.clone()));
        let coordination: Arc<dyn Coordination> = own.clone();
        let limiter = Limiter::new(coordination.clone(), own, metrics.clone());
        let worker_files = Arc::new(WorkerFiles::new(internal_secret)?);
        let sessions = Sessions::new(stores.clone(), clock.clone(), tokens.clone());
        let relay = Relay::new(stores.clone(), clock.clone());
        let table = table();
        Ok(Self(Arc::new(Inner {
            streams: Streams::new(Pacing::default(), metrics.clone()),
            proofs: Proofs::new(stores.clone(), clock.clone(), tokens.clone(), &config.auth),
            api_keys: ApiKeys { stores: stores.clone(), clock: clock.clone() },
            people: Arc::new(People {
                stores: stores.clone(),
                clock: clock.clone(),
                passwords: passwords.clone(),
                sessions: sessions.clone(),
                throttle: Throttle::new(limiter.clone()),
                tokens: tokens.clone(),
                data_dir: config.storage.data_dir.clone(),
            }),
            sessions,
            coordination,
            limiter,
            tenant_desk: TenantDesk { stores: stores.clone(), clock: clock.clone() },
            audit: Arc::new(AuditLog::new(stores.clone(), clock.clone())),
            catalogue: Catalogue { stores: stores.clone(), clock: clock.clone() },
            configs: Configs { stores: stores.clone(), clock: clock.clone(), base_url: base_url.clone() },
            results: Results {
                stores: stores.clone(),
                clock: clock.clone(),
                tokens: tokens.clone(),
                metrics: metrics.clone(),
                relay: relay.clone(),
            },
            relay,
            recordings: Recordings {
                stores: stores.clone(),
                clock: clock.clone(),
                objects,
                worker_files,
                max_bytes: config.storage.max_recording_bytes,
            },
            links: Links { tokens: tokens.clone(), base_url },
            documents: Documents::of(&table),
            table,
            config,
            stores,
            clock,
            tokens,
            passwords,
            metrics,
        })))
    }

    /// Fill an empty store; see [`first_start`].
    pub async fn first_start(&self) -> Result<Option<SecretString>, FirstStartError> {
        first_start(Empty {
            stores: &self.stores,
            clock: &self.clock,
            passwords: &self.passwords,
            data_dir: &self.config.storage.data_dir,
        })
        .await
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
