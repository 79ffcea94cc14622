//! All durable state. A store is opened for a tenant; what crosses tenants says so in its name.

pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod bot_versions;
pub mod bots;
pub mod budgets;
pub mod calls;
pub mod campaign_imports;
pub mod campaign_leases;
pub mod campaigns;
pub mod carriers;
pub mod changes;
pub mod config_requests;
pub mod contacts;
pub mod crm;
pub mod deliveries;
pub mod diallers;
pub mod dialouts;
pub mod dids;
pub mod digests;
pub mod dispatches;
pub mod do_not_call;
mod documents;
pub mod engine;
pub mod erasures;
pub mod events;
pub mod exotel;
pub mod holds;
pub mod hosts;
pub mod invitations;
pub mod jobs;
pub mod latencies;
mod leaving;
pub mod ledger;
mod merged;
mod migrate;
pub mod numbers;
pub mod outbox;
pub mod plans;
pub mod prices;
pub mod proofs;
pub mod quotas;
mod reach;
pub mod refresh_tokens;
pub mod reports;
pub mod reservations;
pub mod rollups;
pub mod settings;
pub mod sign_in;
pub mod sounds;
mod stamp;
pub mod statements;
pub mod tenants;
pub mod tickets;
pub mod trunks;
pub mod usage_days;
pub mod users;
pub mod voices;
pub mod webhooks;
pub mod workers;

use std::sync::Arc;

use vox_shared::ids::TenantId;

pub use documents::{Listed, StoreError, Stored, Waiting};
pub use engine::Cursor;
use engine::{Collection, Engine};
pub use leaving::{LeftCall, LeftCalls};
pub use reach::Reach;
pub use stamp::Stamp;

use crate::vault::{DATA_KEYS, STATE};

/// Every collection of the deployment.
pub const COLLECTIONS: &[&Collection] = &[
    &tenants::TENANTS,
    &users::USERS,
    &bots::BOTS,
    &bot_versions::BOT_VERSIONS,
    &calls::CALLS,
    &digests::CALL_DIGESTS,
    &rollups::ROLLUPS,
    &rollups::ROLLUP_BATCHES,
    &reports::REPORTS,
    &statements::STATEMENTS,
    &workers::WORKERS,
    &hosts::HOSTS,
    &reservations::RESERVATIONS,
    &dialouts::DIALOUTS,
    &do_not_call::DO_NOT_CALL,
    &campaigns::CAMPAIGNS,
    &campaign_imports::CAMPAIGN_IMPORTS,
    &campaign_imports::REFUSED_ROWS,
    &campaign_leases::CAMPAIGN_LEASES,
    &contacts::CONTACTS,
    &attempts::ATTEMPTS,
    &numbers::NUMBERS,
    &diallers::DIALLERS,
    &carriers::CARRIERS,
    &dids::DIDS,
    &trunks::TRUNKS,
    &dispatches::DISPATCHES,
    &exotel::EXOTEL_ACCOUNTS,
    &tickets::TICKETS,
    &refresh_tokens::REFRESH_TOKENS,
    &api_keys::API_KEYS,
    &invitations::INVITATIONS,
    &audit::AUDIT,
    &proofs::CAMPAIGN_PROOFS,
    &erasures::ERASURES,
    &events::EVENTS,
    &settings::SETTINGS,
    &DATA_KEYS,
    &STATE,
    &webhooks::WEBHOOKS,
    &webhooks::LANES,
    &deliveries::DELIVERIES,
    &plans::PLANS,
    &quotas::QUOTAS,
    &ledger::LEDGER,
    &prices::PRICES,
    &usage_days::USAGE_DAYS,
    &jobs::JOBS,
    &crm::CRM_INTEGRATIONS,
    &crm::CRM_PUSHES,
    &budgets::BUDGETS,
    &config_requests::CONFIG_REQUESTS,
    &sign_in::PROVIDERS,
    &sign_in::IDENTITIES,
    &sign_in::SIGN_INS,
    &voices::VOICES,
    &sounds::SOUNDS,
    &latencies::LATENCIES,
    &migrate::SCHEMAS,
];

/// Most documents that one round of sweeping deletes.
pub const SWEPT: usize = 500;

/// The stores over one engine. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    engine: Arc<dyn Engine>,
}

impl Stores {
    /// Create the collections that are missing, bring old documents up to date, and open them. The engine is one that seals
    /// ([`crate::vault::Sealed`]) wherever documents hold secrets.
    pub async fn open(engine: Arc<dyn Engine>) -> Result<Self, StoreError> {
        engine.prepare(COLLECTIONS).await?;
        migrate::run(&*engine, COLLECTIONS).await?;
        engine.brought_up().await?;
        Ok(Self { engine })
    }

    /// How busy the engine's connections are.
    pub fn connections(&self) -> engine::Connections {
        self.engine.connections()
    }

    /// Whether the store answers and would take a write now.
    pub async fn check_health(&self) -> Result<(), StoreError> {
        self.engine.get(&tenants::TENANTS, String::new()).await?;
        Ok(self.engine.check_writable().await?)
    }

    pub fn tenants(&self) -> tenants::Tenants {
        tenants::Tenants::new(self.engine.clone())
    }

    pub fn users(&self, tenant: &TenantId) -> users::Users {
        users::Users::open(self.engine.clone(), tenant.clone())
    }

    /// The bots within a tenant's or a key's reach.
    pub fn bots(&self, reach: impl Into<Reach>) -> bots::Bots {
        bots::Bots::open(self.engine.clone(), reach.into())
    }

    /// The superseded versions of the bots within a tenant's or a key's reach.
    pub fn bot_versions(&self, reach: impl Into<Reach>) -> bot_versions::Versions {
        bot_versions::Versions::open(self.engine.clone(), reach.into())
    }

    pub fn all_bot_versions(&self) -> bot_versions::AllVersions {
        bot_versions::AllVersions::new(self.engine.clone())
    }

    /// The calls of the bots within a tenant's or a key's reach.
    pub fn calls(&self, reach: impl Into<Reach>) -> calls::Calls {
        calls::Calls::open(self.engine.clone(), reach.into())
    }

    pub fn api_keys(&self, tenant: &TenantId) -> api_keys::Keys {
        api_keys::Keys::open(self.engine.clone(), tenant.clone())
    }

    pub fn invitations(&self, tenant: &TenantId) -> invitations::Invitations {
        invitations::Invitations::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_invitations(&self) -> invitations::AllInvitations {
        invitations::AllInvitations::new(self.engine.clone())
    }

    pub fn all_api_keys(&self) -> api_keys::AllKeys {
        api_keys::AllKeys::new(self.engine.clone())
    }

    pub fn audit(&self, tenant: &TenantId) -> audit::Entries {
        audit::Entries::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_audit(&self) -> audit::AllEntries {
        audit::AllEntries::new(self.engine.clone())
    }

    pub fn erasures(&self, tenant: &TenantId) -> erasures::Erasures {
        erasures::Erasures::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_erasures(&self) -> erasures::AllErasures {
        erasures::AllErasures::new(self.engine.clone())
    }

    /// Leave nothing in the engine's own files of what was overwritten or deleted since they were opened, as far as it can.
    pub async fn settle(&self) -> Result<(), StoreError> {
        Ok(self.engine.settle().await?)
    }

    /// Write a bounded piece of the indexes over words anew; answers whether nothing is left to write.
    pub async fn renew_words(&self, renewal: engine::Renewal) -> Result<bool, StoreError> {
        Ok(self.engine.renew_words(renewal).await?)
    }

    pub fn events(&self, tenant: &TenantId) -> events::Events {
        events::Events::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_events(&self) -> events::AllEvents {
        events::AllEvents::new(self.engine.clone())
    }

    pub fn jobs(&self, tenant: &TenantId) -> jobs::Jobs {
        jobs::Jobs::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_jobs(&self) -> jobs::AllJobs {
        jobs::AllJobs::new(self.engine.clone())
    }

    pub fn webhooks(&self, tenant: &TenantId) -> webhooks::Endpoints {
        webhooks::Endpoints::open(self.engine.clone(), tenant.clone())
    }

    pub fn webhook_lanes(&self) -> webhooks::Lanes {
        webhooks::Lanes::new(self.engine.clone())
    }

    pub fn deliveries(&self, tenant: &TenantId) -> deliveries::Deliveries {
        deliveries::Deliveries::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_deliveries(&self) -> deliveries::AllDeliveries {
        deliveries::AllDeliveries::new(self.engine.clone())
    }

    pub fn plans(&self) -> plans::Plans {
        plans::Plans::new(self.engine.clone())
    }

    pub fn prices(&self) -> prices::Prices {
        prices::Prices::new(self.engine.clone())
    }

    /// The ledger of what is within a tenant's or a key's reach.
    pub fn ledger(&self, reach: impl Into<Reach>) -> ledger::Ledger {
        ledger::Ledger::open(self.engine.clone(), reach.into())
    }

    pub fn all_ledger(&self) -> ledger::AllEntries {
        ledger::AllEntries::new(self.engine.clone())
    }

    pub fn usage_days(&self, tenant: &TenantId) -> usage_days::UsageDays {
        usage_days::UsageDays::open(self.engine.clone(), tenant.clone())
    }

    pub fn quotas(&self, tenant: &TenantId) -> quotas::Quotas {
        quotas::Quotas::open(self.engine.clone(), tenant.clone())
    }

    pub fn budgets(&self, tenant: &TenantId) -> budgets::Budgets {
        budgets::Budgets::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_budgets(&self) -> budgets::AllBudgets {
        budgets::AllBudgets::new(self.engine.clone())
    }

    pub fn config_requests(&self, tenant: &TenantId) -> config_requests::ConfigRequests {
        config_requests::ConfigRequests::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_config_requests(&self) -> config_requests::AllConfigRequests {
        config_requests::AllConfigRequests::new(self.engine.clone())
    }

    pub fn sign_in_providers(&self) -> sign_in::Providers {
        sign_in::Providers::new(self.engine.clone())
    }

    pub fn identities(&self) -> sign_in::Identities {
        sign_in::Identities::new(self.engine.clone())
    }

    pub fn sign_ins(&self) -> sign_in::SignIns {
        sign_in::SignIns::new(self.engine.clone())
    }

    pub fn all_users(&self) -> users::AllUsers {
        users::AllUsers::new(self.engine.clone())
    }

    pub fn all_bots(&self) -> bots::AllBots {
        bots::AllBots::new(self.engine.clone())
    }

    pub fn all_calls(&self) -> calls::AllCalls {
        calls::AllCalls::new(self.engine.clone())
    }

    /// What is searched and counted of the calls within a tenant's or a key's reach.
    pub fn digests(&self, reach: impl Into<Reach>) -> digests::Digests {
        digests::Digests::open(self.engine.clone(), reach.into())
    }

    pub fn all_digests(&self) -> digests::AllDigests {
        digests::AllDigests::new(self.engine.clone())
    }

    /// Sums over a tenant's calls.
    pub fn rollups(&self, tenant: &TenantId) -> rollups::Rollups {
        rollups::Rollups::open(self.engine.clone(), tenant.clone())
    }

    pub fn reports(&self, tenant: &TenantId) -> reports::Reports {
        reports::Reports::open(self.engine.clone(), tenant.clone())
    }

    pub fn statements(&self, tenant: &TenantId) -> statements::Statements {
        statements::Statements::open(self.engine.clone(), tenant.clone())
    }

    pub fn settings(&self) -> settings::AllSettings {
        settings::AllSettings::new(self.engine.clone())
    }

    pub fn workers(&self) -> workers::Workers {
        workers::Workers::new(self.engine.clone())
    }

    pub fn dialouts(&self, tenant: &TenantId) -> dialouts::Dialouts {
        dialouts::Dialouts::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_dialouts(&self) -> dialouts::AllDialouts {
        dialouts::AllDialouts::new(self.engine.clone())
    }

    pub fn do_not_call(&self, tenant: &TenantId) -> do_not_call::DoNotCall {
        do_not_call::DoNotCall::open(self.engine.clone(), tenant.clone())
    }

    pub fn campaigns(&self, tenant: &TenantId) -> campaigns::Campaigns {
        campaigns::Campaigns::open(self.engine.clone(), tenant.clone())
    }

    /// Files of contacts of a tenant's campaigns.
    pub fn campaign_imports(&self, tenant: &TenantId) -> campaign_imports::Imports {
        campaign_imports::Imports::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_campaigns(&self) -> campaigns::AllCampaigns {
        campaigns::AllCampaigns::new(self.engine.clone())
    }

    pub fn crm(&self, tenant: &TenantId) -> crm::Integrations {
        crm::Integrations::open(self.engine.clone(), tenant.clone())
    }

    pub fn pushes(&self, tenant: &TenantId) -> crm::Pushes {
        crm::Pushes::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_pushes(&self) -> crm::AllPushes {
        crm::AllPushes::new(self.engine.clone())
    }

    pub fn latencies(&self, tenant: &TenantId) -> latencies::OfVendors {
        latencies::OfVendors::open(self.engine.clone(), tenant.clone())
    }

    pub fn voices(&self, tenant: &TenantId) -> voices::Voices {
        voices::Voices::open(self.engine.clone(), tenant.clone())
    }

    pub fn sounds(&self, tenant: &TenantId) -> sounds::Sounds {
        sounds::Sounds::open(self.engine.clone(), tenant.clone())
    }

    pub fn carriers(&self, tenant: &TenantId) -> carriers::Carriers {
        carriers::Carriers::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_carriers(&self) -> carriers::AllCarriers {
        carriers::AllCarriers::new(self.engine.clone())
    }

    /// What LiveKit has of the carriers of a tenant.
    pub fn trunks(&self, tenant: &TenantId) -> trunks::Trunks {
        trunks::Trunks::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_trunks(&self) -> trunks::AllTrunks {
        trunks::AllTrunks::new(self.engine.clone())
    }

    /// Calls that LiveKit brought.
    pub fn dispatches(&self) -> dispatches::Dispatches {
        dispatches::Dispatches::new(self.engine.clone())
    }

    pub fn exotel(&self, tenant: &TenantId) -> exotel::Accounts {
        exotel::Accounts::open(self.engine.clone(), tenant.clone())
    }

    pub fn dids(&self, tenant: &TenantId) -> dids::Dids {
        dids::Dids::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_dids(&self) -> dids::AllDids {
        dids::AllDids::new(self.engine.clone())
    }

    pub fn proofs(&self, tenant: &TenantId) -> proofs::Proofs {
        proofs::Proofs::open(self.engine.clone(), tenant.clone())
    }

    pub fn campaign_leases(&self, tenant: &TenantId) -> campaign_leases::Leases {
        campaign_leases::Leases::open(self.engine.clone(), tenant.clone())
    }

    pub fn diallers(&self) -> diallers::Diallers {
        diallers::Diallers::new(self.engine.clone())
    }

    pub fn contacts(&self, tenant: &TenantId) -> contacts::Contacts {
        contacts::Contacts::open(self.engine.clone(), tenant.clone())
    }

    pub fn attempts(&self, tenant: &TenantId) -> attempts::Attempts {
        attempts::Attempts::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_attempts(&self) -> attempts::AllAttempts {
        attempts::AllAttempts::new(self.engine.clone())
    }

    /// Numbers that a tenant's campaigns rang.
    pub fn called_numbers(&self, tenant: &TenantId) -> numbers::Numbers {
        numbers::Numbers::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_called_numbers(&self) -> numbers::AllNumbers {
        numbers::AllNumbers::new(self.engine.clone())
    }

    pub fn hosts(&self) -> hosts::Hosts {
        hosts::Hosts::new(self.engine.clone())
    }

    pub fn reservations(&self) -> reservations::Reservations {
        reservations::Reservations::new(self.engine.clone())
    }

    pub fn tickets(&self) -> tickets::Tickets {
        tickets::Tickets::new(self.engine.clone())
    }

    pub fn refresh_tokens(&self) -> refresh_tokens::Families {
        refresh_tokens::Families::new(self.engine.clone())
    }
}
