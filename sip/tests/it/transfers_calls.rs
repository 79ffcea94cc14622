//! The agent asks a phone to call somebody else.

use vox_sip::message::Uri;
use vox_sip::{Event, Transfer, Transport};

use crate::harness::{Phone, Side, agent, dial_to};

async fn transferred(phone: Phone) -> Vec<Transfer> {
    let (agent, _calls) = agent().await;
    let mut side = Side::dialled(&agent, dial_to(&phone)).await;
    side.sees("the answer", |event| matches!(event, Event::Answered(_)).then_some(())).await;
    let carol: Uri = "sip:carol@192.0.2.3".parse().unwrap();
    side.call.refer(&carol, vec![("X-Why".to_owned(), "sales".to_owned())]).await.unwrap();
    let is_last = |event: &Event| match event {
        Event::Transfer(Transfer::Done | Transfer::Failed { .. }) => Some(()),
        _ => None,
    };
    side.sees("the transfer's end", is_last).await;
    side.call.hang_up().await.unwrap();
    phone.ended_content().await;
    let transfer = |event| if let Event::Transfer(transfer) = event { Some(transfer) } else { None };
    side.happened.into_iter().filter_map(transfer).collect()
}

#[tokio::test]
async fn a_transfer_is_told_from_its_beginning_to_its_end() {
    let progress = |code, reason: &str| Transfer::Progress { code, reason: reason.to_owned() };
    for (outcome, last) in [
        ("200 OK", Transfer::Done),
        ("486 Busy Here", Transfer::Failed { code: 486, reason: "Busy Here".to_owned() }),
    ] {
        let phone = Phone::waits("callee_transfers", Transport::Udp, Some(("outcome", outcome))).await;
        let told = transferred(phone).await;
        assert_eq!(told, [Transfer::Accepted, progress(100, "Trying"), progress(180, "Ringing"), last]);
    }
}

#[tokio::test]
async fn a_transfer_that_is_refused_leaves_the_call() {
    let phone = Phone::waits("callee_refuses_transfer", Transport::Udp, None).await;
    let told = transferred(phone).await;
    assert_eq!(told, [Transfer::Failed { code: 603, reason: "Decline".to_owned() }]);
}
