//! What diallers ask of the bridge: whatever they do, and in whichever order, a number is rung once at a time and never more often than it may
//! be, and each attempt has one result.

mod calendar;
mod cards;
mod chance;
mod ends;
mod first_calls;
mod floor;
mod health;
mod owners;
mod priorities;
mod proofs;
mod races;
#[cfg(feature = "redis")]
mod redis;
mod refusals;
mod rules;
mod words;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::campaign::calls::CallError;
use vox_bridge::campaign::outcome::{AttemptResult, Word};
use vox_bridge::store::campaigns::CampaignState;
use vox_bridge::store::contacts::ContactStatus;
use vox_bridge::store::do_not_call::Entry;
use vox_shared::wire::dialler::attempt::{Abort, Ending, Live, Why};
use vox_shared::wire::dialler::claim::{Claim, Reason, Scope};

use crate::harness::{TestBridge, json, refusal, result};
use floor::{Floor, ONE, commit, talked};

const CALLEE: &str = "+919876543210";
const OTHER: &str = "+919876543211";

async fn ask(bridge: &TestBridge, path: &str, body: Value) -> Value {
    let asked = bridge.internal(Method::POST, &format!("/api/v1/dialler/{path}")).json(&body);
    json(asked.send().await.unwrap(), StatusCode::OK).await
}

async fn list(floor: &Floor, number: &str) {
    let tenant = floor.bridge.tenant();
    let entry = Entry {
        tenant_id: tenant.clone(),
        number: number.parse().unwrap(),
        added_at: floor.now(),
        added_by: "usr_x".into(),
        reason: None,
    };
    floor.bridge.app.stores.do_not_call(&tenant).add(vec![entry]).await.unwrap();
}

#[tokio::test]
async fn a_contact_goes_from_the_list_to_its_result_over_the_api() {
    let floor = Floor::start().await;
    let (bridge, campaign) = (&floor.bridge, floor.campaign(json!({"canary": 2})).await);
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let renewed = ask(
        bridge,
        "leases/renew",
        json!({"worker": ONE, "held": [
            {"campaign": campaign, "partition": 0, "epoch": 1}, {"campaign": campaign, "partition": 0, "epoch": 2}
        ]}),
    );
    assert_eq!(renewed.await["lost"], json!([{"campaign": campaign, "partition": 0, "epoch": 2}]));
    let now = bridge.internal(Method::GET, "/api/v1/dialler/campaigns").send().await.unwrap();
    let now = json(now, StatusCode::OK).await;
    assert_eq!((&now["diallers"], &now["campaigns"][0]["due"]), (&json!([ONE]), &json!(1)));
    assert_eq!(now["campaigns"][0]["leases"], json!([{"partition": 0, "owner": ONE, "epoch": 1, "beat": 1}]));
    let wanted = json!({"campaign": campaign, "partitions": [0], "limit": 10});
    let candidates = ask(bridge, "candidates", wanted).await;
    assert_eq!(
        (&candidates["contacts"][0]["id"], &candidates["contacts"][0]["class"]),
        (&json!(contact), &json!(3))
    );
    let claim = json!({"worker": ONE, "campaign": campaign, "partition": 0, "epoch": 1, "contact": contact});
    let claimed = ask(bridge, "claims", claim).await["claimed"].take();
    let attempt = claimed["attempt"].as_str().unwrap();
    assert_eq!(claimed["room"], attempt);
    assert_eq!((&claimed["number"], &claimed["trunk"]), (&json!(CALLEE), &json!("ST_1")));
    assert_eq!(claimed["connected_event"]["_campaign_session_id"], claimed["session_id"]);
    assert_eq!(
        ask(bridge, &format!("attempts/{attempt}/commit"), json!({"epoch": 1})).await,
        json!({"then": "dial"})
    );
    let again = bridge.internal(Method::POST, &format!("/api/v1/dialler/attempts/{attempt}/commit"));
    let again = again.json(&json!({"epoch": 1})).send().await.unwrap();
    assert_eq!(refusal(again, StatusCode::CONFLICT).await, "fenced", "one commit, one dial");
    let live = bridge.internal(Method::POST, &format!("/api/v1/dialler/attempts/{attempt}/live"));
    let live = live.json(&json!({"epoch": 1, "answered_at": bridge.now()})).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::NO_CONTENT);
    let mut told = result(claimed["session_id"].as_str().unwrap(), "customer");
    told["bot_id"] = json!(floor.bot);
    told["connected_event"] = claimed["connected_event"].clone();
    told["latency"] = json!({"answer_to_first_audio_ms": 800.0});
    assert_eq!(bridge.deliver(&told).await.status(), StatusCode::OK);
    let id = attempt.parse().unwrap();
    assert!(floor.attempt(&id).await.word.is_none(), "the word stands in the call until the attempt ends");
    let end = json!({
        "epoch": 1, "ending": "answered", "ring_ms": 4_000, "answered_at": bridge.now(), "ended_at": bridge.now()
    });
    let noted = ask(bridge, &format!("attempts/{attempt}/result"), end).await;
    assert_eq!(noted, json!({"result": "done"}));
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Done);
    assert_eq!(floor.state(&campaign).await, (CampaignState::Completed, Some("finished".into())));
    assert_eq!(floor.lines(&campaign).await, [0, 0, 1], "the number was shown");
    let metrics = bridge.metrics().await;
    assert!(metrics.contains("campaign_results_total{result=\"done\"} 1"), "{metrics}");
}

#[tokio::test]
async fn whoever_tells_first_decides_and_all_orders_come_to_the_same() {
    let floor = Floor::start().await;
    for (n, order) in ["wd", "dw", "wwdd", "dwdw"].into_iter().enumerate() {
        let number = format!("+91987654{n:04}");
        let campaign = floor.campaign(json!({})).await;
        let contact = floor.contact(&campaign, &[&number]).await;
        let attempt = floor.dial(&campaign, &contact).await;
        for who in order.chars() {
            match who {
                'w' => floor
                    .desk
                    .heard(
                        &attempt,
                        &Word { disconnected_by: "customer".into(), talk_seconds: 3.0, ..talked() },
                    )
                    .await
                    .unwrap(),
                _ => drop(floor.ended(&attempt, Ending::Answered).await),
            }
        }
        let known = floor.attempt(&attempt).await;
        assert_eq!((known.result, known.counts), (Some(AttemptResult::HangupEarly), Some(true)), "{order}");
        assert!(known.open_since.is_none() && known.waits_until.is_none(), "{order}");
        let known = floor.read(&contact).await;
        assert_eq!(
            (known.status, known.counted, known.results.len()),
            (ContactStatus::Ready, 1, 1),
            "{order}"
        );
        assert_eq!(floor.lines(&campaign).await[0], 0, "{order}");
    }
}

#[tokio::test]
async fn an_answered_call_of_which_nobody_tells_has_a_result_all_the_same() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    assert_eq!(floor.ended(&attempt, Ending::Answered).await.result, None);
    assert_eq!(floor.lines(&campaign).await[0], 0, "its line is free at once");
    floor.pass(SignedDuration::from_secs(181));
    floor.desk.round().await.unwrap();
    assert_eq!(floor.attempt(&attempt).await.result, Some(AttemptResult::Answered));
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Done);
    floor.desk.heard(&attempt, &Word { opt_out: true, ..talked() }).await.unwrap();
    assert_eq!(floor.attempt(&attempt).await.result, Some(AttemptResult::Answered), "it has one result");
    let listed = floor.bridge.app.stores.do_not_call(&floor.bridge.tenant());
    assert!(listed.find_number(&CALLEE.parse().unwrap()).await.unwrap().is_some(), "and the wish is heard");
}

/// What follows a result cannot be written while the campaign cannot be read; it is written later, and meanwhile stands in nobody's way.
#[tokio::test]
async fn what_follows_a_result_that_nobody_told_is_written_in_the_end() {
    let floor = Floor::start().await;
    let [hidden, plain] = [floor.campaign(json!({})).await, floor.campaign(json!({})).await];
    let [one, other] = [floor.contact(&hidden, &[CALLEE]).await, floor.contact(&plain, &[OTHER]).await];
    let [first, second] = [floor.dial(&hidden, &one).await, floor.dial(&plain, &other).await];
    for attempt in [&first, &second] {
        floor.ended(attempt, Ending::Answered).await;
    }
    let campaigns = floor.bridge.app.stores.campaigns(&floor.bridge.tenant());
    let kept = campaigns.get_campaign(&hidden).await.unwrap();
    campaigns.delete_campaign(&kept).await.unwrap();
    floor.pass(SignedDuration::from_secs(181));
    floor.desk.round().await.unwrap();
    assert_eq!(floor.read(&other).await.status, ContactStatus::Done);
    assert_eq!(floor.attempt(&second).await.waits_until, None);
    let half = floor.attempt(&first).await;
    assert_eq!((half.result, half.waits_until.is_some()), (Some(AttemptResult::Answered), true));
    assert_eq!(floor.read(&one).await.status, ContactStatus::Dialing);
    campaigns.insert_campaign(&hidden, &kept.value).await.unwrap();
    floor.pass(SignedDuration::from_secs(5));
    floor.desk.round().await.unwrap();
    assert_eq!(floor.read(&one).await.status, ContactStatus::Done);
    assert_eq!(floor.attempt(&first).await.waits_until, None);
    assert_eq!(floor.state(&hidden).await.0, CampaignState::Completed);
}

#[tokio::test]
async fn a_worker_that_failed_before_the_answer_says_nothing_of_the_dial() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    let failed = Word { disconnected_by: "error".into(), failed: true, ..Word::default() };
    floor.desk.heard(&attempt, &failed).await.unwrap();
    assert_eq!(floor.attempt(&attempt).await.result, None);
    assert_eq!(floor.ended(&attempt, Ending::Busy).await.result.as_deref(), Some("busy"));
}

#[tokio::test]
async fn what_was_never_dialled_leaves_nothing_behind() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let claimed = floor.claim(&campaign, &contact).await;
    assert_eq!(floor.lines(&campaign).await, [1, 1, 1]);
    let abort = Abort { epoch: 1, why: Why::NotReady, detail: String::new() };
    for _ in 0..2 {
        floor.desk.abort(&claimed.attempt, &abort).await.unwrap();
    }
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.counted, known.att), (ContactStatus::Ready, 0, 1));
    assert_eq!(floor.lines(&campaign).await, [0, 0, 0]);
    assert!(matches!(floor.desk.commit(&claimed.attempt, 1).await, Err(CallError::Fenced)));
    floor.pass(SignedDuration::from_mins(1));
    let next = floor.dial(&campaign, &contact).await;
    assert!(next.as_str().ends_with(".2"), "{next}");
    assert!(matches!(floor.desk.abort(&next, &abort).await, Err(CallError::Fenced)), "it was dialled");
}

#[tokio::test]
async fn a_claim_that_nobody_commits_is_taken_back() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let claimed = floor.claim(&campaign, &contact).await;
    floor.pass(SignedDuration::from_secs(61));
    floor.desk.round().await.unwrap();
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Ready);
    assert_eq!(floor.lines(&campaign).await[1], 0);
    assert!(matches!(floor.desk.commit(&claimed.attempt, 1).await, Err(CallError::Fenced)));
    floor.pass(SignedDuration::from_mins(1));
    let late = floor.claim(&campaign, &contact).await;
    floor.pass(SignedDuration::from_secs(61));
    assert!(
        matches!(floor.desk.commit(&late.attempt, 1).await, Err(CallError::Fenced)),
        "without a round too"
    );
}

#[tokio::test]
async fn a_pause_keeps_claims_and_commits_out() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let [first, second] =
        [floor.contact(&campaign, &[CALLEE]).await, floor.contact(&campaign, &[OTHER]).await];
    let claimed = floor.claim(&campaign, &first).await;
    floor.set_state(&campaign, CampaignState::Paused).await;
    assert!(matches!(floor.desk.commit(&claimed.attempt, 1).await, Err(CallError::Paused)));
    let refused = floor.refused(&campaign, &second).await;
    assert_eq!((refused.reason, refused.scope), (Reason::Paused, Scope::Campaign));
    floor
        .desk
        .abort(&claimed.attempt, &Abort { epoch: 1, why: Why::Commit, detail: String::new() })
        .await
        .unwrap();
    assert_eq!(floor.read(&first).await.status, ContactStatus::Ready);
}

#[tokio::test]
async fn a_bot_that_is_never_heard_stops_its_campaign() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let mut rung = 0;
    for n in 0..10 {
        let number = format!("+91987654{n:04}");
        let contact = floor.contact(&campaign, &[&number]).await;
        if floor.state(&campaign).await.0 != CampaignState::Running {
            break;
        }
        let attempt = floor.dial(&campaign, &contact).await;
        floor.ended(&attempt, Ending::Answered).await;
        floor.desk.heard(&attempt, &Word { first_audio_ms: None, ..talked() }).await.unwrap();
        rung += 1;
    }
    assert_eq!((rung, floor.state(&campaign).await), (3, (CampaignState::Paused, Some("dead_air".into()))));
}

/// Operations that wrote documents so far.
async fn writes(floor: &Floor) -> u64 {
    const WRITES: [&str; 4] = ["insert", "compare_and_set", "find_one_and_update", "update_many"];
    let metrics = floor.bridge.metrics().await;
    let counts = metrics.lines().filter(|line| line.starts_with("store_operation_seconds_count"));
    let written =
        counts.filter(|line| WRITES.iter().any(|name| line.contains(&format!("operation=\"{name}\""))));
    written.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn a_dial_costs_five_writes_before_it_and_three_after_it_or_four_when_it_is_answered() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let before = writes(&floor).await;
    let attempt = floor.dial(&campaign, &contact).await;
    let dialled = writes(&floor).await;
    assert_eq!(dialled - before, 5 + 2, "and the two of the worker's slot");
    floor.ended(&attempt, Ending::NoAnswer).await;
    assert_eq!(writes(&floor).await - dialled, 3);
    // The number was written twice: once for the end, once for the worker's word. A word that comes after the end costs one more.
    let open = floor.campaign(json!({"keep_open": true})).await;
    for (number, word_first, wanted) in [("+919876540003", true, 4), ("+919876540004", false, 5)] {
        let contact = floor.contact(&open, &[number]).await;
        let attempt = floor.dial(&open, &contact).await;
        let dialled = writes(&floor).await;
        let live = Live { epoch: 1, answered_at: floor.bridge.now() };
        floor.desk.live(&attempt, &live).await.unwrap();
        if word_first {
            floor.hears(&attempt, &talked()).await;
        }
        floor.ended(&attempt, Ending::Answered).await;
        if !word_first {
            floor.hears(&attempt, &talked()).await;
        }
        assert_eq!(floor.read(&contact).await.status, ContactStatus::Done);
        assert_eq!(writes(&floor).await - dialled, 1 + wanted, "the call's own; live, end, contact, number");
        let known = floor.bridge.app.stores.called_numbers(&floor.bridge.tenant());
        let known = known.find_number(number).await.unwrap().unwrap().value;
        assert_eq!((known.lock, known.rings[0].result), (None, Some(AttemptResult::Done)));
    }
    let full = floor.campaign(json!({"pacing": {"max_lines": 1}})).await;
    let [first, second] =
        [floor.contact(&full, &["+919876540001"]).await, floor.contact(&full, &["+919876540002"]).await];
    floor.dial(&full, &first).await;
    let before = writes(&floor).await;
    assert_eq!(floor.refused(&full, &second).await.reason, Reason::CampaignFull);
    assert_eq!(writes(&floor).await, before, "what has to wait costs none");
}

#[tokio::test]
async fn nothing_is_dialled_while_the_coordination_server_is_away() {
    let bridge = TestBridge::start_with(|config| {
        config.coordination.redis_url = Some("redis://127.0.0.1:9".into());
    })
    .await;
    let floor = Floor::over(bridge).await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let refused = floor.refused(&campaign, &contact).await;
    assert_eq!((refused.reason, refused.scope), (Reason::PermitsUnavailable, Scope::Deployment));
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.att), (ContactStatus::Ready, 0));
}

#[tokio::test]
async fn a_bridge_that_knows_of_no_call_learns_of_those_that_run_before_it_lets_another_begin() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({"pacing": {"max_lines": 1}})).await;
    let [first, second] =
        [floor.contact(&campaign, &[CALLEE]).await, floor.contact(&campaign, &[OTHER]).await];
    let attempt = floor.dial(&campaign, &first).await;
    let other = floor.bridge.second_app().await.call_desk.clone();
    match floor::claim(&other, (ONE, 1), &campaign, &second).await {
        Claim::Refused(refused) => {
            assert_eq!(refused.reason, Reason::CampaignFull)
        }
        claimed => panic!("{claimed:?}"),
    }
    // Both bridges of a Redis are told by one; within one process each has its own permits.
    floor.ended(&attempt, Ending::NoAnswer).await;
    floor.pass(SignedDuration::from_mins(1));
    let claimed = floor.claim(&campaign, &second).await;
    commit(&floor.desk, &claimed.attempt, 1).await.unwrap();
}
