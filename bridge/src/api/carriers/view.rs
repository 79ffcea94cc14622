//! How a carrier is shown: without its passwords.

use serde::Serialize;
use utoipa::ToSchema;

use crate::carrier::{CarrierSettings, InboundAuth, Transport};
use crate::store::carriers::Carrier;
use crate::store::{Listed, Stored};

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
    /// `pending`: the carrier is not known to LiveKit, which this bridge does not speak to yet.
    pub sync_status: &'static str,
    pub sync_text: Option<String>,
    pub synced_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
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

impl From<Stored<Carrier>> for CarrierView {
    fn from(stored: Stored<Carrier>) -> Self {
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
            sync_status: "pending",
            sync_text: None,
            synced_at: None,
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}

impl From<Listed<Carrier>> for CarrierPage {
    fn from(listed: Listed<Carrier>) -> Self {
        Self { items: listed.items.into_iter().map(Into::into).collect(), next_cursor: listed.next_cursor }
    }
}
