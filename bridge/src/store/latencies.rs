//! How fast vendors answered a tenant: one document, so that no reader sees half of two.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::TenantId;
use vox_shared::wire::answers::Service;

use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored};
use super::engine::{Collection, Engine};
use super::stamp::Stamp;

pub static LATENCIES: Collection = Collection { name: "latencies", indexes: &[], fields: &[], steps: &[] };

/// One vendor of one service over the last 24 hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Latency {
    /// `stt`, `llm` or `tts`.
    pub kind: String,
    pub provider: String,
    /// Milliseconds; null without observations.
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub samples: i64,
}

/// Those of one tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latencies {
    pub tenant_id: TenantId,
    pub as_of: Stamp,
    pub rows: Vec<Latency>,
    /// Vendors that miss their targets, or begin to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetState>,
}

/// How a vendor stands to its target, unless it meets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetState {
    pub service: Service,
    pub provider: String,
    /// It misses it, and that was told.
    pub missed: bool,
    pub since: Stamp,
    /// Since when it is seen otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrary_since: Option<Stamp>,
}

impl Latencies {
    /// The median of a vendor with at least so many samples.
    pub fn p50(&self, kind: &str, provider: &str, min_samples: i64) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.kind == kind && row.provider == provider)?;
        row.p50_ms.filter(|_| row.samples >= min_samples)
    }
}

impl OfTenant for Latencies {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The store of one tenant's.
pub struct OfVendors(Scoped<Latencies>);

impl OfVendors {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &LATENCIES), tenant))
    }

    pub async fn find(&self) -> Result<Option<Stored<Latencies>>, StoreError> {
        self.0.find(self.0.tenant.as_str()).await
    }

    /// Put new ones in the place of those that are known.
    pub async fn put(&self, known: Option<Stored<Latencies>>, made: Latencies) -> Result<(), StoreError> {
        match known {
            None => self.0.insert(self.0.tenant.as_str(), &made).await,
            Some(known) => self.0.replace(Stored { value: made, ..known }).await.map(drop),
        }
    }
}
