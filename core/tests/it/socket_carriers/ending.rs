//! How a call ends: by the bot, by a transfer, or before it began.

use std::time::Duration;

use serde_json::json;
use vox_caller::{EndedBy, Outcome, Protocol, Step, Talker};
use vox_testkit::carrier::Wish;
use vox_testkit::receiver::Manner;

use super::line::Set;
use crate::harness::{PATIENCE, assert_clean, eventually, texts};

const GOODBYE: &str = "We close now. Good bye.";
const DESK: &str = "+4930999999";

fn hears() -> Step {
    Step::AwaitReply { quiet: Duration::from_millis(500), within: PATIENCE }
}

/// The carrier ends the call where it is asked to; elsewhere the socket is closed, or the dialler told.
pub async fn by_the_bot(set: &Set) {
    const CALLER: &str = "4930000002";
    let call = set.dial(CALLER).await;
    let mut talker = Talker::new(&call);
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    set.takes(CALLER, json!({"order": "end", "goodbye": GOODBYE})).await;
    assert_eq!(talker.act(Step::AwaitHangup { within: PATIENCE }).await, Outcome::Done);
    let report = call.finish().await;
    assert_clean(&report);
    assert_eq!(report.end.by, EndedBy::Bot, "{}: {:?}", set.line.name(), report.end);
    let record = set.stage.record(CALLER).await;
    assert_eq!(record["disconnected_by"], "bot");
    assert_eq!(texts(&record, "bot").last().unwrap(), GOODBYE, "it is heard to its end");
    if set.line.carrier.is_some() {
        assert_eq!(set.asked().await.pop(), Some(Wish::HangUp), "{}", set.line.name());
    }
}

/// A carrier that refuses keeps its caller, who hears of it; the next time it hands over.
pub async fn by_a_transfer(set: &Set) {
    const CALLER: &str = "4930000003";
    let name = set.line.name();
    let order = json!({"order": "transfer", "to": DESK});
    let mut call = set.dial(CALLER).await;
    let mut events = call.take_events().unwrap();
    let mut talker = Talker::new(&call);
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    let method = match (&set.api, set.line.protocol) {
        (Some(api), _) => {
            let before = call.state().borrow().bot_onsets;
            api.behave(Manner::Refuse(500));
            set.takes(CALLER, order.clone()).await;
            let is_told =
                call.eventually(PATIENCE, |state| state.bot_onsets > before && !state.bot_speaks).await;
            assert!(is_told, "{name}: the caller is told that it failed");
            api.behave(Manner::Take);
            set.takes(CALLER, order).await;
            let wish = eventually("the carrier is asked", async || {
                let mut wishes = set.asked().await;
                wishes.retain(|wish| *wish != Wish::HangUp);
                (wishes.len() == 2).then(|| wishes.remove(1))
            })
            .await;
            let Wish::Transfer(to) = wish else { panic!("{name}: {wish:?}") };
            assert_eq!(to.trim_start_matches('+'), DESK.trim_start_matches('+'), "{name}");
            "carrier_api"
        }
        (None, Protocol::Ws) => {
            set.takes(CALLER, order).await;
            let to = loop {
                if let vox_caller::Event::Transfer { to } = events.recv().await.expect("the call goes on") {
                    break to;
                }
            };
            assert_eq!(to, DESK);
            "websocket_reverse_transfer"
        }
        (None, _) => {
            let (status, answer) = set.order(CALLER, order).await;
            assert_eq!(
                (status, answer["detail"].as_str()),
                (409, Some("this line cannot hand a caller over"))
            );
            call.finish().await;
            set.stage.record(CALLER).await;
            return;
        }
    };
    // The worker may have closed the line already: the carrier has said yes.
    let _over_already = call.take_over().await;
    let report = call.ended().await;
    assert_clean(&report);
    let record = set.stage.record(CALLER).await;
    assert_eq!(record["disconnected_by"], "transfer_to_agent", "{name}");
    assert_eq!(
        (&record["was_transferred"], &record["transfer_method"], &record["transfer_destination"]),
        (&json!(true), &json!(method), &json!(DESK)),
        "{name}"
    );
    let failed =
        record["events"].as_array().unwrap().iter().filter(|event| event["event"] == "transfer_failed");
    assert_eq!(failed.count(), usize::from(set.api.is_some()), "{name}: {}", record["events"]);
}

/// Whoever cannot prove to be the carrier is told so, and is no call.
pub async fn without_proof(set: &Set) {
    const CALLER: &str = "4930000004";
    let report = set.dial_unproved(CALLER).await.ended().await;
    assert_eq!((report.end.by, report.end.close_code), (EndedBy::Server, Some(1008)), "{:?}", report.end);
    let calls = set.stage.bridge.calls().await;
    assert!(calls.iter().all(|call| call["caller_id"] != CALLER), "{}", set.line.name());
}
