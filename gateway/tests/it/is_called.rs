//! Telephones call rooms.

use serde_json::json;
use vox_livekit::{Event, Kind, Leaving};
use vox_sip::Transport;

use crate::harness::{Deployment, Guest, Phone};

/// The attributes as they are measured on the vendor's gateway, sound both ways, and the end.
#[tokio::test]
async fn a_caller_sits_in_the_room_and_is_heard() {
    let deployment = Deployment::start().await;
    deployment.takes_calls_into("front").await;
    let mut guest = Guest::join(&deployment, "front").await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_plays", Transport::Udp);
    let caller = guest.sees_status("ringing").await;
    assert_eq!(
        (caller.identity.as_str(), caller.name.as_str(), caller.kind),
        ("sip_+15550100", "Phone +15550100", Kind::Sip)
    );
    assert_eq!(caller.metadata, "{\"k\":1}");
    for (name, value) in [
        ("sip.phoneNumber", "+15550100"),
        ("sip.trunkPhoneNumber", "bot"),
        ("sip.hostname", "127.0.0.1"),
        ("tenant", "t1"),
    ] {
        assert_eq!(caller.attributes[name], value, "{:?}", caller.attributes);
    }
    for (name, begin) in [
        ("sip.callID", "SCL_"),
        ("sip.trunkID", "ST_"),
        ("sip.ruleID", "SDR_"),
        ("sip.callIDFull", ""),
        ("sip.callTag", ""),
    ] {
        assert!(caller.attributes[name].starts_with(begin) && !caller.attributes[name].is_empty(), "{name}");
    }
    // Until somebody else's voice is there, it rings.
    guest.says(1000.0).await;
    guest.sees_status("active").await;
    guest.hears(440.0).await;
    let (_, reason) = guest.sees_leave("sip_+15550100").await;
    assert_eq!(reason, Leaving::ClientInitiated);
    assert_eq!(guest.statuses(), ["ringing", "active", "hangup"]);
    let track = |event: &Event| {
        if let Event::Subscribed { track, .. } = event { Some(track.name.clone()) } else { None }
    };
    assert_eq!(guest.happened.iter().find_map(track).as_deref(), Some("sip_+15550100"));
    phone.ended_content().await;
}

/// What is said in the room goes to the phone, which sends it back; removed from the room, it is hung up on.
#[tokio::test]
async fn a_caller_hears_the_room_and_is_removed() {
    let deployment = Deployment::start().await;
    deployment.takes_calls_into("front").await;
    let mut guest = Guest::join(&deployment, "front").await;
    guest.says(1000.0).await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_listens", Transport::Tcp);
    guest.hears(1000.0).await;
    guest.room.send_digit('5', Vec::new()).await.unwrap();
    let digit = guest.sees("the digit comes back", |e| {
        if let Event::Digit { digit, .. } = e { Some(*digit) } else { None }
    });
    assert_eq!(digit.await, '5');
    deployment
        .api
        .asks("RoomService/RemoveParticipant", json!({"room": "front", "identity": "sip_+15550100"}))
        .await
        .taken();
    let (last, reason) = guest.sees_leave("sip_+15550100").await;
    assert_eq!((reason, last.attributes["sip.callStatus"].as_str()), (Leaving::ParticipantRemoved, "active"));
    phone.ended_content().await;
}

/// Keys come in order, in the sound and as messages.
#[tokio::test]
async fn keys_reach_the_room() {
    let deployment = Deployment::start().await;
    deployment.takes_calls_into("front").await;
    let mut guest = Guest::join(&deployment, "front").await;
    guest.says(300.0).await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_presses", Transport::Udp);
    let mut keys = String::new();
    while keys.len() < 4 {
        keys.push(
            guest
                .sees("a digit", |e| if let Event::Digit { digit, .. } = e { Some(*digit) } else { None })
                .await,
        );
    }
    assert_eq!(keys, "12#5");
    phone.ended_content().await;
}

/// A caller that fits no trunk hears that it rings, and no more; one of a trunk with a password is asked for it.
#[tokio::test]
async fn who_may_not_call_is_not_let_in() {
    let deployment = Deployment::start().await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_gives_up", Transport::Udp);
    phone.ended_content().await;
    let trunk = json!({"trunk": {
        "name": "in", "numbers": ["bot"], "auth_username": "trunk", "auth_password": "open-sesame",
    }});
    deployment.takes_calls_by(trunk, json!({"dispatch_rule_direct": {"room_name": "front"}})).await;
    let mut guest = Guest::join(&deployment, "front").await;
    guest.says(300.0).await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_proves", Transport::Udp);
    guest.sees_leave("sip_+15550100").await;
    phone.ended_content().await;
}

/// A room that is opened with a number.
#[tokio::test]
async fn a_number_opens_a_room() {
    let deployment = Deployment::start().await;
    let trunk = json!({"trunk": {"name": "in", "numbers": ["bot"]}});
    deployment
        .takes_calls_by(trunk, json!({"dispatch_rule_direct": {"room_name": "safe", "pin": "12"}}))
        .await;
    let mut guest = Guest::join(&deployment, "safe").await;
    guest.says(300.0).await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_presses", Transport::Udp);
    guest.sees_status("active").await;
    assert_eq!(guest.statuses(), ["active"], "it joins when it has opened it");
    phone.ended_content().await;
}

/// Lines that go dead: no hang-up is told, and the phone is hung up on.
#[tokio::test]
async fn a_dead_line_is_left() {
    let deployment = Deployment::with(|settings| {
        settings.first_sound_within = std::time::Duration::from_secs(5);
    })
    .await;
    deployment.takes_calls_into("front").await;
    let mut guest = Guest::join(&deployment, "front").await;
    guest.says(300.0).await;
    let phone = Phone::calls(deployment.gateway.address(), "caller_is_silent", Transport::Udp);
    let (last, reason) = guest.sees_leave("sip_+15550100").await;
    // Without sound of the caller's, it is active a second after the answer.
    assert_eq!((reason, last.attributes["sip.callStatus"].as_str()), (Leaving::ClientInitiated, "active"));
    phone.ended_content().await;
}
