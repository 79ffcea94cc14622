//! A claim: one contact, one number that may be rung now, and all that the call needs. Nothing is dialled by it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{AttemptId, BotId, CampaignId, ContactId, ReservationId, SessionId, TenantId};
use crate::redact::Redacted;

/// `POST /api/v1/dialler/claims`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimRequest {
    pub worker: String,
    pub campaign: CampaignId,
    pub partition: u32,
    pub epoch: u32,
    pub contact: ContactId,
    /// Trunks of the tenant's that fail: the number that is shown is of another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
}

/// Most trunks that a claim may avoid.
pub const MAX_AVOIDED: usize = 64;

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    Claimed(Box<Claimed>),
    Refused(Refused),
}

/// A contact that is this dialler's to ring. It is committed, aborted or ended within the deadline; after that anybody may recover it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claimed {
    pub attempt: AttemptId,
    pub campaign: CampaignId,
    pub tenant_id: TenantId,
    pub contact: ContactId,
    /// The number of the try, from 1.
    pub att: u32,
    /// E.164.
    pub number: Redacted<String>,
    /// The number that is shown, E.164.
    pub from_number: String,
    /// LiveKit's outbound trunk, `ST_…`.
    pub trunk: String,
    /// The room of the call: the attempt's id.
    pub room: String,
    pub ring_secs: u32,
    /// Longest call, seconds.
    pub max_secs: u32,
    pub bot_id: BotId,
    /// The call's id, told to the worker in `_campaign_session_id`.
    pub session_id: SessionId,
    pub slot: Slot,
    /// The body's `connected_event` for the worker.
    pub connected_event: Map<String, Value>,
    /// The name that is shown; empty lets the network look it up.
    pub display_name: String,
    /// Headers of the INVITE.
    pub x_headers: Map<String, Value>,
    /// Until then it has to be committed.
    pub deadline_at: Timestamp,
}

/// A worker's slot that is kept for the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub reservation: ReservationId,
    /// Of the worker's HTTP surface, without a `/` at its end: `POST {address}/attach`.
    pub address: String,
}

/// Why nothing is to be dialled now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub reason: Reason,
    pub scope: Scope,
    /// When the contact may be tried again; it was put off until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// After so long the same claim may be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// For people; names no number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What a refusal is about: nothing of that scope needs to be asked for until the wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Contact,
    Campaign,
    Trunk,
    Tenant,
    /// No worker has a free slot.
    Slots,
    /// The lease is lost.
    Lease,
    /// The deployment: permits cannot be asked for.
    Deployment,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The partition is somebody else's.
    Fenced,
    /// Somebody was faster, or it is not its time.
    Taken,
    /// Nothing will make it ring: no number is left.
    Blocked,
    OutsideWindow,
    ZoneUnknown,
    DoNotCall,
    /// The number, or the contact, was rung as often as it may be.
    Cap,
    Expired,
    /// Another call to the number is under way.
    NumberBusy,
    NoConsent,
    /// Whoever has the number declined a call not long ago.
    Declined,
    /// No number of the pool may be shown now.
    NoCallerNumber,
    TrunkRate,
    TrunkFull,
    TenantRate,
    TenantFull,
    CampaignFull,
    /// No worker has a free slot.
    NoSlots,
    /// All trunks that it may be called over fail.
    BreakerOpen,
    /// The outcomes of the campaign's first calls are waited for.
    Canary,
    /// The campaign does not run.
    Paused,
    /// The tenant may not begin a call: suspended, quota, budget.
    TenantStopped,
    /// The coordination server is away, or does not know yet what runs.
    PermitsUnavailable,
    /// Of a newer bridge.
    #[serde(other)]
    Other,
}

impl Reason {
    /// The word on the wire, in figures and in the logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fenced => "fenced",
            Self::Taken => "taken",
            Self::Blocked => "blocked",
            Self::OutsideWindow => "outside_window",
            Self::ZoneUnknown => "zone_unknown",
            Self::DoNotCall => "do_not_call",
            Self::Cap => "cap",
            Self::Expired => "expired",
            Self::NumberBusy => "number_busy",
            Self::NoConsent => "no_consent",
            Self::Declined => "declined",
            Self::NoCallerNumber => "no_caller_number",
            Self::TrunkRate => "trunk_rate",
            Self::TrunkFull => "trunk_full",
            Self::TenantRate => "tenant_rate",
            Self::TenantFull => "tenant_full",
            Self::CampaignFull => "campaign_full",
            Self::NoSlots => "no_slots",
            Self::BreakerOpen => "breaker_open",
            Self::Canary => "canary",
            Self::Paused => "paused",
            Self::TenantStopped => "tenant_stopped",
            Self::PermitsUnavailable => "permits_unavailable",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_of_the_first_version_is_read_and_its_number_is_not_shown() {
        let claim: Claim = serde_json::from_str(include_str!("../dialler_claim_v1.golden.json")).unwrap();
        assert!(!format!("{claim:?}").contains("4915112345678"));
        let Claim::Claimed(claimed) = claim else { panic!("it is claimed") };
        assert_eq!((claimed.room.as_str(), claimed.att), ("con_1.2", 2));
        assert_eq!(claimed.number.expose(), "+4915112345678");
    }

    #[test]
    fn a_refusal_of_a_newer_bridge_is_a_refusal() {
        let claim: Claim = serde_json::from_str(
            r#"{"refused": {"reason": "full_moon", "scope": "campaign", "wait_ms": 50}}"#,
        )
        .unwrap();
        let Claim::Refused(refused) = claim else { panic!("it is refused") };
        assert_eq!(
            (refused.reason, refused.scope, refused.wait_ms),
            (Reason::Other, Scope::Campaign, Some(50))
        );
    }

    #[test]
    fn a_reason_has_one_word_everywhere() {
        for reason in
            [Reason::NumberBusy, Reason::NoCallerNumber, Reason::PermitsUnavailable, Reason::ZoneUnknown]
        {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
