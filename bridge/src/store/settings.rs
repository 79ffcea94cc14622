//! Settings of the deployment and of its tenants: one document each. A tenant's counts before the deployment's.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ring::hmac;
use serde::{Deserialize, Serialize};
use vox_shared::catalogue::account;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;
use vox_shared::phone::Number;
use vox_shared::wire::answers::Service;

use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine};
use super::stamp::Stamp;
use crate::auth::secret_token::{self, hex};
use crate::campaign::calendar::{Calendar, Holiday, QuietHours};

/// The deployment's document; no tenant can be called so.
const DEPLOYMENT: &str = "~deployment";
/// Tries of a change against others that write the same document.
const MAX_TRIES: usize = 8;

pub static SETTINGS: Collection = Collection { name: "settings", indexes: &[], fields: &[], steps: &[] };

/// Whose settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Deployment,
    Tenant(TenantId),
}

/// One document of settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// None: the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Stamp>,
    /// One for each vendor at most, for bots that name none.
    #[serde(default)]
    pub vendor_keys: Vec<VendorKey>,
    /// IANA name of the time zone that times are shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_timezone: Option<String>,
    /// What numbers are hashed under in the proofs of their erasure; made with the first. It is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure_key: Option<ApiKey>,
    /// What the deployment's trunks are marked with at LiveKit; made with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub livekit_mark: Option<String>,
    /// After how many days a link of a recording ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_link_days: Option<u32>,
    /// What of a tenant's calls is deleted for its age, or cools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// By what calls are given vendors out of their bots' lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<RoutingSettings>,
    /// What vendors do at once for one key, where that is not what they publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor_limits: Vec<VendorLimit>,
    /// What is expected of vendors, where that is not the usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor_targets: Vec<VendorTarget>,
    /// Hours at which a tenant's campaigns call nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet_hours: Vec<QuietHours>,
    /// Days on which they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
}

/// What is expected of a vendor of one service; what is absent is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VendorTarget {
    pub service: Service,
    /// None: all vendors of the service that have no target of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Of a hundred requests so many are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_percent: Option<f64>,
    /// Nineteen of twenty answers come within so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<u32>,
}

/// What a vendor does at once for one key of a service; what is absent is not limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorLimit {
    pub service: Service,
    /// By the name of its account: Deepgram's two recognisers have one.
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Those that one call may make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_call: Option<u32>,
}

impl VendorLimit {
    /// Whether it is of this vendor.
    pub fn is_of(&self, service: Service, provider: &str) -> bool {
        self.service == service && self.provider == account(provider)
    }
}

/// How long the vendors of a call may take together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingSettings {
    pub budget_ms: u32,
    /// Answers of a vendor with fewer of which it counts as not observed.
    pub min_samples: u32,
}

/// After how many days what is deleted or cools; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordings_days: Option<u32>,
    /// Compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_warm_days: Option<u32>,
    /// In the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_archive_days: Option<u32>,
}

impl Retention {
    /// After how many days calls are compressed: what goes to the archive is compressed first.
    pub fn warm_days(self) -> Option<u32> {
        self.calls_warm_days.or(self.calls_archive_days)
    }
}

/// A vendor's key. It is sealed in the store (`crate::vault`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VendorKey {
    pub provider: String,
    pub api_key: ApiKey,
}

impl Owner {
    /// The tenant, if it is one's.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Deployment => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::Deployment => DEPLOYMENT,
            Self::Tenant(tenant) => tenant.as_str(),
        }
    }
}

/// Of a document of settings what is no secret and wanted for each call and each day: a key in it that does not open is no hindrance.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plain {
    #[serde(default)]
    display_timezone: Option<String>,
    #[serde(default)]
    routing: Option<RoutingSettings>,
    #[serde(default)]
    retention: Option<Retention>,
    #[serde(default)]
    vendor_limits: Vec<VendorLimit>,
    #[serde(default)]
    vendor_targets: Vec<VendorTarget>,
    #[serde(default)]
    quiet_hours: Vec<QuietHours>,
    #[serde(default)]
    holidays: Vec<Holiday>,
}

/// The settings of everybody; the owner says whose.
pub struct AllSettings {
    all: Documents<Settings>,
    plain: Documents<Plain>,
}

impl AllSettings {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { all: Documents::new(engine.clone(), &SETTINGS), plain: Documents::new(engine, &SETTINGS) }
    }

    /// Empty ones where nothing was set yet.
    pub async fn get(&self, owner: &Owner) -> Result<Settings, StoreError> {
        Ok(self.all.find(owner.id()).await?.map(|stored| stored.value).unwrap_or_default())
    }

    /// Change them in one step; answers them as they are then.
    pub async fn change(
        &self,
        owner: &Owner,
        now: Stamp,
        change: impl Fn(&mut Settings),
    ) -> Result<Settings, StoreError> {
        for _ in 0..MAX_TRIES {
            let stored = self.all.find(owner.id()).await?;
            let mut settings = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            change(&mut settings);
            settings.updated_at = Some(now);
            if let Owner::Tenant(tenant) = owner {
                settings.tenant_id = Some(tenant.clone());
            }
            let written = match stored {
                None => self.all.insert(owner.id(), &settings).await,
                Some(stored) => {
                    self.all.replace(Stored { value: settings.clone(), ..stored }).await.map(drop)
                }
            };
            match written {
                Ok(()) => return Ok(settings),
                Err(StoreError::Conflict | StoreError::Duplicate) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }

    /// The time zone of a tenant's days: its own, else the deployment's, else UTC.
    pub async fn time_zone(&self, tenant: &TenantId) -> Result<TimeZone, StoreError> {
        for owner in [Owner::Tenant(tenant.clone()), Owner::Deployment] {
            let named = self.plain.find(owner.id()).await?.and_then(|stored| stored.value.display_timezone);
            if let Some(zone) = named.and_then(|name| TimeZone::get(&name).ok()) {
                return Ok(zone);
            }
        }
        Ok(TimeZone::UTC)
    }

    /// By what a tenant's calls are given vendors: its own, else the deployment's, else none.
    pub async fn routing(&self, tenant: &TenantId) -> Result<Option<RoutingSettings>, StoreError> {
        for owner in [Owner::Tenant(tenant.clone()), Owner::Deployment] {
            let set = self.plain.find(owner.id()).await?;
            if let Some(routing) = set.and_then(|stored| stored.value.routing) {
                return Ok(Some(routing));
            }
        }
        Ok(None)
    }

    /// What vendors do at once for a key of a tenant's: what it stated, and for the others what the deployment did.
    pub async fn vendor_limits(&self, tenant: &TenantId) -> Result<Vec<VendorLimit>, StoreError> {
        let mut limits: Vec<VendorLimit> = Vec::new();
        for owner in [Owner::Tenant(tenant.clone()), Owner::Deployment] {
            let stated = self.plain.find(owner.id()).await?.map(|stored| stored.value.vendor_limits);
            for limit in stated.unwrap_or_default() {
                if !limits.iter().any(|known| known.is_of(limit.service, &limit.provider)) {
                    limits.push(limit);
                }
            }
        }
        Ok(limits)
    }

    /// What is expected of vendors: what a tenant set, and behind that what the deployment did.
    pub async fn vendor_targets(&self, tenant: &TenantId) -> Result<Vec<VendorTarget>, StoreError> {
        let mut targets = Vec::new();
        for owner in [Owner::Tenant(tenant.clone()), Owner::Deployment] {
            let set = self.plain.find(owner.id()).await?.map(|stored| stored.value.vendor_targets);
            targets.extend(set.unwrap_or_default());
        }
        Ok(targets)
    }

    /// When a tenant's campaigns call nobody.
    pub async fn calendar(&self, tenant: &TenantId) -> Result<Calendar, StoreError> {
        let set = self.plain.find(Owner::Tenant(tenant.clone()).id()).await?;
        let calendar = set.map(|stored| Calendar::of(&stored.value.quiet_hours, &stored.value.holidays));
        Ok(calendar.unwrap_or_default())
    }

    /// HMAC-SHA256 of a number under the tenant's own key, which is made when there is none.
    pub async fn number_hash(
        &self,
        tenant: &TenantId,
        number: &Number,
        now: Stamp,
    ) -> Result<String, StoreError> {
        let owner = Owner::Tenant(tenant.clone());
        let key = match self.get(&owner).await?.erasure_key {
            Some(key) => key,
            None => {
                let made = ApiKey::new(secret_token::random::<32>());
                let change = |settings: &mut Settings| {
                    settings.erasure_key.get_or_insert_with(|| made.clone());
                };
                self.change(&owner, now, change).await?.erasure_key.unwrap_or(made)
            }
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
        Ok(hex(hmac::sign(&key, number.as_str().as_bytes()).as_ref()))
    }

    /// What a tenant set of how long its calls are kept.
    pub async fn retention(&self, tenant: &TenantId) -> Result<Option<Retention>, StoreError> {
        let set = self.plain.find(Owner::Tenant(tenant.clone()).id()).await?;
        Ok(set.and_then(|stored| stored.value.retention))
    }

    /// The vendor keys that a tenant's bots may use beside their own, by vendor: the tenant's, else the deployment's.
    pub async fn vendor_keys(&self, tenant: &TenantId) -> Result<BTreeMap<String, ApiKey>, StoreError> {
        let mut keys = BTreeMap::new();
        for owner in [Owner::Deployment, Owner::Tenant(tenant.clone())] {
            let settings = self.get(&owner).await?;
            keys.extend(settings.vendor_keys.into_iter().map(|key| (key.provider, key.api_key)));
        }
        Ok(keys)
    }
}
