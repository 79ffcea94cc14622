//! Calls that phones bring: LiveKit tells that somebody joined a room, and a worker is found for the call (contracts, section 8).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use vox_livekit::webhook::{OfPerson, Told};
use vox_shared::clock::Clock;
use vox_shared::ids::{CarrierId, SessionId, TenantId};
use vox_shared::phone::Number;

use super::trunks::ROOM_PREFIX;
use crate::auth::secret_token;
use crate::fleet::client::FleetClient;
use crate::fleet::hand_over::{After, HandOverError, Parcel};
use crate::fleet::reserve::{Fleet, ReserveError};
use crate::store::dispatches::Dispatch;
use crate::store::{Stamp, StoreError, Stored, Stores};

const PATH: &str = "/livekit/dispatch";
/// How long a worker is waited for.
pub const DISPATCH_PATIENCE: Duration = Duration::from_secs(10);
/// Workers that are tried while they cannot be reached: one that died is known for some seconds more.
const TRIES: usize = 3;
/// How long the slot is kept: that, and a worker's report that the call runs.
const SLOT_KEPT: SignedDuration = SignedDuration::from_secs(40);
/// A bridge that has begun and noted no end was killed: somebody else may begin. Longer than a worker is waited for, and shorter than
/// LiveKit goes on telling what was refused.
const BROKEN_OFF: SignedDuration = SignedDuration::from_secs(12);
/// How long an event is remembered: LiveKit gives up telling it long before.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// What a phone's identity begins with when the rule gave it none.
const IDENTITY: &str = "sip_";
/// Longest number, identity or name of a room that is passed on, characters.
const MAX_TEXT: usize = 256;

/// Hands calls to workers. Cheap to clone.
#[derive(Clone)]
pub struct Inbound {
    pub stores: Stores,
    pub clock: Clock,
    pub fleet: Fleet,
    pub client: FleetClient,
    /// How workers reach this bridge, without a '/' at the end; `None`: they have this one, or no other, for their own.
    pub config_url: Option<String>,
    /// How long a worker is waited for.
    pub patience: Duration,
}

/// What came of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is none that anything is done for.
    Ignored,
    /// It was told before.
    Repeated,
    /// A worker has the call.
    Dispatched(SessionId),
    /// A worker did not take the call, and has sent the phone away.
    Refused { status: u16, word: String },
}

impl Outcome {
    /// A word, for programs and figures.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Repeated => "repeated",
            Self::Dispatched(_) => "dispatched",
            Self::Refused { .. } => "refused",
        }
    }
}

/// Why nothing came of it: LiveKit tells the event again.
#[derive(Debug, thiserror::Error)]
pub enum InboundError {
    #[error(transparent)]
    NoSlot(ReserveError),
    #[error("no worker took the call: {0}")]
    NotHandedOver(HandOverError),
    /// Somebody is handing it over, or was killed meanwhile: LiveKit would forget what is answered with 200.
    #[error("the call is being handed over, and it is not known yet how that ends")]
    InHand,
    #[error("handing the call over was broken off")]
    BrokenOff,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is known of an event that is told.
enum Begun {
    Mine(Stored<Dispatch>),
    /// There is nothing to do any more.
    Settled,
    /// By whichever bridge.
    InHand,
}

/// A phone that waits in a room.
struct Waiting<'a> {
    room: &'a str,
    phone: &'a OfPerson,
}

impl Inbound {
    /// An event that LiveKit told, and not somebody else.
    pub async fn told(&self, told: &Told) -> Result<Outcome, InboundError> {
        let Some(waiting) = waiting(told) else { return Ok(Outcome::Ignored) };
        let now = self.clock.now();
        let mut begun = match self.begin(&key(told), now).await? {
            Begun::Mine(begun) => begun,
            Begun::Settled => return Ok(Outcome::Repeated),
            Begun::InHand => return Err(InboundError::InHand),
        };
        let handed = self.hand_over(&waiting, &begun.value.session_id).await;
        // The next telling may begin at once, unless there is nothing to do any more.
        begun.value.is_settled = handed.is_ok();
        begun.value.begun_at = Stamp(Timestamp::UNIX_EPOCH);
        if let Err(error) = self.stores.dispatches().replace(begun).await {
            tracing::warn!(%error, "what became of a call from LiveKit could not be noted");
        }
        handed
    }

    /// Take an event in hand, unless that was done before.
    async fn begin(&self, key: &str, now: Timestamp) -> Result<Begun, StoreError> {
        let dispatches = self.stores.dispatches();
        let new = Dispatch {
            session_id: SessionId::generate(),
            begun_at: Stamp(now),
            is_settled: false,
            expires_at: Stamp(now.saturating_add(REMEMBERED).unwrap_or(Timestamp::MAX)),
        };
        match dispatches.insert(key, &new).await {
            Err(StoreError::Duplicate) => {}
            inserted => return inserted.map(Begun::Mine),
        }
        // Forgotten in this moment: the next telling begins.
        let Some(mut known) = dispatches.find(key).await? else { return Ok(Begun::InHand) };
        if known.value.is_settled {
            return Ok(Begun::Settled);
        }
        if now.duration_since(known.value.begun_at.0) < BROKEN_OFF {
            return Ok(Begun::InHand);
        }
        // Under the same name as before: should a worker have it after all, the config of a second one is refused.
        known.value.begun_at = Stamp(now);
        match dispatches.replace(known).await {
            // Somebody else just began.
            Err(StoreError::Conflict) => Ok(Begun::InHand),
            replaced => replaced.map(Begun::Mine),
        }
    }

    async fn hand_over(&self, waiting: &Waiting<'_>, call: &SessionId) -> Result<Outcome, InboundError> {
        let mut body = json!({
            "room_name": short(waiting.room),
            "caller_number": short(caller(waiting.phone)),
            "dialed_number": short(&self.dialled(waiting.phone).await?),
            "call_id": call,
        });
        if let Some(url) = &self.config_url {
            body["config_url"] = json!(url);
        }
        let parcel = Parcel {
            path: PATH,
            purpose: "dispatch",
            body: &body,
            within: self.patience,
            kept: SLOT_KEPT,
            tries: TRIES,
            // A worker that refuses has sent the phone away, so there is nobody for another.
            after: After::Silence,
        };
        match self.fleet.hand_over(&self.client, &parcel).await {
            Ok(call) => Ok(Outcome::Dispatched(call)),
            // Sent away, as the contract has it: no bot for the number, or no room for the call.
            Err(HandOverError::Refused { status: status @ (404 | 429), word }) => {
                tracing::warn!(status, word, "a worker sent a phone away");
                Ok(Outcome::Refused { status, word })
            }
            Err(HandOverError::NoSlot(error)) => Err(InboundError::NoSlot(error)),
            Err(error) => Err(InboundError::NotHandedOver(error)),
        }
    }

    /// The number that was called: as the line says it, else the first one of the carrier whose trunk it came over.
    async fn dialled(&self, phone: &OfPerson) -> Result<String, StoreError> {
        // One of the operator's own is unknown here, and brings calls for whomever it likes.
        let trunk = match attribute(phone, "sip.trunkID") {
            Some(id) => self.stores.all_trunks().find_by_inbound(id).await?,
            None => None,
        };
        let said = ["sip.calledNumber", "sip.trunkPhoneNumber"];
        if let Some(number) = said.iter().find_map(|name| attribute(phone, name)) {
            if let Some(trunk) = &trunk
                && self.is_anothers(number, &trunk.value.tenant_id).await?
            {
                tracing::warn!(tenant.id = %trunk.value.tenant_id, "a call for another tenant's number is sent away");
                return Ok(String::new());
            }
            return Ok(number.to_owned());
        }
        let Some(trunk) = trunk else { return Ok(String::new()) };
        let Ok(carrier) = trunk.id.parse::<CarrierId>() else { return Ok(String::new()) };
        let first = self.stores.dids(&trunk.value.tenant_id).find_first_of(&carrier).await?;
        Ok(first.map(|did| did.value.number.to_string()).unwrap_or_default())
    }

    /// Whether the number is another tenant's than the one whose trunk the call came over: what was called is what the caller says.
    async fn is_anothers(&self, number: &str, tenant: &TenantId) -> Result<bool, StoreError> {
        let Ok(number) = number.parse::<Number>() else { return Ok(false) };
        let did = self.stores.all_dids().find_number(&number).await?;
        Ok(did.is_some_and(|did| did.value.tenant_id != *tenant))
    }
}

/// A phone that a dispatch rule brought into a room of its own. One that was called into such a room, as an agent is in a transfer, has
/// no rule: its call has its bot already.
fn waiting(told: &Told) -> Option<Waiting<'_>> {
    let room = told.room.as_ref()?.name.as_str();
    let phone = told.participant.as_ref()?;
    let is_one = told.event == "participant_joined"
        && phone.kind == "SIP"
        && room.starts_with(ROOM_PREFIX)
        && attribute(phone, "sip.ruleID").is_some();
    is_one.then_some(Waiting { room, phone })
}

fn attribute<'a>(phone: &'a OfPerson, name: &str) -> Option<&'a str> {
    phone.attributes.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn caller(phone: &OfPerson) -> &str {
    let from_identity = || phone.identity.strip_prefix(IDENTITY).unwrap_or(&phone.identity);
    attribute(phone, "sip.phoneNumber").unwrap_or_else(from_identity)
}

/// The event, however it is called.
fn key(told: &Told) -> String {
    let of_room = told.room.as_ref().map(|room| room.sid.as_str()).unwrap_or_default();
    let identity = told.participant.as_ref().map(|phone| phone.identity.as_str()).unwrap_or_default();
    let name = if told.id.is_empty() { format!("{of_room} {identity}") } else { told.id.clone() };
    secret_token::hash(&name)
}

fn short(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(change: Value) -> Told {
        let mut body = json!({
            "event": "participant_joined", "id": "EV_1", "room": {"sid": "RM_1", "name": "call-_+15550100_x"},
            "participant": {
                "identity": "sip_+15550100", "kind": "SIP", "attributes": {"sip.ruleID": "SDR_1"}
            },
        });
        for (path, value) in change.as_object().unwrap() {
            *body.pointer_mut(path).unwrap() = value.clone();
        }
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn only_a_phone_that_called_in_waits_for_a_bot() {
        assert!(waiting(&told(json!({}))).is_some());
        for other in [
            json!({"/event": "participant_left"}),
            json!({"/room/name": "dialout-0f"}),
            json!({"/room/name": "call_+15550100_x"}),
            json!({"/participant/kind": ""}),
            json!({"/participant/kind": "AGENT"}),
            // Called into the room, for a transfer.
            json!({"/participant/attributes": {"sip.callStatus": "dialing", "sip.trunkPhoneNumber": "+1555"}}),
        ] {
            assert!(waiting(&told(other.clone())).is_none(), "{other}");
        }
    }

    #[test]
    fn the_caller_is_whom_the_line_names() {
        let caller = |change| caller(told(change).participant.as_ref().unwrap()).to_owned();
        assert_eq!(caller(json!({})), "+15550100");
        assert_eq!(caller(json!({"/participant/identity": "desk"})), "desk");
        let named = json!({"/participant/attributes": {"sip.phoneNumber": " +15550122 "}});
        assert_eq!(caller(named), "+15550122");
    }

    #[test]
    fn an_event_without_an_id_is_known_by_room_and_phone() {
        let one = told(json!({"/id": ""}));
        assert_eq!(key(&one), key(&told(json!({"/id": ""}))));
        assert_ne!(key(&one), key(&told(json!({"/id": "", "/room/sid": "RM_2"}))));
    }
}
