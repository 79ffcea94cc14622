//! What the server tells by webhooks of telephones.

use serde_json::json;
use vox_gateway::Reasons;
use vox_sip::Transport;

use crate::harness::{Deployment, Guest, Phone};

#[tokio::test]
async fn a_call_is_told_from_its_beginning_to_its_end() {
    let deployment = Deployment::start().await;
    let trunk = json!({"trunk": {"name": "in", "numbers": ["bot"]}});
    deployment.takes_calls_by(trunk, json!({"dispatch_rule_individual": {"room_prefix": "call"}})).await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_plays", Transport::Udp);
    let joined = deployment.webhooks.tells("participant_joined", "sip_+15550100").await;
    assert_eq!(
        (&joined["participant"]["kind"], &joined["participant"]["attributes"]["sip.callStatus"]),
        (&json!("SIP"), &json!("ringing"))
    );
    let room = joined["room"]["name"].as_str().unwrap();
    assert!(room.starts_with("call_+15550100_"), "{room}");
    // A worker comes into the room because of it.
    let mut guest = Guest::join(&deployment, room).await;
    guest.says(300.0).await;
    let left = deployment.webhooks.tells("participant_left", "sip_+15550100").await;
    assert_eq!(
        (&left["participant"]["disconnectReason"], &left["participant"]["attributes"]["sip.callStatus"]),
        (&json!("CLIENT_INITIATED"), &json!("hangup"))
    );
    phone.ended_content().await;
}

/// Gateways before June 2026 tell fewer reasons apart.
#[tokio::test]
async fn older_gateways_tell_less() {
    let deployment = Deployment::with(|settings| settings.reasons = Reasons::Old).await;
    for (status, reason) in [("603 Decline", "CLIENT_INITIATED"), ("486 Busy Here", "USER_REJECTED")] {
        let phone = Phone::waits("callee_refuses", Transport::Udp, Some(("status", status))).await;
        let identity = format!("callee-{}", &status[..3]);
        deployment.dials(&phone, "out", json!({"participant_identity": identity})).await.refused();
        let left = deployment.webhooks.tells("participant_left", &identity).await;
        assert_eq!(left["participant"]["disconnectReason"], reason);
        assert_eq!(left["participant"]["attributes"]["sip.callStatus"], "ringing");
        phone.ended_content().await;
    }
}
