//! The agent calls phones.

use std::time::Duration;

use vox_sip::{Dial, Ending, Event, Failure, Status, Transport};

use crate::harness::{Phone, Side, Softphone, WAYS, agent, dial_at, dial_to, tone, trunk};

fn progress(event: &Event) -> Option<u16> {
    if let Event::Progress(status) = event { Some(status.code) } else { None }
}

fn answered(event: &Event) -> Option<Status> {
    if let Event::Answered(status) = event { Some(status.clone()) } else { None }
}

fn failed(event: &Event) -> Option<Failure> {
    if let Event::Failed(failure) = event { Some(failure.clone()) } else { None }
}

#[tokio::test]
async fn a_phone_rings_answers_and_hears_us() {
    for transport in WAYS {
        let (agent, _calls) = agent().await;
        let phone = Phone::waits("callee_answers", transport, None).await;
        let dial = Dial { tag: Some("SCL_ours".to_owned()), ..dial_to(&phone) };
        let mut side = Side::dialled(&agent, dial).await;
        assert_eq!(side.call.tag(), "SCL_ours");
        assert_eq!(side.sees("ringing", progress).await, 180);
        let status = side.sees("the answer", answered).await;
        assert_eq!(status.headers.get("X-Note"), Some("from the phone"));
        side.hears(1000.0, Some(&mut tone(1000.0))).await;
        side.call.hang_up().await.unwrap();
        side.sees_event(Event::Ended(Ending::Local)).await;
        phone.ended_content().await;
    }
}

#[tokio::test]
async fn a_phone_hangs_up_with_its_reason() {
    let (agent, _calls) = agent().await;
    let phone = Phone::waits("callee_hangs_up", Transport::Udp, None).await;
    let mut side = Side::dialled(&agent, dial_to(&phone)).await;
    let reason = Some("Q.850;cause=16".to_owned());
    side.sees_event(Event::Ended(Ending::Remote { reason })).await;
    phone.ended_content().await;
}

#[tokio::test]
async fn a_refusal_is_told_with_its_number_and_words() {
    for (status, code, reason) in [
        ("486 Busy Here", 486, "Busy Here"),
        ("603 Decline", 603, "Decline"),
        ("503 Overload", 503, "Overload"),
    ] {
        let (agent, _calls) = agent().await;
        let phone = Phone::waits("callee_refuses", Transport::Udp, Some(("status", status))).await;
        let mut side = Side::dialled(&agent, dial_to(&phone)).await;
        let Failure::Refused(status) = side.sees("the refusal", failed).await else { panic!() };
        assert_eq!((status.code, status.reason.as_str()), (code, reason));
        phone.ended_content().await;
    }
}

#[tokio::test]
async fn a_phone_that_nobody_takes_up_is_cancelled() {
    for transport in WAYS {
        let (agent, _calls) = agent().await;
        let phone = Phone::waits("callee_rings", transport, None).await;
        let dial = Dial { ring_for: Duration::from_millis(1500), ..dial_to(&phone) };
        let mut side = Side::dialled(&agent, dial).await;
        assert_eq!(side.sees("the end", failed).await, Failure::NoAnswer);
        phone.ended_content().await;
    }
}

#[tokio::test]
async fn a_call_is_given_up_by_us() {
    let (agent, _calls) = agent().await;
    let phone = Phone::waits("callee_rings", Transport::Udp, None).await;
    let mut side = Side::dialled(&agent, dial_to(&phone)).await;
    side.sees("ringing", progress).await;
    side.call.hang_up().await.unwrap();
    assert_eq!(side.sees("the end", failed).await, Failure::Cancelled);
    phone.ended_content().await;
}

#[tokio::test]
async fn a_password_is_given_when_it_is_asked_for() {
    let (agent, _calls) = agent().await;
    let phone = Phone::waits("callee_asks", Transport::Udp, None).await;
    let dial = Dial { credentials: Some(trunk()), ..dial_to(&phone) };
    let mut side = Side::dialled(&agent, dial).await;
    side.sees("the answer", answered).await;
    side.call.hang_up().await.unwrap();
    phone.ended_content().await;
}

/// Where nobody listens, TCP says so at once.
#[tokio::test]
async fn nobody_there_is_told() {
    let (agent, _calls) = agent().await;
    let phone = Phone::waits("callee_rings", Transport::Udp, None).await;
    let dial = Dial { transport: Transport::Tcp, ..dial_to(&phone) };
    let mut side = Side::dialled(&agent, dial).await;
    assert_eq!(side.sees("the end", failed).await, Failure::Unreachable);
}

/// Another telephone, with A-law alone.
#[tokio::test]
async fn a_softphone_is_heard() {
    let (agent, _calls) = agent().await;
    let phone = Softphone::start();
    let mut side = Side::dialled(&agent, dial_at("phone", phone.address)).await;
    side.sees("the answer", answered).await;
    side.hears(440.0, None).await;
    side.call.hang_up().await.unwrap();
    side.sees_event(Event::Ended(Ending::Local)).await;
}
