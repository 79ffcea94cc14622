//! How a carrier is shown: without its passwords.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::carrier::{CarrierSettings, InboundAuth, Transport};
use crate::store::carriers::Carrier;
use crate::store::trunks::{SyncStatus, Trunk};
use crate::store::{Listed, Stamp, StoreError, Stored, Stores};

/// A carrier.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarrierView {
    pub id: String,
    pub version: u64,
    pub name: String,
    pub sip_address: String,
    pub transport: Transport,
    pub destination_country: Option<String>,
    pub inbound_auth_mode: InboundAuth,
    pub inbound_addresses: Vec<String>,
    pub inbound_username: Option<String>,
    /// Passwords are never shown.
    pub inbound_password_set: bool,
    pub outbound_username: Option<String>,
    pub outbound_password_set: bool,
    pub outbound_cps: f64,
    pub outbound_burst: u32,
    pub outbound_channels: u32,
    /// `pending`: it is still to be made known to LiveKit, or there is nothing yet that could be. `synced`: LiveKit has it as it is set.
    /// `error`: LiveKit does not take it, or cannot be asked.
    pub sync_status: SyncStatus,
    /// Why it stands so, for people.
    pub sync_text: Option<String>,
    /// When it was last made known, RFC 3339, UTC.
    pub synced_at: Option<String>,
    /// Its trunks in LiveKit: over which calls come, and over which they go.
    pub inbound_trunk_id: Option<String>,
    pub outbound_trunk_id: Option<String>,
    /// It refuses calls of campaigns to several callees (403): look at its account. Null while it does not.
    pub refuses: Option<CarrierRefuses>,
    pub created_at: String,
    pub updated_at: String,
}

/// How a carrier refuses calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarrierRefuses {
    /// RFC 3339, UTC.
    pub since: String,
    /// How many were refused in the last hour, 3 or more.
    pub callees: usize,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarrierPage {
    pub items: Vec<CarrierView>,
    pub next_cursor: Option<String>,
}

/// What may be set for a carrier; what is left out takes its default.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a body that has a reading of its own")]
pub struct CarrierRequest {
    name: String,
    /// `HOST` or `HOST:PORT`.
    sip_address: String,
    transport: Option<Transport>,
    /// ISO 3166, two capital letters.
    destination_country: Option<String>,
    inbound_auth_mode: Option<InboundAuth>,
    /// With the mode `ip` one at least; 64 at most.
    inbound_addresses: Option<Vec<String>>,
    inbound_username: Option<String>,
    /// Left out in a change it stays, as long as its user name does; null takes it away.
    inbound_password: Option<String>,
    outbound_username: Option<String>,
    /// The same, as long as the address stays too.
    outbound_password: Option<String>,
    /// 0.1 to 100; 1 by default.
    outbound_cps: Option<f64>,
    /// 1 to 1,000; 10 by default.
    outbound_burst: Option<u32>,
    /// 1 to 500; 10 by default.
    outbound_channels: Option<u32>,
}

impl CarrierView {
    /// `trunk`: what LiveKit has of it.
    pub fn new(stored: Stored<Carrier>, trunk: Trunk, now: Stamp) -> Self {
        let refuses = trunk.refuses.alarm(now);
        let refuses =
            refuses.map(|alarm| CarrierRefuses { since: alarm.since.to_string(), callees: alarm.callees });
        let Carrier { created_at, updated_at, settings, .. } = stored.value;
        let CarrierSettings { name, sip_address, transport, destination_country, .. } = settings;
        Self {
            id: stored.id,
            version: stored.version,
            name,
            sip_address,
            transport,
            destination_country,
            inbound_auth_mode: settings.inbound_auth_mode,
            inbound_addresses: settings.inbound_addresses,
            inbound_username: settings.inbound_username,
            inbound_password_set: settings.inbound_password.is_some(),
            outbound_username: settings.outbound_username,
            outbound_password_set: settings.outbound_password.is_some(),
            outbound_cps: settings.outbound_cps,
            outbound_burst: settings.outbound_burst,
            outbound_channels: settings.outbound_channels,
            sync_status: trunk.status,
            sync_text: trunk.text,
            synced_at: trunk.synced_at.map(|at| at.to_string()),
            inbound_trunk_id: trunk.inbound_id,
            outbound_trunk_id: trunk.outbound_id,
            refuses,
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}

/// One carrier, with what LiveKit has of it.
pub async fn shown(stores: &Stores, carrier: Stored<Carrier>, now: Stamp) -> Result<CarrierView, StoreError> {
    let trunks = stores.trunks(&carrier.value.tenant_id);
    let trunk = match carrier.id.parse() {
        Ok(id) => trunks.of_carrier(&id).await?,
        Err(_) => Trunk::pending(carrier.value.tenant_id.clone()),
    };
    Ok(CarrierView::new(carrier, trunk, now))
}

impl CarrierPage {
    /// `trunks`: what LiveKit has of the tenant's carriers.
    pub fn new(listed: Listed<Carrier>, trunks: Vec<Stored<Trunk>>, now: Stamp) -> Self {
        let mut trunks: BTreeMap<String, Trunk> =
            trunks.into_iter().map(|trunk| (trunk.id, trunk.value)).collect();
        let items = listed.items.into_iter().map(|carrier| {
            let trunk = trunks.remove(&carrier.id);
            let trunk = trunk.unwrap_or_else(|| Trunk::pending(carrier.value.tenant_id.clone()));
            CarrierView::new(carrier, trunk, now)
        });
        Self { items: items.collect(), next_cursor: listed.next_cursor }
    }
}
