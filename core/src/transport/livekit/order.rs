//! A call that somebody orders in a room: whom it is with, how it begins, and what the bot is told of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use vox_livekit::{Kind, Participant, Rate};
use vox_shared::dial::{BadDestination, Destination};
use vox_shared::ids::SessionId;
use vox_shared::phone::Number;
use vox_shared::wire::seat::RoomSeat;

use crate::transport::line::{CallInfo, IN_ROOMS, Traits};

/// What all attributes of a telephone begin with, and those that are headers of its call.
const SIP: &str = "sip.";
const HEADERS: &str = "sip.h.";
/// Headers that carriers and trunks make up: the others belong to SIP itself.
const OWN_HEADERS: &str = "x-";
/// Most attributes passed on, and the longest value, characters.
const MAX_ATTRIBUTES: usize = 64;
const MAX_VALUE: usize = 1024;
/// The event's field that the bridge takes the headers from which a bot wants.
const CANDIDATES: &str = "sip_candidate_headers";

/// A call in a room.
#[derive(Clone, Debug)]
pub struct Order {
    pub room: String,
    pub session_id: SessionId,
    pub whom: Whom,
    pub begins: Begins,
    /// Whether the room is this call's own, and is closed with it.
    pub room_is_ours: bool,
    pub info: CallInfo,
}

/// Whom in the room the bot talks to. Nobody else is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The first person with a browser or an app.
    Visitor,
    /// The first telephone.
    AnyPhone,
    /// The telephone with this identity.
    Phone(String),
    /// The person with this identity, whom the bot has talked to before.
    Guest(String),
    /// The telephone of this number, which somebody else has rung and named.
    Rung(Number),
}

/// What diallers and gateways put before the number in a telephone's identity.
const BEFORE_A_NUMBER: [&str; 2] = ["sip-", "sip_"];
/// What diallers call whom they ring, in a room of one call.
const CALLEE: &str = "callee";

/// Whether this is the telephone of a number that somebody has rung: they spell the number as they were given it, and not all by one rule.
pub fn is_rung(who: &Participant, number: &Number) -> bool {
    who.identity == format!("{}{number}", BEFORE_A_NUMBER[0])
        || who.kind == Kind::Sip && is_name_of(&who.identity, number)
}

/// Whether a telephone of this identity is that of the number.
pub fn is_name_of(identity: &str, number: &Number) -> bool {
    let spelled = BEFORE_A_NUMBER.iter().find_map(|before| identity.strip_prefix(before));
    let said = spelled.and_then(|text| text.parse::<Number>().ok());
    identity == CALLEE || said.is_some_and(|said| is_same(&said, number))
}

/// A country code may come with its `+` or without.
fn is_same(one: &Number, other: &Number) -> bool {
    let (one, other) = (one.comparable(), other.comparable());
    one.as_str().trim_start_matches('+') == other.as_str().trim_start_matches('+')
}

impl Whom {
    /// Whether it is somebody with a browser or an app.
    pub fn is_visitor(&self) -> bool {
        matches!(self, Self::Visitor | Self::Guest(_))
    }
}

/// How the call begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begins {
    /// When they are there and can hear.
    Present,
    /// They ring: the gateway answers when it receives our voice.
    Ringing,
    /// They are rung: this number, with this caller's number.
    Dialled { to: String, from: Option<String> },
    /// Somebody else has rung them, and they have answered.
    Answered,
    /// Somebody else will ring them, now that the bot is ready: they are waited for so long.
    Awaited { patience: Duration },
    /// They talked to another worker's bot, which is dead, and are there still.
    Again,
}

impl Order {
    /// What sets the line apart: only a telephone can be handed over, and hears keys.
    pub fn traits(&self) -> Traits {
        let is_phone = !self.whom.is_visitor();
        Traits {
            name: IN_ROOMS,
            echoes_marks: true,
            buffers: false,
            transfers: is_phone.then_some("livekit_sip_refer"),
            presses_keys: is_phone,
            // Messages are the client's, which has limits of its own.
            max_message_bytes: 0,
        }
    }

    /// The call's sound within the worker. A telephone's is a narrow band, whatever its room could carry, and who takes it for a wide one
    /// hears other words in it; for less work, too.
    pub fn rate(&self) -> Rate {
        if self.whom.is_visitor() { Rate::Hz16000 } else { Rate::Hz8000 }
    }

    /// Where the call sits when it is answered, by the caller's identity.
    pub fn seat(&self, caller: &str) -> RoomSeat {
        RoomSeat {
            room: self.room.clone(),
            caller: caller.to_owned(),
            is_phone: !self.whom.is_visitor(),
            room_is_ours: self.room_is_ours,
            did: self.info.did.clone(),
        }
    }

    /// Sit down there again.
    pub fn again(session_id: SessionId, seat: RoomSeat, info: CallInfo) -> Self {
        let RoomSeat { room, caller, is_phone, room_is_ours, .. } = seat;
        let whom = if is_phone { Whom::Phone(caller) } else { Whom::Guest(caller) };
        Self { room, session_id, whom, begins: Begins::Again, room_is_ours, info }
    }

    /// Whether what the telephone says of itself belongs to what the bot is told, and is waited for.
    pub fn wants_attributes(&self) -> bool {
        self.begins == Begins::Ringing
    }
}

/// The event of a call as lines of other kinds have it: who calls whom, and which way.
pub fn event(caller: &str, did: Option<&str>, direction: &str, room: &str) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("callerId".into(), caller.into());
    if let Some(did) = did {
        event.insert("did".into(), did.into());
    }
    event.insert("callDirection".into(), direction.into());
    event.insert("room_name".into(), room.into());
    event
}

/// Add what a telephone says of itself: its SIP attributes under `sip`, its own headers where the bridge looks for those that a bot
/// wants, and what its trunk or its dispatch rule was given under `attributes`.
pub fn add_attributes(event: &mut Map<String, Value>, phone: &Participant) {
    let (mut sip, mut headers, mut others) = (Map::new(), Map::new(), Map::new());
    for (name, value) in phone.attributes.iter().take(MAX_ATTRIBUTES) {
        let value: Value = value.chars().take(MAX_VALUE).collect::<String>().into();
        match (name.strip_prefix(HEADERS), name.strip_prefix(SIP)) {
            (Some(header), _) if header.to_ascii_lowercase().starts_with(OWN_HEADERS) => {
                headers.insert(header.to_owned(), value)
            }
            (Some(_), _) => None,
            (None, Some(name)) => sip.insert(name.to_owned(), value),
            (None, None) => others.insert(name.clone(), value),
        };
    }
    for (name, fields) in [("sip", sip), (CANDIDATES, headers), ("attributes", others)] {
        if !fields.is_empty() {
            event.insert(name.to_owned(), Value::Object(fields));
        }
    }
}

/// What the status of a telephone's call is: `dialing`, `ringing`, `automation`, `active`, `hangup`.
pub fn status(attributes: &BTreeMap<String, String>) -> &str {
    attributes.get("sip.callStatus").map_or("", String::as_str)
}

/// Where a caller is to be handed over, as SIP writes it; a number becomes a `tel:` address. An address has no parameters: they would
/// speak to the carrier's own machines.
pub fn address(to: &str) -> Result<String, BadDestination> {
    Ok(match to.parse()? {
        Destination::Number(number) => format!("tel:{number}"),
        Destination::Sip(address) => address,
    })
}

/// What the bot is told of a campaign's call that the dialler names by its own id.
pub fn of_campaign(event: &mut Map<String, Value>, campaign_call_id: Option<String>) {
    if let Some(id) = campaign_call_id {
        event.entry("_campaign_call_id").or_insert(json!(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(attributes: &[(&str, &str)]) -> Participant {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Participant {
            sid: "PA_1".into(),
            identity: "sip_+15550100".into(),
            name: String::new(),
            kind: Kind::Sip,
            metadata: String::new(),
            attributes,
            tracks: Vec::new(),
        }
    }

    #[test]
    fn a_telephone_is_told_of_in_three_parts_and_its_own_headers_alone() {
        let mut told = event("+15550100", Some("+15550199"), "incoming", "call-1");
        let attributes = [
            ("sip.callID", "SCL_1"),
            ("sip.callStatus", "ringing"),
            ("sip.h.x-campaign", "demo-7"),
            ("sip.h.authorization", "Digest secret"),
            ("tenant", "t1"),
        ];
        add_attributes(&mut told, &phone(&attributes));
        assert_eq!(
            Value::Object(told),
            json!({
                "callerId": "+15550100", "did": "+15550199", "callDirection": "incoming", "room_name": "call-1",
                "sip": {"callID": "SCL_1", "callStatus": "ringing"},
                "sip_candidate_headers": {"x-campaign": "demo-7"},
                "attributes": {"tenant": "t1"},
            })
        );
    }

    #[test]
    fn a_telephone_that_was_rung_is_known_however_its_number_is_spelled() {
        let number: Number = "+919876543210".parse().unwrap();
        let is = |identity: &str, kind| {
            is_rung(&Participant { identity: identity.into(), kind, ..phone(&[]) }, &number)
        };
        for identity in [
            "sip-+919876543210",
            "sip-919876543210",
            "sip_+919876543210",
            "sip-9876543210",
            "sip-09876543210",
            "callee",
        ] {
            assert!(is(identity, Kind::Sip), "{identity}");
        }
        for identity in ["sip-+919876543211", "sip-", "sip-x", "+919876543210", "agent", "callee2"] {
            assert!(!is(identity, Kind::Sip), "{identity}");
        }
        // By its full name it is known whatever it is; by any other only as a telephone.
        assert!(is("sip-+919876543210", Kind::Standard) && !is("callee", Kind::Standard));
        let abroad: Number = "14155550100".parse().unwrap();
        let told = Participant { identity: "sip-+14155550100".into(), ..phone(&[]) };
        assert!(is_rung(&told, &abroad));
    }

    #[test]
    fn numbers_and_addresses_can_be_handed_to_and_nothing_else() {
        for (to, expected) in [
            ("+91 98765-43210", Some("tel:+919876543210")),
            ("919876543210", Some("tel:+919876543210")),
            ("sip:desk@pbx.example", Some("sip:desk@pbx.example")),
            ("tel:+15550111", Some("tel:+15550111")),
            ("sip:", None),
            ("sip:a b@c", None),
            ("sales", None),
            ("sip:x@pbx.example;method=INVITE", None),
            ("sip:x@pbx.example?Replaces=1", None),
            ("sip:x@pbx.example>", None),
            ("sip:<x@pbx.example>", None),
            ("sip:pbx.example", None),
            ("tel:anything", None),
            ("tel:+15550111;phone-context=x", None),
        ] {
            assert_eq!(address(to).ok().as_deref(), expected, "{to}");
        }
    }
}
