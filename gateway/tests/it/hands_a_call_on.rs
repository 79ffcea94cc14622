//! `TransferSIPParticipant`.

use serde_json::json;
use vox_livekit::Leaving;
use vox_sip::Transport;

use crate::harness::{Answer, Deployment, Guest, Phone};

/// A phone that is called, and what comes of handing it on.
async fn hand_on(deployment: &Deployment, room: &str, phone: &Phone) -> Answer {
    deployment.dials(phone, room, json!({})).await.taken();
    let request =
        json!({"room_name": room, "participant_identity": "callee", "transfer_to": "sip:carol@192.0.2.3"});
    deployment.api.asks("SIP/TransferSIPParticipant", request).await
}

#[tokio::test]
async fn a_call_is_handed_on_and_the_phone_leaves() {
    let deployment = Deployment::start().await;
    let mut guest = Guest::join(&deployment, "out").await;
    let phone = Phone::waits("callee_transfers", Transport::Udp, Some(("outcome", "200 OK"))).await;
    assert_eq!(hand_on(&deployment, "out", &phone).await.taken(), json!({}));
    let (last, reason) = guest.sees_leave("callee").await;
    assert_eq!((reason, last.attributes["sip.callStatus"].as_str()), (Leaving::ClientInitiated, "hangup"));
    phone.ended_content().await;
}

#[tokio::test]
async fn a_call_that_cannot_be_handed_on_goes_on() {
    let deployment = Deployment::start().await;
    let phone = Phone::waits("callee_transfers", Transport::Udp, Some(("outcome", "486 Busy Here"))).await;
    let refused = Phone::waits("callee_refuses_transfer", Transport::Udp, None).await;
    for (phone, room, wanted) in [
        (
            phone,
            "busy",
            (
                429,
                "resource_exhausted",
                "twirp error unknown: call transfer failed: sip status: 486: Busy Here",
                "486",
            ),
        ),
        (
            refused,
            "refused",
            (403, "permission_denied", "twirp error unknown: sip status: 603: Decline", "603"),
        ),
    ] {
        let answer = hand_on(&deployment, room, &phone).await;
        assert_eq!(answer.refused(), wanted);
        // It is still there, and is ended by us.
        deployment
            .api
            .asks("RoomService/RemoveParticipant", json!({"room": room, "identity": "callee"}))
            .await
            .taken();
        phone.ended_content().await;
    }
}
