//! Accounts with the carrier Exotel, one for each tenant at most. Its numbers are among all others (`dids`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{CarrierId, TenantId};

use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored};
use super::engine::{Collection, Engine};
use super::stamp::Stamp;
use crate::exotel::settings::AccountSettings;

/// Under the ids of the tenants.
pub static EXOTEL_ACCOUNTS: Collection =
    Collection { name: "exotel_accounts", indexes: &[], fields: &[], steps: &[] };

/// An account as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub tenant_id: TenantId,
    /// What its numbers name as their carrier.
    pub carrier_id: CarrierId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    /// It is being deleted, or was about to be: it takes no number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
    pub settings: AccountSettings,
}

impl OfTenant for Account {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The account of one tenant.
pub struct Accounts(Scoped<Account>);

impl Accounts {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &EXOTEL_ACCOUNTS), tenant))
    }

    pub async fn find_account(&self) -> Result<Option<Stored<Account>>, StoreError> {
        self.0.find(self.0.tenant.as_str()).await
    }

    pub async fn get_account(&self) -> Result<Stored<Account>, StoreError> {
        self.0.get(self.0.tenant.as_str()).await
    }

    /// [`StoreError::Duplicate`] when there is one.
    pub async fn insert_account(&self, account: &Account) -> Result<(), StoreError> {
        self.0.insert(self.0.tenant.as_str(), account).await
    }

    pub async fn replace_account(&self, account: Stored<Account>) -> Result<Stored<Account>, StoreError> {
        self.0.replace(account).await
    }

    pub async fn delete_account(&self, account: &Stored<Account>) -> Result<(), StoreError> {
        self.0.delete(&account.id, account.version).await
    }
}
