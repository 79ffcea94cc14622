//! Many at once: one number has one call, and no more rings than its caps allow, whichever campaigns and bridges want it.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Barrier;
use vox_bridge::campaign::calls::{CallDesk, CallError};
use vox_bridge::store::contacts::ContactStatus;
use vox_shared::ids::AttemptId;
use vox_shared::wire::dialler::attempt::{Abort, Commit, Ending, Why};
use vox_shared::wire::dialler::claim::Claim;

use super::floor::{Floor, ONE, claim, commit, talked};
use super::{CALLEE, list};
use crate::harness::races::{By, rounds};

const CAMPAIGNS: usize = 5;

/// The same campaigns at two bridges.
async fn desks(floor: &Floor) -> [CallDesk; 2] {
    [floor.desk.clone(), floor.bridge.second_app().await.call_desk.clone()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_campaigns_ring_one_number_one_after_the_other_and_three_times_a_day() {
    let floor = Floor::start().await;
    let desks = desks(&floor).await;
    let mut wanted = Vec::new();
    for _ in 0..CAMPAIGNS {
        let campaign = floor
            .campaign(json!({"retries": {"busy": {"delays_min": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}}))
            .await;
        let contact = floor.contact(&campaign, &[CALLEE]).await;
        wanted.push((campaign, contact));
    }
    let mut rings = 0;
    for _ in 0..rounds(By::Steps, 8, 6) {
        let start = Arc::new(Barrier::new(2 * CAMPAIGNS));
        let tasks = (0..2 * CAMPAIGNS).map(|n| {
            let (desk, (campaign, contact)) = (desks[n % 2].clone(), wanted[n / 2].clone());
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                match claim(&desk, (ONE, 1), &campaign, &contact).await {
                    Claim::Claimed(claimed) => Some(claimed.attempt),
                    Claim::Refused(_) => None,
                }
            })
        });
        let mut claimed: Vec<AttemptId> = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            claimed.extend(task.await.unwrap());
        }
        assert!(claimed.len() <= 1, "{claimed:?}");
        for attempt in claimed {
            commit(&floor.desk, &attempt, 1).await.unwrap();
            floor.ended(&attempt, Ending::Busy).await;
            rings += 1;
        }
        // Put off, all of them are due again by then, and within the day.
        floor.pass(SignedDuration::from_mins(20));
    }
    assert_eq!(rings, 3);
    for (_, contact) in &wanted {
        assert!(floor.read(contact).await.attempt.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_ten_want_is_claimed_once() {
    let floor = Floor::start().await;
    let desks = desks(&floor).await;
    let campaign = floor.campaign(json!({})).await;
    let mut won = [0, 0];
    for round in 0..rounds(By::Steps, 6, 4) {
        let contact = floor.contact(&campaign, &[&format!("+91987654{round:04}")]).await;
        let start = Arc::new(Barrier::new(10));
        let tasks = (0..10).map(|n| {
            let (desk, campaign, contact) = (desks[n % 2].clone(), campaign.clone(), contact.clone());
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                matches!(claim(&desk, (ONE, 1), &campaign, &contact).await, Claim::Claimed(_))
            })
        });
        let mut claimed = 0;
        for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
            let is_ours = u64::from(task.await.unwrap());
            claimed += is_ours;
            won[n % 2] += is_ours;
        }
        let known = floor.read(&contact).await;
        assert_eq!((claimed, known.status, known.att), (1, ContactStatus::Claimed, 1), "round {round}");
        // All of them had the same id: those that lost did not give up what the one that won occupies.
        for (desk, won) in desks.iter().zip(won) {
            let lines = format!("lines:campaign:{campaign}");
            let lines = desk.coordination.count_permits(vec![lines]).await.unwrap()[0];
            assert!(lines >= won, "round {round}: {lines} of {won} claims have their lines");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_dialled_after_the_list_has_answered() {
    let floor = Floor::start().await;
    // None of the calls ends.
    let campaign = floor.campaign(json!({"pacing": {"max_lines": 1_000}})).await;
    for round in 0..rounds(By::Steps, 12, 8) {
        let number = format!("+91987654{round:04}");
        let contact = floor.contact(&campaign, &[&number]).await;
        let claimed = floor.claim(&campaign, &contact).await;
        let (desk, attempt, same) = (floor.desk.clone(), claimed.attempt.clone(), claimed.attempt);
        let racing = tokio::spawn(async move { desk.commit(&same, 1).await });
        list(&floor, &number).await;
        let first = racing.await.unwrap();
        // Whether that was in time is for the race to say. From now on there is no doubt.
        let late = floor.desk.commit(&attempt, 1).await;
        assert!(matches!(late, Err(CallError::Barred | CallError::Fenced)), "round {round}: {late:?}");
        assert!(
            matches!(first, Ok(Commit::Dial | Commit::Wait { .. }) | Err(CallError::Barred)),
            "{first:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_and_the_end_of_its_claim_do_not_both_happen() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    for round in 0..rounds(By::Steps, 12, 8) {
        let contact = floor.contact(&campaign, &[&format!("+91987654{round:04}")]).await;
        let claimed = floor.claim(&campaign, &contact).await;
        let (one, other) = (floor.desk.clone(), floor.desk.clone());
        let (attempt, same) = (claimed.attempt.clone(), claimed.attempt.clone());
        let committing = tokio::spawn(async move { one.commit(&attempt, 1).await });
        let abort = Abort { epoch: 1, why: Why::Drain, detail: String::new() };
        let aborting = tokio::spawn(async move { other.abort(&same, &abort).await });
        let (committed, aborted) = (committing.await.unwrap(), aborting.await.unwrap());
        let dialled = matches!(committed, Ok(Commit::Dial));
        assert!(!(dialled && aborted.is_ok()), "round {round}: {committed:?} {aborted:?}");
        if dialled {
            floor.ended(&claimed.attempt, Ending::NoAnswer).await;
        }
        floor.pass(SignedDuration::from_secs(1));
    }
}

/// The upkeep read a claim, and before it takes it back the call was dialled and its worker told how it went: the contact knows the attempt
/// no more than one that was taken back.
#[tokio::test]
async fn a_ring_that_happened_is_not_taken_back_for_a_claim() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let claimed = floor.claim(&campaign, &contact).await.attempt;
    let read = floor.bridge.app.stores.all_attempts().find_attempt(&claimed).await.unwrap().unwrap();
    commit(&floor.desk, &claimed, 1).await.unwrap();
    floor.desk.heard(&claimed, &talked()).await.unwrap();
    assert!(matches!(floor.desk.take_back(&read, "too_late").await, Err(CallError::Fenced)));
    let numbers = floor.bridge.app.stores.called_numbers(&floor.bridge.tenant());
    let number = numbers.find_number(CALLEE).await.unwrap().unwrap().value;
    assert_eq!((number.rings.len(), number.lock), (1, Some(claimed)), "it rings, and counts");
    assert_eq!(floor.lines(&campaign).await[0], 1);
}
