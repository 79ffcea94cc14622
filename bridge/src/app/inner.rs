//! What the application is made of.

use std::sync::{Arc, Mutex};

use vox_shared::clock::Clock;

use crate::analysis::Analyst;
use crate::analytics::counting::Counting;
use crate::api::calls::live::Watch;
use crate::api::calls::view::Links;
use crate::api::demo::WidgetFiles;
use crate::api::demo::page::DemoConnections;
use crate::api::recordings::serve::Recordings;
use crate::audit::log::AuditLog;
use crate::auth::keys::ApiKeys;
use crate::auth::limits::RequestLimits;
use crate::auth::oidc::flow::SignInDesk;
use crate::auth::password::Passwords;
use crate::auth::people::People;
use crate::auth::proof::Proofs;
use crate::auth::session::Sessions;
use crate::auth::tenants::TenantDesk;
use crate::auth::token::Tokens;
use crate::billing::gate::Gate;
use crate::billing::plans::PlanBook;
use crate::billing::rollup::RollUp;
use crate::bot::catalogue::Catalogue;
use crate::campaign::calls::CallDesk;
use crate::campaign::desk::CampaignDesk;
use crate::campaign::intake::Intake;
use crate::config::Config;
use crate::coordination::Coordination;
use crate::coordination::rounds::Rounds;
use crate::crm::Crm;
use crate::custody::Custodian;
use crate::delivery::endpoints::Webhooks;
use crate::delivery::herald::Herald;
use crate::dialout::Dialler;
use crate::edge::sse::Streams;
use crate::exotel::Exotel;
use crate::fleet::poll::Poller;
use crate::fleet::reserve::Fleet;
use crate::jobs::deleted_tenants::Undertaker;
use crate::jobs::digests::Digester;
use crate::jobs::relay::Relay;
use crate::jobs::runner::Runner;
use crate::jobs::timetable::Timetable;
use crate::live::crier::Crier;
use crate::live::orders::Operator;
use crate::livekit::LiveKit;
use crate::livekit::inbound::Inbound;
use crate::livekit::trunks::TrunkDesk;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::routes::Route;
use crate::routes::document::Document;
use crate::routing::latencies::Latest;
use crate::runtime::config::Configs;
use crate::runtime::result::Results;
use crate::sound::desk::SoundDesk;
use crate::store::Stores;
use crate::store::changes::Changes;
use crate::vault::Vault;
use crate::vendors::checks::Checks;
use crate::vendors::permits::Permits;
use crate::vendors::targets::watch::Targets;
use crate::voice::desk::VoiceDesk;
use crate::widget::WidgetDesk;

/// The parts.
pub struct Inner {
    pub config: Config,
    pub stores: Stores,
    pub vault: Arc<Vault>,
    pub clock: Clock,
    pub tokens: Arc<Tokens>,
    pub passwords: Arc<Passwords>,
    pub metrics: Arc<Metrics>,
    pub streams: Streams,
    pub watch: Watch,
    pub operator: Arc<Operator>,
    pub proofs: Proofs,
    pub api_keys: ApiKeys,
    pub sessions: Sessions,
    pub people: Arc<People>,
    pub sign_in: Arc<SignInDesk>,
    pub tenant_desk: TenantDesk,
    pub audit: Arc<AuditLog>,
    pub coordination: Arc<dyn Coordination>,
    pub request_limits: RequestLimits,
    pub catalogue: Catalogue,
    pub configs: Configs,
    pub gate: Gate,
    pub plans: PlanBook,
    pub roll_up: RollUp,
    pub results: Results,
    pub changes: Changes,
    pub relay: Relay,
    pub digester: Digester,
    pub counting: Counting,
    pub recordings: Recordings,
    pub fleet: Fleet,
    pub poller: Poller,
    pub dialler: Dialler,
    pub call_desk: CallDesk,
    pub links: Links,
    pub custodian: Custodian,
    pub undertaker: Undertaker,
    pub webhooks: Webhooks,
    pub herald: Herald,
    /// For whoever tells on the channels, once.
    pub crier: Mutex<Option<Crier>>,
    pub runner: Runner,
    pub rounds: Rounds,
    pub timetable: Timetable,
    pub readiness: Arc<Readiness>,
    pub crm: Crm,
    pub exotel: Exotel,
    pub livekit: LiveKit,
    pub inbound: Inbound,
    pub trunks: TrunkDesk,
    pub widget: WidgetDesk,
    pub analyst: Analyst,
    pub voices: VoiceDesk,
    pub sounds: SoundDesk,
    pub campaigns: CampaignDesk,
    pub intake: Intake,
    pub latest: Latest,
    pub checks: Checks,
    pub permits: Permits,
    pub targets: Targets,
    pub widget_files: WidgetFiles,
    pub demo_connections: DemoConnections,
    pub table: Vec<Route>,
    pub document: Document,
}
