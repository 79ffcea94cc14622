//! All durable state. A store is opened for a tenant; what crosses tenants says so in its name.

pub mod api_keys;
pub mod audit;
pub mod bots;
pub mod calls;
mod documents;
pub mod engine;
pub mod events;
pub mod invitations;
mod merged;
mod migrate;
pub mod outbox;
mod reach;
pub mod refresh_tokens;
mod stamp;
pub mod tenants;
pub mod tickets;
pub mod users;
pub mod workers;

use std::sync::Arc;

use vox_shared::ids::TenantId;

pub use documents::{Listed, StoreError, Stored};
pub use engine::Cursor;
use engine::{Collection, Engine};
pub use reach::Reach;
pub use stamp::Stamp;

use crate::vault::{DATA_KEYS, STATE};

/// Every collection of the deployment.
pub const COLLECTIONS: &[&Collection] = &[
    &tenants::TENANTS,
    &users::USERS,
    &bots::BOTS,
    &calls::CALLS,
    &workers::WORKERS,
    &tickets::TICKETS,
    &refresh_tokens::REFRESH_TOKENS,
    &api_keys::API_KEYS,
    &invitations::INVITATIONS,
    &audit::AUDIT,
    &events::EVENTS,
    &DATA_KEYS,
    &STATE,
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

    pub fn events(&self, tenant: &TenantId) -> events::Events {
        events::Events::open(self.engine.clone(), tenant.clone())
    }

    pub fn all_events(&self) -> events::AllEvents {
        events::AllEvents::new(self.engine.clone())
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

    pub fn workers(&self) -> workers::Workers {
        workers::Workers::new(self.engine.clone())
    }

    pub fn tickets(&self) -> tickets::Tickets {
        tickets::Tickets::new(self.engine.clone())
    }

    pub fn refresh_tokens(&self) -> refresh_tokens::Families {
        refresh_tokens::Families::new(self.engine.clone())
    }
}
