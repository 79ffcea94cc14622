//! The first calls of a campaign are counted over all diallers, and by whichever of them comes after another.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::outcome::SetUp;
use vox_bridge::store::campaigns::CampaignState;
use vox_shared::ids::{AttemptId, CampaignId, ContactId};
use vox_shared::wire::dialler::attempt::{Abort, Ending, Why};
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest, Reason, Scope as About};
use vox_shared::wire::dialler::lease::{Seen, TakeRequest};
use vox_shared::wire::dialler::tick::{CampaignTick, Factor, Limiting, Tick};

use super::floor::{Floor, ONE, claim, commit, talked};
use crate::harness::json;

const TWO: &str = "dialler-2";

/// A campaign whose first three calls are waited for, and ten people.
async fn first_three(floor: &Floor) -> (CampaignId, Vec<ContactId>) {
    let campaign = floor.campaign(json!({"canary": 3})).await;
    let mut people = Vec::new();
    for n in 0..10 {
        people.push(floor.contact(&campaign, &[&format!("+91987654{n:04}")]).await);
    }
    (campaign, people)
}

/// What the bridge tells diallers.
async fn left(floor: &Floor, campaign: &CampaignId) -> Option<u32> {
    let now = floor.desk.campaigns_now().await.unwrap();
    now.campaigns.into_iter().find(|one| one.id == *campaign).and_then(|one| one.canary_left)
}

/// Another dialler goes on where the first one died.
async fn two_takes_over(floor: &Floor, campaign: &CampaignId) {
    let seen = Some(Seen { epoch: 1, beat: 0 });
    let take = TakeRequest { worker: TWO.into(), campaign: campaign.clone(), partition: 0, seen };
    assert_eq!(floor.desk.take(&take).await.unwrap(), 2);
}

async fn dial(floor: &Floor, (worker, epoch): (&str, u32), of: (&CampaignId, &ContactId)) -> AttemptId {
    let Claim::Claimed(claimed) = claim(&floor.desk, (worker, epoch), of.0, of.1).await else {
        panic!("{worker} may ring")
    };
    commit(&floor.desk, &claimed.attempt, epoch).await.unwrap();
    claimed.attempt
}

/// What a dialler is told of its campaign.
async fn tick(floor: &Floor, worker: &str, campaign: &CampaignId) -> Vec<CampaignId> {
    let limiting = Limiting { factor: Factor::Canary, detail: String::new() };
    let (lines, ringing, dials_per_minute, expected, variance) = (0, 0, 0.0, 0.0, 0.0);
    let id = campaign.clone();
    let campaign = CampaignTick { id, lines, ringing, limiting, dials_per_minute, expected, variance };
    let tick = Tick { version: 1, worker: worker.into(), campaigns: vec![campaign] };
    floor.desk.tick(&tick).await.unwrap().paused
}

#[tokio::test]
async fn first_calls_that_fail_at_two_diallers_pause_the_campaign_and_a_resumed_one_begins_anew() {
    let floor = Floor::start().await;
    let (campaign, people) = first_three(&floor).await;
    assert_eq!(left(&floor, &campaign).await, Some(3));
    floor.ring(&campaign, &people[0], Ending::Forbidden).await;
    floor.ring(&campaign, &people[1], Ending::Auth).await;
    assert!(tick(&floor, ONE, &campaign).await.is_empty());
    two_takes_over(&floor, &campaign).await;
    assert_eq!(left(&floor, &campaign).await, Some(1), "what the first one has seen is not forgotten");
    let third = dial(&floor, (TWO, 2), (&campaign, &people[2])).await;
    floor.desk.ended(&third, &floor.told(Ending::Network, 2)).await.unwrap();
    assert_eq!(floor.state(&campaign).await, (CampaignState::Paused, Some("canary".into())));
    assert_eq!(
        tick(&floor, TWO, &campaign).await,
        std::slice::from_ref(&campaign),
        "and its dialler hears of it"
    );
    floor.pass(SignedDuration::from_secs(5));
    let key = floor.bridge.key(&[Scope::CampaignsRead, Scope::CampaignsWrite]).await;
    let resume = floor.bridge.request(Method::POST, &format!("/api/v1/campaigns/{campaign}/resume"));
    let resumed = json(key.sign(resume).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!((&resumed["state"], &resumed["why"]), (&json!("running"), &json!(null)));
    assert!(tick(&floor, TWO, &campaign).await.is_empty(), "nobody pauses it for what was");
    assert_eq!(left(&floor, &campaign).await, Some(3));
    let fourth = dial(&floor, (TWO, 2), (&campaign, &people[3])).await;
    floor.desk.ended(&fourth, &floor.told(Ending::Network, 2)).await.unwrap();
    assert_eq!(floor.state(&campaign).await.0, CampaignState::Running);
    floor.desk.round().await.unwrap();
    assert_eq!(floor.state(&campaign).await.0, CampaignState::Running);
}

#[tokio::test]
async fn no_more_first_calls_are_on_than_outcomes_are_waited_for() {
    let floor = Floor::start().await;
    let (campaign, people) = first_three(&floor).await;
    let mut on = Vec::new();
    for person in &people[..3] {
        on.push(floor.claim(&campaign, person).await.attempt);
    }
    let refused = floor.refused(&campaign, &people[3]).await;
    assert_eq!((refused.reason, refused.scope), (Reason::Canary, About::Campaign));
    assert!(refused.wait_ms.is_some());
    // What was never dialled says nothing.
    let abort = Abort { epoch: 1, why: Why::NotReady, detail: String::new() };
    floor.desk.abort(&on[0], &abort).await.unwrap();
    on[0] = floor.dial(&campaign, &people[3]).await;
    for attempt in &on[1..] {
        commit(&floor.desk, attempt, 1).await.unwrap();
    }
    floor.ended(&on[0], Ending::Busy).await;
    floor.ended(&on[1], Ending::Answered).await;
    assert_eq!(left(&floor, &campaign).await, Some(1), "one has an outcome, and one waits for its worker");
    let fifth = floor.refused(&campaign, &people[4]).await;
    assert_eq!(fifth.reason, Reason::Canary, "the third is still on");
    floor.desk.heard(&on[1], &talked()).await.unwrap();
    floor.ended(&on[2], Ending::Forbidden).await;
    assert_eq!(left(&floor, &campaign).await, None);
    for person in &people[4..] {
        floor.claim(&campaign, person).await;
    }
}

#[tokio::test]
async fn a_bridge_that_dies_before_it_looks_at_the_first_calls_is_made_up_for() {
    let floor = Floor::start().await;
    let (campaign, people) = first_three(&floor).await;
    let began = floor.now();
    for person in &people[..3] {
        floor.ring(&campaign, person, Ending::InvalidNumber).await;
    }
    let attempts = floor.bridge.app.stores.attempts(&floor.bridge.tenant());
    let wrong = async |most| attempts.count_set_up(&campaign, (SetUp::Wrong, began), most).await.unwrap();
    assert_eq!((wrong(2).await, wrong(50).await), (2, 3), "no more are read than are waited for");
    // As if nobody had looked.
    floor.set_state(&campaign, CampaignState::Running).await;
    assert_eq!(left(&floor, &campaign).await, Some(0));
    assert_eq!(floor.refused(&campaign, &people[3]).await.reason, Reason::Canary);
    floor.desk.round().await.unwrap();
    assert_eq!(floor.state(&campaign).await, (CampaignState::Paused, Some("canary".into())));
}

#[tokio::test]
async fn a_claim_avoids_the_trunks_that_it_is_told_of() {
    let floor = Floor::start().await;
    let (campaign, people) = first_three(&floor).await;
    let ask = |avoid: &[&str]| ClaimRequest {
        worker: ONE.into(),
        campaign: campaign.clone(),
        partition: 0,
        epoch: 1,
        contact: people[0].clone(),
        avoid: avoid.iter().map(|trunk| (*trunk).to_owned()).collect(),
    };
    match floor.desk.claim(&ask(&["ST_1", "ST_2"])).await.unwrap() {
        Claim::Refused(refused) => {
            assert_eq!((refused.reason, refused.scope), (Reason::BreakerOpen, About::Campaign));
            assert!(refused.wait_ms.is_some() && refused.detail.contains("trunk"), "{refused:?}");
        }
        claimed => panic!("{claimed:?}"),
    }
    let Claim::Claimed(claimed) = floor.desk.claim(&ask(&["ST_2"])).await.unwrap() else {
        panic!("its own trunk works")
    };
    assert_eq!(claimed.trunk, "ST_1");
}
