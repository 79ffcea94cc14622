//! A dialler that is gone, or only stood still: whoever takes its partition over goes on with its calls, and the old one changes nothing.

use jiff::SignedDuration;
use serde_json::json;
use vox_bridge::campaign::calls::CallError;
use vox_bridge::campaign::outcome::AttemptResult;
use vox_bridge::store::campaigns::CampaignState;
use vox_bridge::store::contacts::{Contact, ContactStatus};
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::Doing;
use vox_shared::wire::dialler::attempt::{
    Abort, Ending, Joined, Live, Lost, PermitsRequest, RecoveriesRequest, Recovery, Stage, Why,
};
use vox_shared::wire::dialler::claim::{Claim, Reason};
use vox_shared::wire::dialler::lease::{Held, RenewRequest, Seen, TakeRequest};

use super::floor::{Floor, ONE, claim, commit, talked};
use super::{CALLEE, OTHER};

const TWO: &str = "dialler-2";

async fn take_over(floor: &Floor, campaign: &CampaignId) -> Vec<Recovery> {
    let seen = Some(Seen { epoch: 1, beat: 0 });
    let take = TakeRequest { worker: TWO.into(), campaign: campaign.clone(), partition: 0, seen };
    assert_eq!(floor.desk.take(&take).await.unwrap(), 2);
    recoveries(floor, campaign).await
}

async fn recoveries(floor: &Floor, campaign: &CampaignId) -> Vec<Recovery> {
    let ask = RecoveriesRequest { worker: TWO.into(), campaign: campaign.clone(), partition: 0, epoch: 2 };
    floor.desk.recoveries(&ask).await.unwrap().attempts
}

#[tokio::test]
async fn a_lease_is_taken_once_and_only_from_an_owner_that_stands_still() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let take = |worker: &str, seen| TakeRequest {
        worker: worker.into(),
        campaign: campaign.clone(),
        partition: 0,
        seen,
    };
    assert!(matches!(floor.desk.take(&take(TWO, None)).await, Err(CallError::LeaseTaken)));
    let held = Held { campaign: campaign.clone(), partition: 0, epoch: 1 };
    let renew = RenewRequest { worker: ONE.into(), held: vec![held.clone()] };
    assert!(floor.desk.renew(&renew).await.unwrap().lost.is_empty());
    let before = Some(Seen { epoch: 1, beat: 0 });
    assert!(matches!(floor.desk.take(&take(TWO, before)).await, Err(CallError::LeaseTaken)), "it beat since");
    let now = Some(Seen { epoch: 1, beat: 1 });
    let (one, other) = (take(TWO, now), take("dialler-3", now));
    let (one, other) = tokio::join!(floor.desk.take(&one), floor.desk.take(&other));
    assert_eq!(
        [&one, &other].into_iter().filter(|taken| matches!(taken, Ok(2))).count(),
        1,
        "{one:?} {other:?}"
    );
    assert_eq!(floor.desk.renew(&renew).await.unwrap().lost, [held]);
    assert!(matches!(
        floor.desk.take(&TakeRequest { partition: 1, ..take(TWO, None) }).await,
        Err(CallError::NoPartition(1))
    ));
}

#[tokio::test]
async fn a_claim_of_an_owner_before_comes_to_nothing() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let claimed = floor.claim(&campaign, &contact).await;
    assert!(take_over(&floor, &campaign).await.is_empty(), "nothing was dialled");
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Ready);
    assert!(matches!(floor.desk.commit(&claimed.attempt, 1).await, Err(CallError::Fenced)));
    floor.pass(SignedDuration::from_mins(1));
    match claim(&floor.desk, (ONE, 1), &campaign, &contact).await {
        Claim::Refused(refused) => assert_eq!(refused.reason, Reason::Fenced),
        claimed => panic!("{claimed:?}"),
    }
    let Claim::Claimed(claimed) = claim(&floor.desk, (TWO, 2), &campaign, &contact).await else {
        panic!("the new owner may")
    };
    commit(&floor.desk, &claimed.attempt, 2).await.unwrap();
}

#[tokio::test]
async fn a_dial_of_an_owner_before_is_recovered_and_counts_as_lost() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    let left = take_over(&floor, &campaign).await;
    assert_eq!((left.len(), &left[0].attempt, left[0].status), (1, &attempt, Stage::Dialing));
    floor.desk.recover(&attempt, 2).await.unwrap();
    assert!(matches!(floor.desk.ended(&attempt, &floor.told(Ending::Busy, 1)).await, Err(CallError::Fenced)));
    assert!(matches!(floor.desk.recover(&attempt, 1).await, Err(CallError::Fenced)));
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Recovering);
    assert!(recoveries(&floor, &campaign).await.is_empty(), "it is the new owner's");
    let lost = Lost { epoch: 2, joined: Joined::Unknown };
    for _ in 0..2 {
        floor.desk.lost(&attempt, lost).await.unwrap();
    }
    assert_eq!(floor.attempt(&attempt).await.result, Some(AttemptResult::Lost));
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.counted), (ContactStatus::Ready, 1));
    assert!(known.next_at >= floor.now() + SignedDuration::from_mins(30));
    assert_eq!(floor.lines(&campaign).await[1], 0);
}

#[tokio::test]
async fn what_never_rang_is_rung_again_soon_and_does_not_count() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    take_over(&floor, &campaign).await;
    floor.desk.recover(&attempt, 2).await.unwrap();
    floor.desk.lost(&attempt, Lost { epoch: 2, joined: Joined::No }).await.unwrap();
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.counted), (ContactStatus::Ready, 0));
    assert!(known.next_at <= floor.now() + SignedDuration::from_mins(1));
    floor.pass(SignedDuration::from_mins(1));
    let Claim::Claimed(_) = claim(&floor.desk, (TWO, 2), &campaign, &contact).await else {
        panic!("its number is free")
    };
}

#[tokio::test]
async fn a_call_that_runs_is_adopted_and_goes_on() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    floor.desk.live(&attempt, &Live { epoch: 1, answered_at: floor.bridge.now() }).await.unwrap();
    assert_eq!(take_over(&floor, &campaign).await[0].status, Stage::Live);
    floor.desk.adopt(&attempt, 2).await.unwrap();
    assert!(matches!(
        floor.desk.ended(&attempt, &floor.told(Ending::Answered, 1)).await,
        Err(CallError::Fenced)
    ));
    floor.desk.heard(&attempt, &talked()).await.unwrap();
    let noted = floor.desk.ended(&attempt, &floor.told(Ending::Answered, 2)).await.unwrap();
    assert_eq!(noted.result.as_deref(), Some("done"));
}

#[tokio::test]
async fn calls_of_a_campaign_that_was_stopped_are_ended_by_whoever_is_there() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let [told, untold] =
        [floor.contact(&campaign, &[CALLEE]).await, floor.contact(&campaign, &[OTHER]).await];
    let [told, untold] = [floor.dial(&campaign, &told).await, floor.dial(&campaign, &untold).await];
    floor.desk.heard(&told, &talked()).await.unwrap();
    floor.set_state(&campaign, CampaignState::Completed).await;
    let now = floor.desk.campaigns_now().await.unwrap().campaigns;
    assert_eq!((now.len(), now[0].state), (1, Doing::Draining), "its dialler may be gone");
    let ask = PermitsRequest { attempts: vec![told.clone(), untold.clone()] };
    assert_eq!(floor.desk.keep(&ask).await.unwrap().gone, [told.clone(), untold.clone()]);
    let mut left: Vec<_> = take_over(&floor, &campaign).await.into_iter().map(|left| left.attempt).collect();
    left.sort();
    assert_eq!(left, [told.clone(), untold.clone()], "one of them has its result, and its line");
    for attempt in [&told, &untold] {
        floor.desk.recover(attempt, 2).await.unwrap();
        floor.desk.lost(attempt, Lost { epoch: 2, joined: Joined::Yes }).await.unwrap();
    }
    let results = [floor.attempt(&told).await.result, floor.attempt(&untold).await.result];
    assert_eq!(results, [Some(AttemptResult::Done), Some(AttemptResult::Lost)]);
    assert_eq!(floor.lines(&campaign).await[1], 0);
    floor.pass(SignedDuration::from_secs(6));
    assert!(floor.desk.campaigns_now().await.unwrap().campaigns.is_empty());
}

#[tokio::test]
async fn what_nobody_ends_does_not_hold_its_number_for_ever() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({"max_secs": 60})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    floor.pass(SignedDuration::from_mins(15));
    floor.desk.round().await.unwrap();
    assert_eq!(floor.attempt(&attempt).await.result, None);
    floor.pass(SignedDuration::from_mins(1));
    floor.desk.round().await.unwrap();
    assert_eq!(floor.attempt(&attempt).await.result, Some(AttemptResult::Lost));
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Ready);
}

/// Contacts as a bridge leaves them that was killed in a claim: after the contact was written and before the attempt; and after the attempt
/// was none any more and before the contact was let go of.
#[tokio::test]
async fn half_a_claim_does_not_hold_its_contact_for_as_long_as_its_dialler_lives() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let [never, over] = [floor.contact(&campaign, &[CALLEE]).await, floor.contact(&campaign, &[OTHER]).await];
    let aborted = floor.claim(&campaign, &over).await.attempt;
    let abort = Abort { epoch: 1, why: Why::NotReady, detail: String::new() };
    floor.desk.abort(&aborted, &abort).await.unwrap();
    let contacts = floor.bridge.app.stores.contacts(&floor.bridge.tenant());
    for contact in [&never, &over] {
        let mut half = contacts.find_contact(contact).await.unwrap().unwrap();
        half.value.att = 1;
        half.value.hold(ContactStatus::Claimed, format!("{contact}.1").parse().unwrap(), 1);
        half.value.claim_ends_at = Some(floor.now() + SignedDuration::from_secs(60));
        contacts.replace_contact(half).await.unwrap();
    }
    floor.desk.round().await.unwrap();
    assert_eq!(floor.read(&never).await.status, ContactStatus::Claimed, "it may be written yet");
    floor.pass(SignedDuration::from_secs(61));
    floor.desk.round().await.unwrap();
    floor.pass(SignedDuration::from_mins(5));
    for contact in [&never, &over] {
        assert_eq!(floor.read(contact).await.status, ContactStatus::Ready, "{contact}");
        assert!(floor.claim(&campaign, contact).await.attempt.as_str().ends_with(".2"), "{contact}");
    }
}

/// Whoever was erased and comes on the list again has the id that they had, and some of the attempts.
#[tokio::test]
async fn a_contact_that_begins_anew_is_claimed_behind_the_attempts_that_it_had() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    floor.ring(&campaign, &contact, Ending::Busy).await;
    let contacts = floor.bridge.app.stores.contacts(&floor.bridge.tenant());
    let mut anew = contacts.find_contact(&contact).await.unwrap().unwrap();
    let whose = (floor.bridge.tenant(), campaign.clone(), 0);
    anew.value = Contact::new(whose, anew.value.numbers, floor.now());
    contacts.replace_contact(anew).await.unwrap();
    floor.pass(SignedDuration::from_mins(20));
    assert_eq!(floor.refused(&campaign, &contact).await.reason, Reason::Taken);
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.attempt), (ContactStatus::Ready, None));
    assert_eq!(floor.lines(&campaign).await[0], 0);
    assert!(floor.claim(&campaign, &contact).await.attempt.as_str().ends_with(".2"));
}

#[tokio::test]
async fn a_bridge_that_was_killed_in_a_claim_costs_a_contact_nothing() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    // What is left when it was killed after the contact was written and before the attempt.
    let contacts = floor.bridge.app.stores.contacts(&floor.bridge.tenant());
    let mut half = contacts.find_contact(&contact).await.unwrap().unwrap();
    half.value.att = 1;
    half.value.hold(ContactStatus::Claimed, format!("{contact}.1").parse().unwrap(), 1);
    contacts.replace_contact(half).await.unwrap();
    assert!(take_over(&floor, &campaign).await.is_empty());
    let other = floor.contact(&campaign, &[OTHER]).await;
    for contact in [&contact, &other] {
        assert!(
            matches!(claim(&floor.desk, (TWO, 2), &campaign, contact).await, Claim::Claimed(_)),
            "{contact}"
        );
    }
}
