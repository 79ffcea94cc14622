//! What is delivered of a call is delivered with what proves it, by whoever delivers.

use super::super::live::{Fact, Watched, watch};
use super::*;
use vox_shared::wire::proof::Proof;

fn proof() -> Proof {
    Proof { call_token: Some("a.b-c".into()), claim: Some("claim-1".into()), bridge_url: None }
}

fn proven_result() -> JournalRecord {
    JournalRecord::Result(Box::new(CallResult { proof: proof(), ..result() }))
}

fn shown(asked: &Asked) -> (Option<&str>, Option<&str>, bool) {
    (asked.token.as_deref(), asked.claim.as_deref(), asked.has_secret)
}

#[tokio::test]
async fn a_result_is_delivered_with_its_calls_token_and_not_with_the_secret() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&proven_result())).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(shown(&asked[0]), (Some("a.b-c"), None, false));
    assert_eq!(asked[0].body, serde_json::to_vec(&result()).unwrap(), "the proof goes beside it");
}

#[tokio::test]
async fn where_the_token_is_not_taken_any_more_the_claim_is_shown_at_once() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[403, 200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&proven_result())).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    assert_eq!((asked.len(), desk.outbox.stats().depth), (2, 0));
    assert_eq!(shown(&asked[1]), (None, Some("claim-1"), true));
}

/// The worker is killed in mid-call: its neighbour has the journal and nothing else.
#[tokio::test]
async fn a_lost_call_is_told_of_with_what_its_journal_holds() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    let dead = dir.path().join("outbox/dead");
    for (has_token, expected) in
        [(true, (Some("a.b-c"), None, false)), (false, (None, Some("claim-1"), true))]
    {
        let (outbox, _) = Outbox::open(&dead, settings()).unwrap();
        let Ending { mut accepted, .. } = ending(Place::reserve(&desk.outbox).unwrap());
        accepted.proof = proof().claim_only();
        let mut journal = Place::reserve(&outbox).unwrap().journal(session());
        journal.begin(&JournalRecord::Accepted(Box::new(accepted.clone()))).await.unwrap();
        if has_token {
            accepted.proof = proof();
            journal.opened(&session(), &accepted).await.unwrap();
        }
        journal.write(&event(7)).await.unwrap();
        drop(journal);
        outbox.close().await;
        adopt(&desk, &dead, (&Semaphore::new(1), Otherwise::Close)).await;
        let asked = bridge.asked();
        let told: CallResult = serde_json::from_slice(&asked.last().unwrap().body).unwrap();
        assert_eq!((told.disconnected_by, told.events.len()), (DisconnectedBy::WorkerLost, 1));
        assert_eq!(shown(asked.last().unwrap()), expected);
        assert!(!dead.exists(), "it is delivered");
    }
}

/// Eight adopted outboxes of which nothing was taken kept all others waiting for ever.
#[tokio::test]
async fn an_adopted_outbox_of_which_nothing_is_taken_is_let_go() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[503, 503, 200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&proven_result())).await.unwrap();
    let left = Round::new(&desk, &desk.outbox).until_empty_or_stuck(Duration::ZERO).await;
    assert_eq!((left, desk.outbox.stats().depth), (Left::Stuck, 1));
    let left = Round::new(&desk, &desk.outbox).until_empty_or_stuck(Duration::from_mins(1)).await;
    assert_eq!((left, desk.outbox.stats().depth), (Left::Nothing, 0));
}

/// The bridge's secret was changed in the middle of a call: nobody could follow it any more.
#[tokio::test]
async fn what_is_told_of_a_running_call_shows_the_claim_once_the_token_is_not_taken() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[403, 200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    let (session_id, worker_id) = (session(), "w1".parse().unwrap());
    let call = Watched { session_id, worker_id, clock: Clock::system(), proof: proof(), told: 0 };
    let (teller, report) = watch(desk.bridge.clone(), desk.live.clone(), call);
    let reporting = tokio::spawn(report);
    teller.tell(Fact::Connected);
    let is_told = async {
        while desk.live.sent.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_told).await.expect("the claim is shown");
    teller.tell(Fact::Ringing { from: None, direction: None });
    drop(teller);
    reporting.await.unwrap();
    let asked = bridge.asked();
    let shows: Vec<_> = asked.iter().map(shown).collect();
    let claim = (None, Some("claim-1"), true);
    assert_eq!(shows, [(Some("a.b-c"), None, false), claim, claim], "the token once, and nothing is lost");
    assert_eq!((desk.live.sent.get(), desk.live.dropped.get()), (2, 0));
}
