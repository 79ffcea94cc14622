//! Phones that are called into a room, and calls that are handed on.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ANSWER_WITHIN, Code, Needs, Refusal, Service, ServiceError, SipStatus};

/// What the server itself may take beside the ringing.
const BESIDE: Duration = Duration::from_secs(5);
/// How long a carrier may ring that is told nothing else.
pub const RINGING: Duration = Duration::from_secs(30);

/// A call that is to be placed.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    /// `ST_…` of an outbound trunk.
    pub trunk: String,
    /// Whom to call: a number, or the user part of an address.
    pub to: String,
    /// Which of the trunk's numbers calls; one of them at random when there is none.
    pub from: Option<String>,
    pub room: String,
    /// Who the phone is in the room.
    pub identity: String,
    pub name: String,
    pub metadata: String,
    pub attributes: BTreeMap<String, String>,
    /// Headers of SIP beside the usual ones.
    pub headers: BTreeMap<String, String>,
    /// Pressed right after the answer; `w` waits half a second.
    pub dtmf: Option<String>,
    pub ringing: Option<Duration>,
    /// The longest call.
    pub longest: Option<Duration>,
    /// Answer only when the phone did, or did not.
    pub wait_until_answered: bool,
    /// The name beside the number; empty lets the network look it up. None: the server shows the number as the name.
    pub display_name: Option<String>,
    /// Until when the request is good, in time since 1970. None: for the two minutes of every request.
    pub good_until: Option<Duration>,
}

/// A phone in a room.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Dialled {
    #[serde(default)]
    pub participant_id: String,
    #[serde(default)]
    pub participant_identity: String,
    #[serde(default)]
    pub room_name: String,
    /// `SCL_…`
    #[serde(default)]
    pub sip_call_id: String,
}

/// A call that is to be handed on by the carrier (SIP REFER).
#[derive(Clone, Debug, Default)]
pub struct Transfer {
    pub room: String,
    /// The phone in it.
    pub identity: String,
    /// `tel:+…` or `sip:…`
    pub to: String,
    pub headers: BTreeMap<String, String>,
    /// How long the other end may ring.
    pub ringing: Option<Duration>,
    /// Let the caller hear that it rings.
    pub play_dialtone: bool,
}

impl Service {
    /// Call a phone into a room. Without `wait_until_answered` the answer comes before anything rings. A call that was not taken is a
    /// refusal; [`ServiceError::sip_code`] says why.
    pub async fn dial(&self, dial: &Dial) -> Result<Dialled, ServiceError> {
        let mut body = json!({
            "sip_trunk_id": dial.trunk, "sip_call_to": dial.to, "room_name": dial.room,
            "participant_identity": dial.identity, "participant_name": dial.name,
            "participant_metadata": dial.metadata, "participant_attributes": dial.attributes,
            "headers": dial.headers, "wait_until_answered": dial.wait_until_answered,
        });
        let texts = [("sip_number", &dial.from), ("dtmf", &dial.dtmf), ("display_name", &dial.display_name)];
        for (name, text) in texts {
            if let Some(text) = text {
                body[name] = json!(text);
            }
        }
        for (name, time) in [("ringing_timeout", dial.ringing), ("max_call_duration", dial.longest)] {
            if let Some(time) = time {
                body[name] = json!(seconds(time));
            }
        }
        let within = match dial.wait_until_answered {
            true => dial.ringing.unwrap_or(RINGING) + BESIDE,
            false => ANSWER_WITHIN,
        };
        let needs = Needs::Calls(&dial.room);
        match dial.good_until {
            Some(until) => self.ask_until("SIP/CreateSIPParticipant", (needs, until), &body, within).await,
            None => self.ask("SIP/CreateSIPParticipant", needs, &body, within).await,
        }
    }

    /// Hand a call on. `Ok` when the other end took it. A time-out says nothing of the transfer, which may go on and succeed: look whether
    /// the phone is still in the room.
    pub async fn transfer(&self, transfer: &Transfer) -> Result<(), ServiceError> {
        let ringing = transfer.ringing.unwrap_or(RINGING);
        let body = json!({
            "room_name": transfer.room, "participant_identity": transfer.identity, "transfer_to": transfer.to,
            "headers": transfer.headers, "play_dialtone": transfer.play_dialtone,
            "ringing_timeout": seconds(ringing),
        });
        let needs = Needs::Calls(&transfer.room);
        let told: Value = self.ask("SIP/TransferSIPParticipant", needs, &body, ringing + BESIDE).await?;
        came_to(&told)
    }
}

/// A server before 1.13 answers `{}` when the transfer was taken, and refuses otherwise; a newer one may tell a failure with 200.
fn came_to(told: &Value) -> Result<(), ServiceError> {
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("status") != "STS_TRANSFER_FAILED" {
        return Ok(());
    }
    let code = told["sip_status"]["code"].as_u64().and_then(|code| code.try_into().ok());
    let phrase = told["sip_status"]["status"].as_str().unwrap_or_default().to_owned();
    let sip = code.map(|code| SipStatus { code, phrase });
    let said = format!("the transfer failed: {}", text("reason"));
    Err(ServiceError::Refused(Box::new(Refusal { status: 200, code: Code::FailedPrecondition, said, sip })))
}

/// A duration of protobuf's JSON.
fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        millis => format!("{}.{millis:03}s", time.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_protobuf_reads_them() {
        assert_eq!(seconds(Duration::from_secs(45)), "45s");
        assert_eq!(seconds(Duration::from_millis(1_050)), "1.050s");
    }

    #[test]
    fn a_transfer_is_done_unless_the_answer_says_otherwise() {
        for done in [
            json!({}),
            json!({"status": "STS_TRANSFER_SUCCESSFUL"}),
            json!({"status": "STS_TRANSFER_ONGOING"}),
        ] {
            assert!(came_to(&done).is_ok(), "{done}");
        }
        let failed =
            json!({"status": "STS_TRANSFER_FAILED", "reason": "STR_REJECTED", "sip_status": {"code": 486}});
        assert_eq!(came_to(&failed).unwrap_err().sip_code(), Some(486));
    }
}
