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

/// The carriers of all tenants, for whoever makes them known to LiveKit.
pub struct AllCarriers(Documents<Carrier>);

/// Some of them, and where the next ones begin.
pub struct CarrierBatch {
    pub carriers: Vec<Stored<Carrier>>,
    /// Those that make no sense.
    pub damaged: Vec<String>,
    pub last: Option<String>,
}

impl AllCarriers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CARRIERS))
    }

    /// In the order of their ids, after this one, up to a page.
    pub async fn list_by_id(&self, after: Option<String>) -> Result<CarrierBatch, StoreError> {
        let page = self.0.list_by_id(after).await?;
        let mut batch = CarrierBatch {
            carriers: Vec::new(),
            damaged: Vec::new(),
            last: page.last().map(|(id, _)| id.clone()),
        };
        for (id, carrier) in page {
            match carrier {
                Ok(carrier) => batch.carriers.push(carrier),
                Err(_) => batch.damaged.push(id),
            }
        }
        Ok(batch)
    }
}
