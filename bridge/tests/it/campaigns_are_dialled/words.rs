//! The worker's word about an attempt stands in its call, and whoever ends the attempt reads it there: in whichever order and however late
//! they come, and whatever became of the call.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use vox_bridge::auth::role::Role;
use vox_bridge::campaign::outcome::{AttemptResult, Word};
use vox_bridge::store::contacts::ContactStatus;
use vox_shared::ids::{AttemptId, CampaignId};
use vox_shared::wire::dialler::attempt::{Ending, Joined, Lost, RecoveriesRequest};
use vox_shared::wire::dialler::lease::{Seen, TakeRequest};

use super::CALLEE;
use super::floor::{Floor, talked};
use crate::harness::races::{By, rounds};
use crate::harness::result;

const TWO: &str = "dialler-2";

async fn dialled(floor: &Floor) -> (CampaignId, AttemptId) {
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    (campaign, attempt)
}

async fn has_result(floor: &Floor, id: &AttemptId, wanted: AttemptResult) {
    let attempt = floor.attempt(id).await;
    assert_eq!((attempt.result, attempt.waits_until, attempt.open_since), (Some(wanted), None, None));
    assert_eq!(attempt.word.unwrap().talk_seconds, talked().talk_seconds);
    assert_eq!(floor.read(&attempt.contact_id).await.status, ContactStatus::Done);
    let known = floor.bridge.app.stores.called_numbers(&floor.bridge.tenant());
    let known = known.find_number(&attempt.number).await.unwrap().unwrap().value;
    assert_eq!((known.lock, known.rings[0].result), (None, Some(wanted)));
}

#[tokio::test]
async fn the_word_of_a_call_that_was_deleted_meanwhile_is_known_without_the_person() {
    let floor = Floor::start().await;
    let (_, attempt) = dialled(&floor).await;
    let session = floor.attempt(&attempt).await.session_id;
    let mut told = result(session.as_str(), "customer");
    told["bot_id"] = json!(floor.bot);
    told["connected_event"] = json!({"_campaign_call_id": attempt});
    told["call_duration_seconds"] = json!(talked().talk_seconds);
    told["latency"] = json!({"answer_to_first_audio_ms": 800.0});
    let at = floor.bridge.now() + SignedDuration::from_hours(30);
    told["callback"] = json!({"at": at, "number": CALLEE, "note": "at my sister's"});
    assert_eq!(floor.bridge.deliver(&told).await.status(), StatusCode::OK);
    assert!(floor.attempt(&attempt).await.word.is_none(), "nothing is written while it is open");
    let admin = floor.bridge.token(Role::Admin).await;
    let path = format!("/api/v1/calls/{session}");
    let deleted = floor.bridge.send(Method::DELETE, &path, &admin, Value::Null).await;
    assert_eq!(deleted.status(), StatusCode::OK);
    assert_eq!(floor.ended(&attempt, Ending::Answered).await.result.as_deref(), Some("callback"));
    let callback = floor.attempt(&attempt).await.word.unwrap().callback.unwrap();
    assert_eq!((callback.at, callback.number, callback.note), (at.to_string(), String::new(), String::new()));
}

/// The bridge was killed between the attempt's end and its look at the call; the dialler tells it again.
#[tokio::test]
async fn a_word_that_came_in_the_moment_of_the_end_is_found_when_the_end_is_told_again() {
    let floor = Floor::start().await;
    let (_, attempt) = dialled(&floor).await;
    assert_eq!(floor.ended(&attempt, Ending::Answered).await.result, None);
    floor.stands_in_call(&attempt, &talked()).await;
    assert_eq!(floor.ended(&attempt, Ending::Answered).await.result.as_deref(), Some("done"));
    has_result(&floor, &attempt, AttemptResult::Done).await;
}

#[tokio::test]
async fn an_attempt_whose_dialler_is_gone_is_what_its_worker_says() {
    let floor = Floor::start().await;
    let (campaign, attempt) = dialled(&floor).await;
    floor.hears(&attempt, &talked()).await;
    let seen = Some(Seen { epoch: 1, beat: 0 });
    let take = TakeRequest { worker: TWO.into(), campaign: campaign.clone(), partition: 0, seen };
    assert_eq!(floor.desk.take(&take).await.unwrap(), 2);
    let ask = RecoveriesRequest { worker: TWO.into(), campaign, partition: 0, epoch: 2 };
    assert_eq!(floor.desk.recoveries(&ask).await.unwrap().attempts.len(), 1);
    floor.desk.recover(&attempt, 2).await.unwrap();
    floor.desk.lost(&attempt, Lost { epoch: 2, joined: Joined::Unknown }).await.unwrap();
    has_result(&floor, &attempt, AttemptResult::Done).await;
}

/// Before, the attempt waited for three minutes for a word that stood in its call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_of_word_and_end_comes_first_the_attempt_has_its_result_at_once() {
    let floor = Arc::new(Floor::start().await);
    for round in 0..rounds(By::Steps, 40, 6) {
        let campaign = floor.campaign(json!({"numbers": {"per_hour": 1_000, "per_day": 5_000}})).await;
        let contact = floor.contact(&campaign, &[&format!("+9198765{round:05}")]).await;
        let attempt = floor.dial(&campaign, &contact).await;
        let start = Arc::new(Barrier::new(2));
        let (other, id, at) = (floor.clone(), attempt.clone(), start.clone());
        let hears = tokio::spawn(async move {
            at.wait().await;
            other.hears(&id, &Word { opt_out: round % 2 == 0, ..talked() }).await;
        });
        start.wait().await;
        floor.ended(&attempt, Ending::Answered).await;
        hears.await.unwrap();
        let wanted = if round % 2 == 0 { AttemptResult::OptOut } else { AttemptResult::Done };
        assert_eq!(floor.attempt(&attempt).await.result, Some(wanted), "round {round}");
        assert_eq!(floor.attempt(&attempt).await.waits_until, None);
    }
}
