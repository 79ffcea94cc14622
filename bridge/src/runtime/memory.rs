//! What every call reads and people seldom change, remembered: bots, tenants, the CRMs of bots, vendors' keys, prices and latencies, voices, calendars of
//! campaigns. Nothing is remembered
//! over a change that this bridge made or heard of, nor for longer than [`KEPT`]: so late is a bridge at most that the others could
//! not tell. Where a document is changed it is read from the store, never from here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, TenantId, VoiceId};
use vox_shared::model::bot::ApiKey;

use crate::campaign::calendar::Calendar;
use crate::coordination::Expiring;
use crate::crm::settings::CrmSettings;
use crate::store::bots::Bot;
use crate::store::changes::Changes;
use crate::store::latencies::Latencies;
use crate::store::prices::Price;
use crate::store::settings::{RoutingSettings, VendorLimit};
use crate::store::tenants::Tenant;
use crate::store::voices::Voice;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Longest time that something is remembered. Bridges that share no Redis see each other's changes so late.
pub const KEPT: SignedDuration = SignedDuration::from_secs(2);
/// Values of each kind: bots may have a megabyte.
const MOST: usize = 1_000;

/// The memory of one bridge. Cheap to clone.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    stores: Stores,
    clock: Clock,
    changes: Changes,
    bots: Remembered<Arc<Bot>>,
    tenants: Remembered<Arc<Tenant>>,
    crms: Remembered<Option<Arc<CrmSettings>>>,
    keys: Remembered<Arc<BTreeMap<String, ApiKey>>>,
    prices: Remembered<Arc<Vec<Stored<Price>>>>,
    voices: Remembered<Arc<Voice>>,
    routings: Remembered<Option<RoutingSettings>>,
    latencies: Remembered<Option<Arc<Latencies>>>,
    vendor_limits: Remembered<Arc<Vec<VendorLimit>>>,
    calendars: Remembered<Arc<Calendar>>,
}

/// Values by name, each with the number of changes before it was read.
struct Remembered<V>(Mutex<Expiring<(u64, V)>>);

impl<V: Clone> Remembered<V> {
    fn new() -> Self {
        Self(Mutex::new(Expiring::with_room(MOST)))
    }

    fn get(&self, name: &str, (number, now): (u64, Timestamp)) -> Option<V> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ((of, value), _) = entries.get(name, now)?;
        (*of == number).then(|| value.clone())
    }

    fn keep(&self, name: &str, value: &V, (number, now): (u64, Timestamp)) {
        let ends = now.saturating_add(KEPT).unwrap_or(now);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.keep_newest(name.to_owned(), (number, value.clone()), (now, ends));
    }
}

impl Memory {
    pub fn new(stores: Stores, clock: Clock, changes: Changes) -> Self {
        Self(Arc::new(Inner {
            stores,
            clock,
            changes,
            bots: Remembered::new(),
            tenants: Remembered::new(),
            crms: Remembered::new(),
            keys: Remembered::new(),
            prices: Remembered::new(),
            voices: Remembered::new(),
            routings: Remembered::new(),
            latencies: Remembered::new(),
            vendor_limits: Remembered::new(),
            calendars: Remembered::new(),
        }))
    }

    /// A bot, also one that was deleted and can be restored.
    pub async fn bot(&self, id: &BotId) -> Result<Option<Arc<Bot>>, StoreError> {
        let bots = self.0.stores.all_bots();
        let read = async { Ok(bots.find_with_deleted(id).await?.map(|bot| Arc::new(bot.value))) };
        self.remembered(&self.0.bots, id.as_str(), read).await
    }

    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        let tenants = self.0.stores.tenants();
        let read = async { Ok(tenants.find(id).await?.map(|tenant| Arc::new(tenant.value))) };
        self.remembered(&self.0.tenants, id.as_str(), read).await
    }

    /// What is set for the CRM of a bot.
    pub async fn crm(&self, tenant: &TenantId, bot: &BotId) -> Result<Option<Arc<CrmSettings>>, StoreError> {
        let integrations = self.0.stores.crm(tenant);
        let read = async {
            let found = integrations.find_integration(bot).await?;
            Ok(Some(found.map(|found| Arc::new(found.value.settings))))
        };
        let name = format!("{tenant}/{bot}");
        Ok(self.remembered(&self.0.crms, &name, read).await?.flatten())
    }

    /// The keys of vendors that the deployment and the tenant have.
    pub async fn vendor_keys(&self, tenant: &TenantId) -> Result<Arc<BTreeMap<String, ApiKey>>, StoreError> {
        let settings = self.0.stores.settings();
        let read = async { Ok(Some(Arc::new(settings.vendor_keys(tenant).await?))) };
        Ok(self.remembered(&self.0.keys, tenant.as_str(), read).await?.unwrap_or_default())
    }

    /// What a vendor cost until now, all prices of it.
    pub async fn prices(&self, vendor: &str) -> Result<Arc<Vec<Stored<Price>>>, StoreError> {
        let (prices, now) = (self.0.stores.prices(), Stamp(self.0.clock.now()));
        let read = async { Ok(Some(Arc::new(prices.list_known_at(vendor, now).await?.items))) };
        Ok(self.remembered(&self.0.prices, vendor, read).await?.unwrap_or_default())
    }

    /// A voice that was made from a clip.
    pub async fn voice(&self, tenant: &TenantId, id: &VoiceId) -> Result<Option<Arc<Voice>>, StoreError> {
        let voices = self.0.stores.voices(tenant);
        let read = async { Ok(voices.find_voice(id).await?.map(|voice| Arc::new(voice.value))) };
        self.remembered(&self.0.voices, &format!("{tenant}/{id}"), read).await
    }

    /// By what a tenant's calls are given vendors.
    pub async fn routing(&self, tenant: &TenantId) -> Result<Option<RoutingSettings>, StoreError> {
        let settings = self.0.stores.settings();
        let read = async { Ok(Some(settings.routing(tenant).await?)) };
        Ok(self.remembered(&self.0.routings, tenant.as_str(), read).await?.flatten())
    }

    /// What vendors do at once for a key of a tenant's, as far as somebody stated it.
    pub async fn vendor_limits(&self, tenant: &TenantId) -> Result<Arc<Vec<VendorLimit>>, StoreError> {
        let settings = self.0.stores.settings();
        let read = async { Ok(Some(Arc::new(settings.vendor_limits(tenant).await?))) };
        Ok(self.remembered(&self.0.vendor_limits, tenant.as_str(), read).await?.unwrap_or_default())
    }

    /// When a tenant's campaigns call nobody.
    pub async fn calendar(&self, tenant: &TenantId) -> Result<Arc<Calendar>, StoreError> {
        let settings = self.0.stores.settings();
        let read = async { Ok(Some(Arc::new(settings.calendar(tenant).await?))) };
        Ok(self.remembered(&self.0.calendars, tenant.as_str(), read).await?.unwrap_or_default())
    }

    /// How fast vendors answered a tenant.
    pub async fn latencies(&self, tenant: &TenantId) -> Result<Option<Arc<Latencies>>, StoreError> {
        let latencies = self.0.stores.latencies(tenant);
        let read = async { Ok(Some(latencies.find().await?.map(|found| Arc::new(found.value)))) };
        Ok(self.remembered(&self.0.latencies, tenant.as_str(), read).await?.flatten())
    }

    /// A value from memory, or as it is read. That something is absent is not remembered.
    async fn remembered<V: Clone>(
        &self,
        kind: &Remembered<V>,
        name: &str,
        read: impl Future<Output = Result<Option<V>, StoreError>>,
    ) -> Result<Option<V>, StoreError> {
        // Before the reading: what changes meanwhile has another number.
        let as_of = (self.0.changes.number(), self.0.clock.now());
        if let Some(value) = kind.get(name, as_of) {
            return Ok(Some(value));
        }
        let value = read.await?;
        if let Some(value) = &value {
            kind.keep(name, value, as_of);
        }
        Ok(value)
    }
}
