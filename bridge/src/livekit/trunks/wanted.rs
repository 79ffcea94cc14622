//! What LiveKit is to have of a carrier.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use vox_livekit::service::{InboundTrunk, OutboundTrunk, SipLogin, SipTransport};
use vox_shared::ids::CarrierId;

use crate::auth::secret_token::hex;
use crate::carrier::{CarrierSettings, InboundAuth, Transport};
use crate::store::Stored;
use crate::store::carriers::Carrier;
use crate::store::dids::Did;

/// What the rooms of calls from outside begin with; the webhook acts on no others. LiveKit adds `_`, the caller and a word of chance.
pub const ROOM_PREFIX: &str = "call-";

/// Where a carrier is made known, and as whose.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Where LiveKit is; another one knows nothing of what was made at the first.
    pub server: &'a str,
    /// What the deployment's trunks are marked with.
    pub mark: &'a str,
}

/// See the module.
pub struct Wanted {
    /// None: no call could come over it that LiveKit would take.
    pub inbound: Option<InboundTrunk>,
    /// None: LiveKit takes none without a number.
    pub outbound: Option<OutboundTrunk>,
    /// Of all three.
    pub metadata: String,
    /// What is missing, for people.
    pub lacks: Option<String>,
    /// Hash of all of it without passwords; a new password comes with a new time of change.
    pub made_of: String,
}

impl Wanted {
    pub fn of(carrier: &Stored<Carrier>, dids: &[Stored<Did>], at: At<'_>) -> Self {
        let settings = &carrier.value.settings;
        let metadata = metadata(&carrier.id, at.mark);
        let mut given: Vec<String> = dids.iter().map(|did| did.value.number.to_string()).collect();
        given.sort();
        let mut called = given.clone();
        // A carrier may say the number either way.
        called.extend(dids.iter().map(|did| did.value.comparable.to_string()));
        called.sort();
        called.dedup();
        let inbound = InboundTrunk {
            name: settings.name.clone(),
            metadata: metadata.clone(),
            numbers: called,
            allowed_addresses: allowed(settings),
            login: login(
                (settings.inbound_auth_mode == InboundAuth::Credentials)
                    .then_some((&settings.inbound_username, &settings.inbound_password)),
            ),
        };
        let outbound = OutboundTrunk {
            name: settings.name.clone(),
            metadata: metadata.clone(),
            address: settings.sip_address.clone(),
            transport: transport(settings.transport),
            destination_country: settings.destination_country.clone().unwrap_or_default(),
            numbers: given.clone(),
            login: login(Some((&settings.outbound_username, &settings.outbound_password))),
        };
        let can_come =
            !inbound.numbers.is_empty() || !inbound.allowed_addresses.is_empty() || inbound.login.is_some();
        let can_go = !outbound.numbers.is_empty();
        Self {
            made_of: made_of(carrier, &given, at),
            inbound: can_come.then_some(inbound),
            outbound: can_go.then_some(outbound),
            metadata,
            lacks: lacks(can_come, can_go),
        }
    }
}

fn lacks(can_come: bool, can_go: bool) -> Option<String> {
    match (can_come, can_go) {
        (true, true) => None,
        (true, false) => Some("no call goes out: give the carrier a number".into()),
        (false, _) => Some("no call comes or goes: give the carrier a number".into()),
    }
}

fn made_of(carrier: &Stored<Carrier>, numbers: &[String], at: At<'_>) -> String {
    let settings =
        CarrierSettings { inbound_password: None, outbound_password: None, ..carrier.value.settings.clone() };
    let all = json!({
        "at": at.server, "mark": at.mark, "settings": settings, "changed": carrier.value.updated_at, "numbers": numbers,
    });
    hex(&Sha256::digest(all.to_string()))
}

fn allowed(settings: &CarrierSettings) -> Vec<String> {
    match settings.inbound_auth_mode {
        InboundAuth::Ip => settings.inbound_addresses.clone(),
        InboundAuth::Credentials => Vec::new(),
    }
}

fn login(given: Option<(&Option<String>, &Option<String>)>) -> Option<SipLogin> {
    let (Some(username), Some(password)) = given? else { return None };
    Some(SipLogin { username: username.clone(), password: SecretString::from(password.clone()) })
}

fn transport(transport: Transport) -> SipTransport {
    match transport {
        Transport::Auto => SipTransport::Auto,
        Transport::Tcp => SipTransport::Tcp,
        Transport::Udp => SipTransport::Udp,
        Transport::Tls => SipTransport::Tls,
    }
}

/// What says whose a trunk or a rule is.
pub fn metadata(carrier: &str, mark: &str) -> String {
    json!({"vox_carrier": carrier, "vox_deployment": mark}).to_string()
}

/// What metadata of ours say.
#[derive(Deserialize)]
pub struct Told {
    #[serde(rename = "vox_carrier")]
    pub carrier: String,
    /// Empty: made before there were marks.
    #[serde(rename = "vox_deployment", default)]
    pub deployment: String,
}

/// Whose a trunk or a rule is; `None`: nobody's whom we know.
pub fn owner(metadata: &str) -> Option<Told> {
    serde_json::from_str(metadata).ok()
}

/// Whether it is a carrier's.
pub fn is_of(metadata: &str, carrier: &CarrierId) -> bool {
    owner(metadata).is_some_and(|told| told.carrier == carrier.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::campaign::health::Health;
    use crate::store::Stamp;

    const AT: At<'static> = At { server: "wss://lk", mark: "ours" };

    fn carrier(body: Value) -> Stored<Carrier> {
        let now = Stamp("2026-11-20T10:00:00Z".parse().unwrap());
        let settings = crate::carrier::read(body.as_object().unwrap(), None).unwrap();
        let tenant_id = "default".parse().unwrap();
        let value = Carrier { tenant_id, created_at: now, updated_at: now, closing: false, settings };
        Stored { id: "car_1".into(), version: 1, value }
    }

    fn did(number: &str) -> Stored<Did> {
        let number: vox_shared::phone::Number = number.parse().unwrap();
        let value = Did {
            tenant_id: "default".parse().unwrap(),
            carrier_id: "car_1".parse().unwrap(),
            comparable: number.comparable(),
            number,
            bot_id: None,
            label: None,
            flow_url: None,
            blamed_at: Vec::new(),
            rests_until: None,
            health: Health::default(),
            created_at: Stamp("2026-11-20T10:00:00Z".parse().unwrap()),
        };
        Stored { id: "did_1".into(), version: 1, value }
    }

    #[test]
    fn each_direction_has_its_own_way_to_prove_itself() {
        let both = carrier(json!({
            "name": "C", "sip_address": "sip.example:5061", "transport": "tls", "destination_country": "IN",
            "inbound_username": "in", "inbound_password": "p1", "outbound_username": "out", "outbound_password": "p2",
        }));
        let wanted = Wanted::of(&both, &[did("080 4567 8901")], AT);
        let (inbound, outbound) = (wanted.inbound.unwrap(), wanted.outbound.unwrap());
        assert_eq!(inbound.numbers, ["+918045678901", "08045678901"]);
        assert_eq!(outbound.numbers, ["08045678901"]);
        assert_eq!(inbound.login.unwrap().username, "in");
        assert_eq!(outbound.login.unwrap().username, "out");
        assert_eq!((outbound.transport, outbound.destination_country.as_str()), (SipTransport::Tls, "IN"));
        assert!(wanted.lacks.is_none() && is_of(&inbound.metadata, &"car_1".parse().unwrap()));

        let by_address = carrier(json!({
            "name": "C", "sip_address": "a.example", "inbound_auth_mode": "ip", "inbound_addresses": ["203.0.113.7"],
            "inbound_username": "in", "inbound_password": "p1",
        }));
        let wanted = Wanted::of(&by_address, &[], AT);
        let inbound = wanted.inbound.unwrap();
        assert!(inbound.login.is_none() && inbound.allowed_addresses == ["203.0.113.7"]);
        assert!(wanted.outbound.is_none() && wanted.lacks.unwrap().contains("no call goes out"));
        let nothing = carrier(json!({"name": "C", "sip_address": "a.example"}));
        assert!(Wanted::of(&nothing, &[], AT).inbound.is_none(), "anybody could call in");
    }

    #[test]
    fn what_it_is_made_of_changes_with_all_that_matters_and_holds_no_password() {
        let body = json!({"name": "C", "sip_address": "a.example", "outbound_username": "u", "outbound_password": "p"});
        let one = carrier(body);
        let made_of =
            |carrier: &Stored<Carrier>, dids: &[Stored<Did>], at| Wanted::of(carrier, dids, at).made_of;
        let first = made_of(&one, &[did("112")], AT);
        assert_eq!(first, made_of(&one, &[did("112")], AT));
        assert_ne!(first, made_of(&one, &[did("113")], AT));
        assert_ne!(first, made_of(&one, &[did("112")], At { server: "wss://other", ..AT }));
        assert_ne!(first, made_of(&one, &[did("112")], At { mark: "another", ..AT }));
        let mut other = one.clone();
        other.value.settings.outbound_password = Some("q".into());
        assert_eq!(first, made_of(&other, &[did("112")], AT), "a hash of it could be guessed at");
        other.value.updated_at = Stamp("2026-11-20T10:00:01Z".parse().unwrap());
        assert_ne!(first, made_of(&other, &[did("112")], AT));
    }
}
