//! What LiveKit has of a carrier: its trunks, the rule that brings its calls into rooms, and how making them went. Under the carrier's id;
//! apart from it, so that what the bridge notes here is no change of what somebody edits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::ids::{CarrierId, TenantId};

use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, MAX_PAGE, Query, Text};
use super::stamp::Stamp;
use crate::field;

const OF_TENANT: &str = "of_tenant";
const BY_INBOUND: &str = "by_inbound";

const INBOUND_ID: Field<Text> = field!(Trunk => inbound_id: Text);
/// Tries of a change against others that write the same document.
const MAX_TRIES: usize = 8;

pub static TRUNKS: Collection = Collection {
    name: "trunks",
    indexes: &[
        Index::ordered(OF_TENANT, &[TENANT.place()]),
        Index::sparse(BY_INBOUND, &[INBOUND_ID.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// How a carrier stands with LiveKit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// It is still to be made known there.
    #[default]
    Pending,
    /// LiveKit has it as it is set.
    Synced,
    /// LiveKit does not take it, or cannot be asked.
    Error,
}

impl SyncStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Error => "error",
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    pub tenant_id: TenantId,
    pub status: SyncStatus,
    /// Why it is so, for people; without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was last made known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Stamp>,
    /// `ST_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound_id: Option<String>,
    /// `SDR_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// Hash of what was made known, without passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<String>,
}

impl Trunk {
    /// Of a carrier that is not known there yet.
    pub fn pending(tenant_id: TenantId) -> Self {
        Self {
            tenant_id,
            status: SyncStatus::Pending,
            text: None,
            synced_at: None,
            inbound_id: None,
            outbound_id: None,
            rule_id: None,
            made_of: None,
        }
    }
}

impl OfTenant for Trunk {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// Those of one tenant.
pub struct Trunks(Scoped<Trunk>);

impl Trunks {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &TRUNKS), tenant))
    }

    /// Of a carrier; one that nothing is known of is pending.
    pub async fn of_carrier(&self, carrier: &CarrierId) -> Result<Trunk, StoreError> {
        let found = self.0.find(carrier.as_str()).await?;
        Ok(found.map_or_else(|| Trunk::pending(self.0.tenant.clone()), |trunk| trunk.value))
    }

    /// Of all of the tenant's carriers.
    pub async fn list_all(&self) -> Result<Vec<Stored<Trunk>>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.0.list(self.0.query(OF_TENANT).limit(MAX_PAGE).after(after)).await?;
            all.extend(page.items);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Keep how a carrier stands; what stands so already is not written.
    pub async fn keep(&self, carrier: &CarrierId, trunk: &Trunk) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let written = match self.0.find(carrier.as_str()).await? {
                Some(stored) if stored.value == *trunk => Ok(()),
                Some(stored) => self.0.replace(Stored { value: trunk.clone(), ..stored }).await.map(drop),
                None => self.0.insert(carrier.as_str(), trunk).await,
            };
            match written {
                Err(StoreError::Conflict | StoreError::Duplicate) => {}
                written => return written,
            }
        }
        Err(StoreError::Conflict)
    }

    /// It is gone there, or its carrier here.
    pub async fn forget(&self, carrier: &CarrierId) -> Result<(), StoreError> {
        self.0.forget(carrier.as_str()).await
    }
}

/// Those of all tenants.
pub struct AllTrunks(Documents<Trunk>);

impl AllTrunks {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &TRUNKS))
    }

    /// Whose calls come over this trunk.
    pub async fn find_by_inbound(&self, id: &str) -> Result<Option<Stored<Trunk>>, StoreError> {
        self.0.first(Query::by_index(&TRUNKS, BY_INBOUND).equals(INBOUND_ID, id)).await
    }
}
