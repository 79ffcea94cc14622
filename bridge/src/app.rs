//! The application: every part it is made of, put together once.

mod addresses;
mod inner;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::sync::Semaphore;
use vox_egress::Egress;
use vox_livekit::service::BadAddress;
use vox_shared::clock::Clock;

use crate::analysis::Analyst;
use crate::analytics::counting::Counting;
use crate::api::calls::live::Watch;
use crate::api::calls::view::Links;
use crate::api::demo::WidgetFiles;
use crate::api::demo::page::DemoConnections;
use crate::api::recordings::readings::{self, Readings};
use crate::api::recordings::serve::Recordings;
use crate::audit::log::AuditLog;
use crate::auth::call_token::CallTokens;
use crate::auth::keys::ApiKeys;
use crate::auth::limits::RequestLimits;
use crate::auth::oidc::discovery::Discovery;
use crate::auth::oidc::flow::SignInDesk;
use crate::auth::password::{PasswordError, Passwords};
use crate::auth::people::People;
use crate::auth::proof::Proofs;
use crate::auth::session::Sessions;
use crate::auth::tenants::TenantDesk;
use crate::auth::throttle::Throttle;
use crate::auth::token::Tokens;
use crate::billing::budget::Purse;
use crate::billing::gate::Gate;
use crate::billing::plans::PlanBook;
use crate::billing::rollup::RollUp;
use crate::bot::catalogue::Catalogue;
use crate::campaign::calls::{Board, CallDesk};
use crate::campaign::desk::{CampaignDesk, PREFLIGHTS, REHEARSALS};
use crate::campaign::intake::Intake;
use crate::config::Config;
use crate::coordination::rounds::Rounds;
use crate::coordination::{self, CoordinationError, InProcess, Limiter};
use crate::crm::Crm;
use crate::custody::Custodian;
use crate::delivery::endpoints::Webhooks;
use crate::delivery::herald::Herald;
use crate::delivery::lane::Sender;
use crate::delivery::post::Post;
use crate::deployment::Deployment;
use crate::dialout::{DIALOUT_PATIENCE, Dialler};
use crate::edge::sse::{Pacing, Streams};
use crate::exotel::Exotel;
use crate::first_start::{Empty, FirstStartError, first_start};
use crate::fleet::client::FleetClient;
use crate::fleet::files::WorkerFiles;
use crate::fleet::glance::Glance;
use crate::fleet::poll::Poller;
use crate::fleet::reserve::Fleet;
use crate::jobs::deleted_tenants::Undertaker;
use crate::jobs::digests::Digester;
use crate::jobs::kinds::kinds;
use crate::jobs::relay::Relay;
use crate::jobs::runner::Runner;
use crate::jobs::timetable::Timetable;
use crate::jobs::upkeep::{MAX_AGED, Upkeep};
use crate::live::Live;
use crate::live::crier::{self, Crier};
use crate::live::orders::Operator;
use crate::livekit::LiveKit;
use crate::livekit::inbound::{DISPATCH_PATIENCE, Inbound};
use crate::livekit::trunks::TrunkDesk;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::objects::archive::Archive;
use crate::objects::measured::Measured as MeasuredObjects;
use crate::readiness::{Readiness, Seen};
use crate::routes::document::Document;
use crate::routes::table;
use crate::routing::latencies::Latest;
use crate::runtime::config::Configs;
use crate::runtime::memory::Memory;
use crate::runtime::request_log::RequestLog;
use crate::runtime::result::Results;
use crate::shelf::depot::Depot;
use crate::shelf::opened::Opened;
use crate::sound::desk::SoundDesk;
use crate::store::changes::{Changes, Watched};
use crate::store::engine::measured::Measured;
use crate::store::{StoreError, Stores};
use crate::vendors::checks::Checks;
use crate::vendors::permits::Permits;
use crate::vendors::targets::watch::Targets;
use crate::voice::desk::VoiceDesk;
use crate::widget::{self, WidgetDesk};
use addresses::OwnAddresses;
pub use addresses::reachable;
pub use inner::Inner;

/// The application. Immutable parts behind one pointer; cheap to clone. It is put together here and taken apart again for
/// the routes: a handler is given the parts that it names, never the whole.
#[derive(Clone)]
pub struct App(Arc<Inner>);

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
    #[error("cannot coordinate with other bridges")]
    Coordination(#[from] CoordinationError),
    #[error("cannot hash passwords")]
    Passwords(#[from] PasswordError),
    #[error("cannot make the client for workers")]
    Client(#[from] reqwest::Error),
    #[error("cannot make the client for LiveKit")]
    LiveKit(#[from] BadAddress),
}

impl App {
    /// The only constructor; `main` and the tests both call it.
    pub async fn build(config: Config, parts: Parts) -> Result<Self, StartError> {
        let OwnAddresses { base_url, media_url } = OwnAddresses::of(&config.server, parts.bound);
        // Not the public one for want of it: from behind an address translation nobody may fetch a config there.
        let workers_url = config.server.internal_url.clone();
        let metrics = Arc::new(Metrics::new(config.metrics.show_tenants));
        let operations = metrics.operations();
        let documents = Arc::new(Measured::new(parts.deployment.documents(), operations.clone()));
        let Parts { deployment: Deployment { objects, vault, .. }, clock, .. } = parts;
        let coordination = coordination::open(&config.coordination, &clock).await?;
        let changes = Changes::new(coordination.clone());
        let objects: Arc<dyn Objects> = Arc::new(MeasuredObjects::new(objects, operations.clone()));
        let archive = Archive {
            objects: objects.clone(),
            vault: vault.clone(),
            sealing: config.storage.sealing,
            unopened: metrics.unopened().clone(),
        };
        let depot = Arc::new(Depot::new(archive.clone()));
        let documents = Arc::new(Opened::new(documents, &depot));
        let documents = Arc::new(Watched::new(documents, changes.clone()));
        let (stores, internal_secret) = (Stores::open(documents).await?, &config.auth.internal_secret);
        let memory = Memory::new(stores.clone(), clock.clone(), changes.clone());
        let tokens = Arc::new(Tokens::new(&config.auth.jwt_secret));
        let call_tokens = Arc::new(CallTokens::new(&config.auth.jwt_secret));
        let passwords = Arc::new(Passwords::new()?);
        let own = Arc::new(InProcess::new(clock.clone()));
        let limiter = Limiter::new(coordination.clone(), own, metrics.clone());
        let worker_files = Arc::new(WorkerFiles::new(internal_secret)?);
        let sessions = Sessions::new(stores.clone(), clock.clone(), tokens.clone());
        let fleet = Fleet { stores: stores.clone(), clock: clock.clone(), glance: Glance::default() };
        let poller = Poller { fleet: fleet.clone(), client: FleetClient::new(internal_secret)? };
        let relay = Relay::new(stores.clone(), clock.clone());
        let fresh = relay.fresh.clone();
        let webhooks = webhooks(&config, (&stores, &clock), &metrics);
        let crm = Crm {
            stores: stores.clone(),
            memory: memory.clone(),
            clock: clock.clone(),
            egress: webhooks.egress.clone(),
            tokens: tokens.clone(),
            base_url: base_url.clone(),
        };
        let purse = Purse { stores: stores.clone(), clock: clock.clone() };
        let analyst = Analyst {
            stores: stores.clone(),
            clock: clock.clone(),
            egress: webhooks.egress.clone(),
            crm: crm.clone(),
            relay: relay.clone(),
            purse: purse.clone(),
        };
        let custodian = Custodian {
            stores: stores.clone(),
            clock: clock.clone(),
            objects: objects.clone(),
            depot,
            tokens: tokens.clone(),
            unsettled: Arc::new(true.into()),
        };
        let audit = Arc::new(AuditLog::new(stores.clone(), clock.clone()));
        let upkeep = Upkeep {
            stores: stores.clone(),
            clock: clock.clone(),
            custodian: custodian.clone(),
            audit: audit.clone(),
            most_aged: MAX_AGED,
        };
        let whence = (stores.clone(), clock.clone());
        let checks = Checks::new(whence, webhooks.egress.clone(), metrics.clone());
        let targets = Targets {
            stores: stores.clone(),
            clock: clock.clone(),
            checks: checks.clone(),
            metrics: metrics.clone(),
        };
        let counted = (limiter.clone(), memory.clone());
        let permits = Permits::new(counted, checks.clone(), (clock.clone(), metrics.clone()));
        let voices = VoiceDesk {
            stores: stores.clone(),
            clock: clock.clone(),
            archive: archive.clone(),
            egress: webhooks.egress.clone(),
        };
        let sounds = SoundDesk { stores: stores.clone(), clock: clock.clone(), archive: archive.clone() };
        let stored = relay.moved.clone();
        let campaigns = CampaignDesk {
            stores: stores.clone(),
            clock: clock.clone(),
            stored,
            rehearsals: Arc::new(Semaphore::new(REHEARSALS)),
            preflights: Arc::new(Semaphore::new(PREFLIGHTS)),
        };
        let intake = Intake {
            stores: stores.clone(),
            clock: clock.clone(),
            archive: archive.clone(),
            metrics: metrics.clone(),
        };
        let kinds = kinds(&webhooks, &crm, (&analyst, &upkeep, &intake), (&voices, &sounds)).to_vec();
        let runner = Runner::new((stores.clone(), clock.clone()), metrics.clone(), kinds);
        let readiness = Arc::new(Readiness {
            stores: stores.clone(),
            objects: objects.clone(),
            coordination: coordination.clone(),
            vault: vault.clone(),
            runner: runner.clone(),
            clock: clock.clone(),
            seen: Seen::default(),
        });
        let relay_moved = relay.moved.clone();
        let (voice, waiting) = crier::queue(metrics.live());
        let crier =
            Crier::new((stores.clone(), clock.clone()), coordination.clone(), (waiting, relay.moved.clone()));
        let herald = Herald::new(webhooks.clone(), voice.clone(), relay.moved.clone());
        let people = Arc::new(People {
            stores: stores.clone(),
            clock: clock.clone(),
            passwords: passwords.clone(),
            sessions: sessions.clone(),
            throttle: Throttle::new(limiter.clone()),
            tokens: tokens.clone(),
            data_dir: config.storage.data_dir.clone(),
        });
        let table = table();
        let figures = metrics.live().clone();
        let rounds = Rounds::new(clock.clone(), coordination.clone());
        let livekit = LiveKit::open(config.livekit.clone(), &clock)?;
        let trunks = TrunkDesk {
            stores: stores.clone(),
            clock: clock.clone(),
            livekit: livekit.clone(),
            coordination: coordination.clone(),
            rounds: rounds.clone(),
            metrics: metrics.clone(),
        };
        let gate = Gate { stores: stores.clone(), clock: clock.clone() };
        let widget = WidgetDesk {
            stores: stores.clone(),
            memory: memory.clone(),
            clock: clock.clone(),
            limiter: limiter.clone(),
            gate: gate.clone(),
            purse: purse.clone(),
            fleet: fleet.clone(),
            client: poller.client.clone(),
            livekit: livekit.clone(),
            tokens: call_tokens.clone(),
            base_url: base_url.clone(),
            config_url: workers_url.clone(),
            media_url: media_url.clone(),
            patience: widget::DISPATCH_PATIENCE,
        };
        let inbound = Inbound {
            stores: stores.clone(),
            clock: clock.clone(),
            fleet: fleet.clone(),
            client: poller.client.clone(),
            config_url: workers_url.clone(),
            patience: DISPATCH_PATIENCE,
        };
        let live = Live::new((clock.clone(), figures), coordination.clone(), voice);
        let call_desk = CallDesk {
            stores: stores.clone(),
            memory: memory.clone(),
            clock: clock.clone(),
            coordination: coordination.clone(),
            fleet: fleet.clone(),
            gate: gate.clone(),
            purse: purse.clone(),
            metrics: metrics.clone(),
            limits: config.campaigns,
            board: Board::default(),
            stored: relay_moved.clone(),
        };
        let streams = Streams::new(Pacing::default(), metrics.clone());
        Ok(Self(Arc::new(Inner {
            watch: Watch { live: live.clone(), stores: stores.clone(), streams: streams.clone() },
            streams,
            operator: Arc::new(Operator::new(stores.clone(), clock.clone(), internal_secret)?),
            proofs: Proofs::new(
                (stores.clone(), clock.clone()),
                tokens.clone(),
                call_tokens.clone(),
                &config.auth,
            ),
            api_keys: ApiKeys::new(stores.clone(), clock.clone()),
            people: people.clone(),
            sign_in: Arc::new(SignInDesk {
                stores: stores.clone(),
                clock: clock.clone(),
                tokens: tokens.clone(),
                people,
                discovery: Discovery::new(webhooks.egress.clone(), clock.clone()),
                base_url: base_url.clone(),
            }),
            sessions,
            coordination,
            changes,
            request_limits: RequestLimits {
                limiter: limiter.clone(),
                limits: config.limits,
                memory: memory.clone(),
            },
            tenant_desk: TenantDesk { stores: stores.clone(), clock: clock.clone() },
            audit: audit.clone(),
            catalogue: Catalogue {
                stores: stores.clone(),
                clock: clock.clone(),
                policy: config.egress.clone(),
            },
            configs: Configs {
                stores: stores.clone(),
                memory: memory.clone(),
                clock: clock.clone(),
                gate: gate.clone(),
                purse: purse.clone(),
                crm: crm.clone(),
                checks: checks.clone(),
                permits: permits.clone(),
                log: RequestLog::new(stores.clone(), clock.clone(), metrics.clone()),
                tokens: call_tokens.clone(),
                tokenless: config.auth.tokenless,
                base_url: base_url.clone(),
                public_url: config.server.public_url.clone(),
            },
            exotel: Exotel {
                stores: stores.clone(),
                clock: clock.clone(),
                egress: crm.egress.clone(),
                media_url: media_url.clone(),
                tokens: call_tokens.clone(),
            },
            crm,
            analyst,
            livekit,
            inbound,
            trunks,
            widget,
            plans: PlanBook { stores: stores.clone(), clock: clock.clone() },
            roll_up: RollUp::new(stores.clone(), clock.clone()),
            results: Results {
                stores: stores.clone(),
                memory,
                clock: clock.clone(),
                tokens: tokens.clone(),
                metrics: metrics.clone(),
                live: live.clone(),
                purse: purse.clone(),
                relay: relay.clone(),
                call_desk: call_desk.clone(),
            },
            call_desk,
            relay,
            digester: Digester { stores: stores.clone(), clock: clock.clone(), fresh },
            counting: Counting { stores: stores.clone(), clock: clock.clone() },
            recordings: Recordings {
                stores: stores.clone(),
                clock: clock.clone(),
                archive,
                worker_files,
                tokens: call_tokens.clone(),
                max_bytes: config.storage.max_recording_bytes,
                read_back: Readings::new(readings::BACK),
                checked: Readings::new(readings::CHECKED),
            },
            dialler: Dialler {
                stores: stores.clone(),
                clock: clock.clone(),
                fleet: fleet.clone(),
                client: poller.client.clone(),
                limiter,
                gate: gate.clone(),
                purse,
                permits: permits.clone(),
                live,
                stored: relay_moved,
                config_url: workers_url.unwrap_or_else(|| base_url.clone()),
                patience: DIALOUT_PATIENCE,
            },
            gate,
            fleet,
            poller,
            links: Links { tokens: tokens.clone(), base_url, stores: stores.clone(), clock: clock.clone() },
            custodian,
            undertaker: Undertaker {
                stores: stores.clone(),
                clock: clock.clone(),
                objects,
                audit,
                voices: voices.clone(),
                sounds: sounds.clone(),
            },
            voices,
            sounds,
            campaigns,
            intake,
            latest: Latest { stores: stores.clone(), clock: clock.clone(), targets: targets.clone() },
            targets,
            checks,
            permits,
            widget_files: WidgetFiles { directory: config.server.widget_dir.clone() },
            demo_connections: DemoConnections::new(media_url, config.livekit.as_ref()),
            webhooks,
            herald,
            crier: Mutex::new(Some(crier)),
            timetable: Timetable::new(stores.clone(), clock.clone(), runner.clone()),
            runner,
            rounds,
            document: Document::of(&table),
            readiness,
            table,
            config,
            stores,
            vault,
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

fn webhooks(config: &Config, (stores, clock): (&Stores, &Clock), metrics: &Arc<Metrics>) -> Webhooks {
    let egress = Arc::new(Egress::new(config.egress.clone()));
    let (stores, clock) = (stores.clone(), clock.clone());
    let sender = Sender {
        stores: stores.clone(),
        clock: clock.clone(),
        egress: egress.clone(),
        metrics: metrics.clone(),
    };
    Webhooks { stores, clock, egress, post: Post::new(sender) }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
