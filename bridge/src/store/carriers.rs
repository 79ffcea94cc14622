//! Carriers of a tenant.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{CarrierId, TenantId};

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Order, Text};
use super::stamp::Stamp;
use crate::carrier::CarrierSettings;
use crate::field;

const BY_TIME: &str = "by_time";

const CREATED_AT: Field<Text> = field!(Carrier => created_at: Text);

pub static CARRIERS: Collection = Collection {
    name: "carriers",
    indexes: &[Index::ordered(BY_TIME, &[TENANT.place(), CREATED_AT.place()])],
    fields: &[],
    steps: &[],
};

/// A carrier as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Carrier {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    /// It is being deleted, or was about to be: it takes no number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
    pub settings: CarrierSettings,
}

impl OfTenant for Carrier {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The carriers of one tenant.
pub struct Carriers(Scoped<Carrier>);

impl Carriers {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CARRIERS), tenant))
    }

    pub async fn get_carrier(&self, id: &CarrierId) -> Result<Stored<Carrier>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// Newest first.
    pub async fn list_carriers(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Carrier>, StoreError> {
        self.0.list(self.0.query(BY_TIME).order(Order::Descending).limit(limit).after(after)).await
    }

    pub async fn insert_carrier(&self, id: &CarrierId, carrier: &Carrier) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), carrier).await
    }

    pub async fn replace_carrier(&self, carrier: Stored<Carrier>) -> Result<Stored<Carrier>, StoreError> {
        self.0.replace(carrier).await
    }

    pub async fn delete_carrier(&self, carrier: &Stored<Carrier>) -> Result<(), StoreError> {
        self.0.delete(&carrier.id, carrier.version).await
    }
}
