//! Phones call the agent.

use vox_sip::{Ending, Event, Hold, Proved, Settings, Transport};

use crate::harness::{Phone, Side, WAYS, agent, agent_with, tone, trunk};

#[tokio::test]
async fn a_caller_is_heard_and_hangs_up() {
    for transport in WAYS {
        let (agent, mut calls) = agent().await;
        let phone = Phone::calls(agent.address(), "caller_plays", transport);
        let (mut side, invite) = Side::called(&mut calls).await;
        assert_eq!(invite.headers.get("X-Campaign"), Some("demo-7"));
        side.call.ring().await.unwrap();
        side.call.answer(Vec::new()).await.unwrap();
        side.sees_event(Event::Confirmed).await;
        side.hears(440.0, None).await;
        let counts = side.call.counts().await.unwrap();
        assert!(counts.played.received > 20 && counts.sent > 20, "{counts:?}");
        side.sees_event(Event::Ended(Ending::Remote { reason: None })).await;
        assert!(side.happened.contains(&Event::Heard));
        phone.ended_content().await;
    }
}

/// What we say comes back from the phone: both ways of the sound.
#[tokio::test]
async fn a_caller_hears_us_and_is_hung_up_on() {
    let (agent, mut calls) = agent().await;
    let phone = Phone::calls(agent.address(), "caller_listens", Transport::Udp);
    let (mut side, _) = Side::called(&mut calls).await;
    side.call.answer(vec![("X-Rule".to_owned(), "r1".to_owned())]).await.unwrap();
    side.hears(1000.0, Some(&mut tone(1000.0))).await;
    side.call.hang_up().await.unwrap();
    side.sees_event(Event::Ended(Ending::Local)).await;
    phone.ended_content().await;
}

#[tokio::test]
async fn keys_come_in_the_sound_and_as_messages() {
    let (agent, mut calls) = agent().await;
    let phone = Phone::calls(agent.address(), "caller_presses", Transport::Udp);
    let (mut side, _) = Side::called(&mut calls).await;
    side.call.answer(Vec::new()).await.unwrap();
    assert_eq!(side.keys(4).await, "12#5");
    phone.ended_content().await;
}

/// Keys that we press come back with the phone's echo: they were sent as they must be.
#[tokio::test]
async fn keys_that_are_pressed_are_sent() {
    let (agent, mut calls) = agent().await;
    let phone = Phone::calls(agent.address(), "caller_listens", Transport::Udp);
    let (mut side, _) = Side::called(&mut calls).await;
    side.call.answer(Vec::new()).await.unwrap();
    side.sees_event(Event::Heard).await;
    side.call.press("4*d").await.unwrap();
    assert_eq!(side.keys(3).await, "4*D");
    assert!(side.call.press("x").await.is_err());
    side.call.hang_up().await.unwrap();
    phone.ended_content().await;
}

#[tokio::test]
async fn a_caller_that_gives_up_is_told_of() {
    for transport in WAYS {
        let (agent, mut calls) = agent().await;
        let phone = Phone::calls(agent.address(), "caller_gives_up", transport);
        let (mut side, _) = Side::called(&mut calls).await;
        side.call.ring().await.unwrap();
        side.sees_event(Event::Ended(Ending::Cancelled)).await;
        phone.ended_content().await;
    }
}

#[tokio::test]
async fn a_caller_may_put_us_on_hold() {
    let (agent, mut calls) = agent_with(Settings { hold: Hold::Follow, ..Settings::default() }).await;
    let phone = Phone::calls(agent.address(), "caller_holds", Transport::Udp);
    let (mut side, _) = Side::called(&mut calls).await;
    side.call.answer(Vec::new()).await.unwrap();
    side.sees_event(Event::Held(true)).await;
    side.sees_event(Event::Held(false)).await;
    phone.ended_content().await;
}

#[tokio::test]
async fn a_caller_proves_a_password() {
    let (agent, mut calls) = agent().await;
    let phone = Phone::calls(agent.address(), "caller_proves", Transport::Udp);
    let (side, _) = Side::called(&mut calls).await;
    assert_eq!(side.call.proves(trunk()).await.unwrap(), Proved::NotTried);
    side.call.challenge().await.unwrap();
    let (mut side, _) = Side::called(&mut calls).await;
    assert_eq!(side.call.proves(trunk()).await.unwrap(), Proved::Yes);
    side.call.answer(Vec::new()).await.unwrap();
    side.sees_event(Event::Ended(Ending::Remote { reason: None })).await;
    phone.ended_content().await;
}

#[tokio::test]
async fn a_caller_without_a_common_codec_is_refused() {
    let (agent, mut calls) = agent().await;
    let phone = Phone::calls(agent.address(), "caller_is_refused", Transport::Udp);
    let (side, _) = Side::called(&mut calls).await;
    let error = side.call.answer(Vec::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "common audio codec not found");
    side.call.refuse(488, "Not Acceptable Here").await.unwrap();
    phone.ended_content().await;
}

/// A phone that says nothing, not even silence, is taken for dead.
#[tokio::test]
async fn a_silent_line_is_hung_up() {
    let settings =
        Settings { first_sound_within: std::time::Duration::from_millis(300), ..Settings::default() };
    let (agent, mut calls) = agent_with(settings).await;
    // It presses no keys before we hang up: until then it is silent.
    let phone = Phone::calls(agent.address(), "caller_is_silent", Transport::Udp);
    let (mut side, _) = Side::called(&mut calls).await;
    side.call.answer(Vec::new()).await.unwrap();
    side.sees_event(Event::Ended(Ending::MediaLost)).await;
    phone.ended_content().await;
}
