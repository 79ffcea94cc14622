//! Rooms call telephones: `CreateSIPParticipant` and what the server makes of what becomes of it.

use serde_json::json;
use vox_livekit::{Event, Leaving};
use vox_sip::Transport;

use crate::harness::{Deployment, Guest, Phone};

#[tokio::test]
async fn a_phone_answers_and_talks() {
    let deployment = Deployment::start().await;
    let mut guest = Guest::join(&deployment, "out").await;
    guest.says(1000.0).await;
    let phone = Phone::waits("callee_answers", Transport::Udp, None).await;
    let more = json!({"include_headers": "SIP_X_HEADERS", "dtmf": "1w2"});
    let answer = deployment.dials(&phone, "out", more).await.taken();
    assert!(answer["participant_id"].as_str().unwrap().starts_with("PA_"), "{answer}");
    let callee = guest.sees_status("active").await;
    assert_eq!(callee.attributes["sip.callID"], answer["sip_call_id"]);
    assert_eq!(callee.attributes["sip.h.x-note"], "from the phone");
    assert_eq!(callee.attributes["sip.callIDFull"].len(), 28);
    assert_eq!(
        (callee.attributes["campaign"].as_str(), callee.attributes["sip.phoneNumber"].as_str()),
        ("c7", "+15550100")
    );
    // Whoever is in the room hears of the phone when it is there, which rings by then or does not yet.
    let statuses = guest.statuses();
    let seen: Vec<_> =
        statuses.iter().map(String::as_str).skip_while(|status| *status == "dialing").collect();
    assert_eq!(seen, ["ringing", "automation", "active"]);
    // The ids are told before the status is: two updates.
    let told = guest.happened.iter().filter_map(|event| match event {
        Event::Changed { participant, attributes }
            if attributes.iter().any(|name| name == "sip.callIDFull") =>
        {
            Some(participant.attributes["sip.callStatus"].as_str())
        }
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["ringing"]);
    // The phone sends back what it hears.
    guest.hears(1000.0).await;
    deployment
        .api
        .asks("RoomService/RemoveParticipant", json!({"room": "out", "identity": "callee"}))
        .await
        .taken();
    phone.ended_content().await;
}

#[tokio::test]
async fn a_phone_that_hangs_up_leaves() {
    let deployment = Deployment::start().await;
    let mut guest = Guest::join(&deployment, "out").await;
    let phone = Phone::waits("callee_hangs_up", Transport::Tcp, None).await;
    deployment.dials(&phone, "out", json!({})).await.taken();
    let (last, reason) = guest.sees_leave("callee").await;
    assert_eq!((reason, last.attributes["sip.callStatus"].as_str()), (Leaving::ClientInitiated, "hangup"));
    phone.ended_content().await;
}

/// HTTP, code, text and status of each refusal, and with which reason the phone leaves: the table that was measured.
#[tokio::test]
async fn refusals_are_told_as_the_vendors_are() {
    let deployment = Deployment::start().await;
    let invite = "twirp error unknown: INVITE failed: sip status: ";
    let other = "twirp error unknown: unexpected status from INVITE response: sip status: ";
    for (status, http, code, before, reason) in [
        ("486 Busy Here", 429, "resource_exhausted", invite, Leaving::UserRejected),
        ("480 Temporarily Unavailable", 429, "resource_exhausted", invite, Leaving::UserUnavailable),
        ("404 Not Found", 404, "not_found", invite, Leaving::UserUnavailable),
        ("603 Decline", 403, "permission_denied", other, Leaving::UserRejected),
        ("503 Service Unavailable", 412, "failed_precondition", other, Leaving::ClientInitiated),
        ("302 Moved Temporarily", 404, "not_found", other, Leaving::ClientInitiated),
    ] {
        let room = format!("out-{}", &status[..3]);
        let mut guest = Guest::join(&deployment, &room).await;
        let phone = Phone::waits("callee_refuses", Transport::Udp, Some(("status", status))).await;
        let answer = deployment.dials(&phone, &room, json!({})).await;
        let (number, words) = status.split_once(' ').unwrap();
        assert_eq!(answer.refused(), (http, code, format!("{before}{number}: {words}").as_str(), number));
        let (last, left) = guest.sees_leave("callee").await;
        assert_eq!((left, last.attributes["sip.callStatus"].as_str()), (reason, "ringing"), "{status}");
        phone.ended_content().await;
    }
}

#[tokio::test]
async fn a_phone_that_nobody_takes_up_is_told_of() {
    let deployment = Deployment::start().await;
    let mut guest = Guest::join(&deployment, "out").await;
    let phone = Phone::waits("callee_rings", Transport::Udp, None).await;
    let answer = deployment.dials(&phone, "out", json!({"ringing_timeout": "6s"})).await;
    assert_eq!(answer.refused(), (408, "canceled", "twirp error unknown: sip request timed out", ""));
    let (last, left) = guest.sees_leave("callee").await;
    assert_eq!((left, last.attributes["sip.callStatus"].as_str()), (Leaving::UserUnavailable, "ringing"));
    phone.ended_content().await;
}

/// Without a password for a trunk that asks for one; with it; and without waiting.
#[tokio::test]
async fn a_trunk_may_ask_for_a_password() {
    let deployment = Deployment::start().await;
    let phone =
        Phone::waits("callee_refuses", Transport::Udp, Some(("status", "407 Proxy Authentication Required")))
            .await;
    let answer = deployment.dials(&phone, "out", json!({})).await;
    let text = "twirp error unknown: sip server required auth, but no username or password was provided";
    assert_eq!(answer.refused(), (412, "failed_precondition", text, ""));
    phone.ended_content().await;
    let phone = Phone::waits("callee_asks", Transport::Udp, None).await;
    let mut guest = Guest::join(&deployment, "in").await;
    let trunk = json!({"trunk": {
        "name": "out", "address": phone.address.to_string(), "numbers": ["+15550199"],
        "auth_username": "trunk", "auth_password": "open-sesame",
    }});
    let trunk = deployment.api.asks("SIP/CreateSIPOutboundTrunk", trunk).await.taken();
    let request = json!({
        "sip_trunk_id": trunk["sip_trunk_id"], "sip_call_to": "+15550100", "room_name": "in",
        "participant_identity": "callee", "wait_until_answered": false,
    });
    deployment.api.asks("SIP/CreateSIPParticipant", request).await.taken();
    guest.sees_status("active").await;
    deployment
        .api
        .asks("RoomService/RemoveParticipant", json!({"room": "in", "identity": "callee"}))
        .await
        .taken();
    phone.ended_content().await;
}
