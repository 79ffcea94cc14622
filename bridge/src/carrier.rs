//! Carriers: who takes and brings telephone calls, and the rules of their settings (contracts, section 8).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;
use vox_shared::egress::{HostRules, Policy};

use crate::fields::{FieldError, typed};

/// Calls begun in a second.
const CPS: (f64, f64) = (0.1, 100.0);
/// Calls begun at once.
const BURST: (u32, u32) = (1, 1_000);
/// Calls at the same time.
const CHANNELS: (u32, u32) = (1, 500);
/// Longest name, user name, password or address, characters.
const MAX_TEXT: usize = 255;
/// Most addresses of a carrier.
const MAX_ADDRESSES: usize = 64;
/// What is never shown.
const PASSWORDS: [&str; 2] = ["inbound_password", "outbound_password"];

/// How SIP travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    #[default]
    Auto,
    Tcp,
    Udp,
    Tls,
}

/// How a carrier proves itself when it brings a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboundAuth {
    #[default]
    Credentials,
    Ip,
}

/// What is set for a carrier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarrierSettings {
    pub name: String,
    /// `HOST` or `HOST:PORT`.
    pub sip_address: String,
    #[serde(default)]
    pub transport: Transport,
    /// ISO 3166, two capital letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_country: Option<String>,
    #[serde(default)]
    pub inbound_auth_mode: InboundAuth,
    /// Addresses or networks that calls may come from, with the mode `ip`.
    #[serde(default)]
    pub inbound_addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound_username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound_password: Option<String>,
    #[serde(default = "one")]
    pub outbound_cps: f64,
    #[serde(default = "ten")]
    pub outbound_burst: u32,
    #[serde(default = "ten")]
    pub outbound_channels: u32,
}

fn one() -> f64 {
    1.0
}

fn ten() -> u32 {
    10
}

/// Settings out of a request's body. A password that is left out stays as it is in `old`, as long as what it belongs to does;
/// null takes it away.
pub fn read(
    body: &Map<String, Value>,
    old: Option<&CarrierSettings>,
) -> Result<CarrierSettings, Vec<FieldError>> {
    let mut settings: CarrierSettings = typed(Value::Object(body.clone())).map_err(|fault| vec![fault])?;
    if let Some(old) = old {
        let left_out = PASSWORDS.map(|name| !body.contains_key(name));
        let same_door = settings.inbound_username == old.inbound_username;
        if left_out[0] && same_door {
            settings.inbound_password.clone_from(&old.inbound_password);
        }
        // It is sent to the address, so another address must be given it anew.
        let same_place =
            settings.sip_address == old.sip_address && settings.outbound_username == old.outbound_username;
        if left_out[1] && same_place {
            settings.outbound_password.clone_from(&old.outbound_password);
        }
    }
    let faults = settings.faults();
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}

impl CarrierSettings {
    fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, message: String| faults.push(FieldError::new(path, message));
        if !(1..=MAX_TEXT).contains(&self.name.trim().chars().count()) {
            fault("name", format!("must be 1 to {MAX_TEXT} characters"));
        }
        if !is_sip_address(&self.sip_address) {
            fault("sip_address", "must be HOST or HOST:PORT, without sip:".into());
        }
        let is_country = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
        if !self.destination_country.as_ref().is_none_or(is_country) {
            fault("destination_country", "must be two capital letters, like IN".into());
        }
        if self.inbound_auth_mode == InboundAuth::Ip && self.inbound_addresses.is_empty() {
            fault("inbound_addresses", "must name an address with inbound_auth_mode ip".into());
        }
        if self.inbound_addresses.len() > MAX_ADDRESSES {
            fault("inbound_addresses", format!("{MAX_ADDRESSES} at most"));
        }
        for (at, address) in
            self.inbound_addresses.iter().enumerate().filter(|(_, address)| !is_network(address))
        {
            let _ = address;
            fault(
                &format!("inbound_addresses.{at}"),
                "must be like 203.0.113.7 or 203.0.113.0/24, and no wider than /8 (IPv6: /32)".into(),
            );
        }
        if !(CPS.0..=CPS.1).contains(&self.outbound_cps) {
            fault("outbound_cps", format!("must be {} to {}", CPS.0, CPS.1));
        }
        for (path, value, (least, most)) in [
            ("outbound_burst", self.outbound_burst, BURST),
            ("outbound_channels", self.outbound_channels, CHANNELS),
        ] {
            if !(least..=most).contains(&value) {
                fault(path, format!("must be {least} to {most}"));
            }
        }
        faults.extend(self.login_faults());
        faults
    }

    fn login_faults(&self) -> Vec<FieldError> {
        let logins = [
            ("inbound", &self.inbound_username, &self.inbound_password),
            ("outbound", &self.outbound_username, &self.outbound_password),
        ];
        let mut faults = Vec::new();
        for (direction, username, password) in logins {
            let is_text = |text: &String| (1..=MAX_TEXT).contains(&text.chars().count());
            for (name, text) in [("username", username), ("password", password)] {
                if !text.as_ref().is_none_or(is_text) {
                    let message = format!("must be 1 to {MAX_TEXT} characters; leave it out to have none");
                    faults.push(FieldError::new(format!("{direction}_{name}"), message));
                }
            }
            if username.is_some() != password.is_some() {
                let (missing, given) =
                    if username.is_none() { ("username", "password") } else { ("password", "username") };
                faults.push(FieldError::new(
                    format!("{direction}_{missing}"),
                    format!("belongs to {direction}_{given}: give both"),
                ));
            }
        }
        faults
    }
}

/// Whether calls may be sent to the carrier's address, by the deployment's policy and the tenant's rules, as far as it can be told
/// without resolving a name: a SIP gateway would otherwise be made to look into the network that it stands in.
pub fn check_place(
    settings: &CarrierSettings,
    policy: &Policy,
    rules: &HostRules,
) -> Result<(), Vec<FieldError>> {
    let refused = match Url::parse(&format!("https://{}", settings.sip_address)) {
        Err(_) => Some("is no host".to_owned()),
        // First the deployment's: what it refuses is not told apart by a tenant's rules.
        Ok(url) => match policy.check_url(&url) {
            Err(refused) => Some(refused.to_string()),
            Ok(_) => rules.check(&url).err().map(|refused| refused.to_string()),
        },
    };
    refused.map_or(Ok(()), |message| Err(vec![FieldError::new("sip_address", message)]))
}

fn is_sip_address(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().is_ok_and(|port| port > 0)),
        None => (text, true),
    };
    let is_host = !host.starts_with(['.', '-'])
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    port && is_host && (1..=MAX_TEXT).contains(&host.len())
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    // A wider one is no network of a carrier's: half the world could bring calls.
    let sizes = if address.is_ipv4() { 8..=32 } else { 32..=128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| sizes.contains(&bits)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(change: Value) -> Vec<String> {
        let mut body = json!({"name": "C", "sip_address": "sip.carrier.example:5061"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let read = read(body.as_object().unwrap(), None);
        read.err().unwrap_or_default().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn limits_are_those_of_the_contract() {
        for good in [
            json!({}),
            json!({"outbound_cps": 0.1, "outbound_burst": 1, "outbound_channels": 1}),
            json!({"outbound_cps": 100, "outbound_burst": 1000, "outbound_channels": 500, "transport": "tls"}),
            json!({"inbound_auth_mode": "ip", "inbound_addresses": ["203.0.113.7", "2001:db8::/32"]}),
            json!({"sip_address": "10.0.0.1", "destination_country": "IN"}),
        ] {
            assert_eq!(checked(good.clone()), Vec::<String>::new(), "{good}");
        }
        for (bad, field) in [
            (json!({"outbound_cps": 0.09}), "outbound_cps"),
            (json!({"outbound_cps": 100.1}), "outbound_cps"),
            (json!({"outbound_burst": 0}), "outbound_burst"),
            (json!({"outbound_burst": 1001}), "outbound_burst"),
            (json!({"outbound_channels": 501}), "outbound_channels"),
            (json!({"transport": "quic"}), "transport"),
            (json!({"inbound_auth_mode": "ip"}), "inbound_addresses"),
            (json!({"inbound_addresses": ["203.0.113.0/33"]}), "inbound_addresses.0"),
            (json!({"inbound_addresses": ["0.0.0.0/0"]}), "inbound_addresses.0"),
            (json!({"inbound_addresses": ["203.0.113.7", "128.0.0.0/1"]}), "inbound_addresses.1"),
            (json!({"inbound_addresses": ["2000::/3"]}), "inbound_addresses.0"),
            (json!({"sip_address": "sip:x@y"}), "sip_address"),
            (json!({"sip_address": "h:0"}), "sip_address"),
            (json!({"name": " "}), "name"),
            (json!({"destination_country": "India"}), "destination_country"),
            (json!({"outbound_username": "u"}), "outbound_password"),
            (json!({"inbound_password": "p"}), "inbound_username"),
            (json!({"outbound_cpss": 1}), "outbound_cpss"),
        ] {
            assert_eq!(checked(bad.clone()), [field], "{bad}");
        }
    }

    #[test]
    fn a_password_stays_with_what_it_belongs_to() {
        let body = |value: Value| value.as_object().unwrap().clone();
        let login = json!({"name": "C", "sip_address": "a.example", "outbound_username": "u", "outbound_password": "p"});
        let old = read(&body(login), None).unwrap();
        let kept = json!({"name": "D", "sip_address": "a.example", "outbound_username": "u"});
        assert_eq!(read(&body(kept), Some(&old)).unwrap().outbound_password.as_deref(), Some("p"));
        let moved = json!({"name": "D", "sip_address": "b.example", "outbound_username": "u"});
        assert_eq!(read(&body(moved), Some(&old)).unwrap_err()[0].path, "outbound_password");
        let gone = json!({"name": "D", "sip_address": "a.example", "outbound_password": null});
        assert_eq!(read(&body(gone), Some(&old)).unwrap().outbound_password, None);
    }
}
