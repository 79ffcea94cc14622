//! Whom a campaign may ring, and when: the lists, the history of a number, the clock, promises, and what is forgotten.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::calls::CallError;
use vox_bridge::campaign::outcome::{AttemptResult, Word};
use vox_bridge::custody::erasure::Asked;
use vox_bridge::store::COLLECTIONS;
use vox_bridge::store::campaigns::CampaignState;
use vox_bridge::store::contacts::{Class, ContactStatus};
use vox_bridge::store::engine::Which;
use vox_shared::ids::{CampaignId, ContactId};
use vox_shared::wire::dialler::CandidatesRequest;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::dialler::claim::Reason;
use vox_shared::wire::result::Callback;

use super::floor::{Floor, talked};
use super::{CALLEE, OTHER, list};
use crate::harness::refusal;
use crate::harness::servers::over_servers;

#[tokio::test]
async fn whoever_says_so_in_a_call_is_called_by_nothing_of_the_tenant() {
    let floor = Floor::start().await;
    let [one, other] = [floor.campaign(json!({})).await, floor.campaign(json!({})).await];
    let [here, there] = [floor.contact(&one, &[CALLEE]).await, floor.contact(&other, &[CALLEE]).await];
    let attempt = floor.dial(&one, &here).await;
    floor.ended(&attempt, Ending::Answered).await;
    floor.desk.heard(&attempt, &Word { opt_out: true, ..talked() }).await.unwrap();
    assert_eq!(floor.read(&here).await.status, ContactStatus::Blocked);
    floor.pass(SignedDuration::from_hours(3));
    assert_eq!(floor.refused(&other, &there).await.reason, Reason::DoNotCall);
    let known = floor.read(&there).await;
    assert_eq!((known.status, known.reason.as_deref()), (ContactStatus::Blocked, Some("do_not_call")));
    assert_eq!(floor.state(&other).await.0, CampaignState::Completed, "nobody is left");
}

/// Else whoever says in its last call that they wish not to be called any more is heard by nobody.
#[tokio::test]
async fn a_campaign_is_not_deleted_before_its_last_call_is_told_of() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &contact).await;
    floor.set_state(&campaign, CampaignState::Archived).await;
    let key = floor.bridge.key(&[Scope::CampaignsWrite]).await;
    let delete = async || {
        let path = format!("/api/v1/campaigns/{campaign}");
        key.sign(floor.bridge.request(Method::DELETE, &path)).send().await.unwrap()
    };
    assert_eq!(refusal(delete().await, StatusCode::CONFLICT).await, "campaign_under_way");
    floor.ended(&attempt, Ending::Answered).await;
    assert_eq!(refusal(delete().await, StatusCode::CONFLICT).await, "campaign_under_way", "no word yet");
    floor.desk.heard(&attempt, &Word { opt_out: true, ..talked() }).await.unwrap();
    assert_eq!(delete().await.status(), StatusCode::NO_CONTENT);
    let listed = floor.bridge.app.stores.do_not_call(&floor.bridge.tenant());
    assert!(listed.find_number(&CALLEE.parse().unwrap()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_number_that_was_listed_after_the_claim_is_not_dialled() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let claimed = floor.claim(&campaign, &contact).await;
    list(&floor, CALLEE).await;
    assert!(matches!(floor.desk.commit(&claimed.attempt, 1).await, Err(CallError::Barred)));
}

#[tokio::test]
async fn whoever_declined_is_rung_by_no_other_campaign() {
    let floor = Floor::start().await;
    let [one, other] = [floor.campaign(json!({})).await, floor.campaign(json!({})).await];
    let [here, there] = [floor.contact(&one, &[CALLEE]).await, floor.contact(&other, &[CALLEE]).await];
    floor.ring(&one, &here, Ending::Declined).await;
    floor.pass(SignedDuration::from_hours(3));
    let refused = floor.refused(&other, &there).await;
    assert_eq!(refused.reason, Reason::Declined);
    assert!(refused.retry_at.unwrap() >= floor.bridge.now() + SignedDuration::from_hours(20));
    assert_eq!(floor.read(&there).await.status, ContactStatus::Ready);
}

#[tokio::test]
async fn a_promised_call_comes_at_its_time_and_first() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let promised = floor.contact(&campaign, &[CALLEE]).await;
    let attempt = floor.dial(&campaign, &promised).await;
    floor.ended(&attempt, Ending::Answered).await;
    let at = floor.bridge.now() + SignedDuration::from_mins(30);
    let wish = Callback { at: at.to_string(), number: CALLEE.into(), note: String::new() };
    floor.desk.heard(&attempt, &Word { callback: Some(wish), ..talked() }).await.unwrap();
    let known = floor.read(&promised).await;
    assert_eq!((known.class, known.next_at.0, known.counted), (Class::Callback, at, 0));
    let fresh = floor.contact_with(&campaign, &[OTHER], |contact| contact.prio = 900).await;
    let due = || async {
        let wanted = CandidatesRequest { campaign: campaign.clone(), partitions: vec![0], limit: 10 };
        let found = floor.desk.candidates(&wanted).await.unwrap().contacts;
        found.into_iter().map(|candidate| candidate.id).collect::<Vec<_>>()
    };
    assert_eq!(due().await, std::slice::from_ref(&fresh));
    floor.pass(SignedDuration::from_mins(30));
    assert_eq!(due().await, [promised.clone(), fresh]);
    floor.dial(&campaign, &promised).await;
}

#[tokio::test]
async fn candidates_are_in_their_order_and_those_whose_clock_says_no_stand_in_nobodys_way() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({"canary": 0})).await;
    // It is 15:30 in Kolkata, and 5 in New York.
    let asleep = floor
        .contact_with(&campaign, &["+12125550100"], |contact| {
            contact.numbers[0].region = "US".into();
            contact.prio = 999;
        })
        .await;
    let mut wanted = Vec::new();
    for (n, (prio, tried)) in [(1, false), (7, false), (0, true)].into_iter().enumerate() {
        let number = format!("+91987654{n:04}");
        let id = floor
            .contact_with(&campaign, &[&number], |contact| {
                contact.prio = prio;
                contact.ready(if tried { Class::Retry } else { Class::Fresh }, contact.next_at);
            })
            .await;
        wanted.push(id);
    }
    let ask = CandidatesRequest { campaign, partitions: vec![0], limit: 10 };
    let found = floor.desk.candidates(&ask).await.unwrap().contacts;
    let ids: Vec<_> = found.iter().map(|candidate| &candidate.id).collect();
    assert_eq!(ids, [&wanted[2], &wanted[1], &wanted[0]]);
    assert!(found[0].closes_at.unwrap() > floor.bridge.now());
    let put_off = floor.read(&asleep).await;
    assert_eq!(put_off.next_at.to_string(), "2026-11-20T14:00:00.000000Z", "nine in New York");
}

#[tokio::test]
async fn a_number_is_shown_so_often_in_an_hour() {
    let (floor, campaign, contacts) = six_people(json!({"numbers": {"per_hour": 2}})).await;
    floor.ring(&campaign, &contacts[0], Ending::NoAnswer).await;
    floor.ring(&campaign, &contacts[1], Ending::NoAnswer).await;
    assert_eq!(floor.refused(&campaign, &contacts[2]).await.reason, Reason::NoCallerNumber);
    // Redis counts by its own clock.
    if !over_servers() {
        floor.pass(SignedDuration::from_mins(61));
        floor.ring(&campaign, &contacts[2], Ending::NoAnswer).await;
    }
}

#[tokio::test]
async fn a_number_rests_when_networks_block_it() {
    let (floor, campaign, contacts) = six_people(json!({})).await;
    floor.ring(&campaign, &contacts[2], Ending::BlockedAnalytics).await;
    floor.ring(&campaign, &contacts[3], Ending::RejectedByAnalytics).await;
    floor.pass(SignedDuration::from_hours(2));
    assert_eq!(floor.refused(&campaign, &contacts[4]).await.reason, Reason::NoCallerNumber, "it rests");
}

async fn six_people(settings: Value) -> (Floor, CampaignId, Vec<ContactId>) {
    let floor = Floor::start().await;
    let campaign = floor.campaign(settings).await;
    let mut contacts = Vec::new();
    for n in 0..6 {
        contacts.push(floor.contact(&campaign, &[&format!("+91987654{n:04}")]).await);
    }
    (floor, campaign, contacts)
}

/// Documents that still hold these digits.
async fn holding(floor: &Floor, digits: &str) -> Vec<String> {
    let mut found = Vec::new();
    for collection in COLLECTIONS {
        let mut after = None;
        loop {
            let page = floor.bridge.engine.list_by_id(collection, Which::All, after.take()).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.document.id.clone());
            let holds = page.iter().filter(|kept| {
                let body = Value::Object(kept.document.body.clone()).to_string();
                body.contains(digits) || kept.document.id.contains(digits)
            });
            found.extend(holds.map(|kept| format!("{} {}", collection.name, kept.document.id)));
        }
    }
    found
}

#[tokio::test]
async fn of_an_erased_person_campaigns_keep_what_is_counted() {
    let floor = Floor::start().await;
    let (campaign, tenant) = (floor.campaign(json!({})).await, floor.bridge.tenant());
    let contact = floor.contact(&campaign, &[OTHER, CALLEE]).await;
    let attempt = floor.ring(&campaign, &contact, Ending::InvalidNumber).await;
    floor.pass(SignedDuration::from_mins(2));
    let running = floor.dial(&campaign, &contact).await;
    assert_eq!(holding(&floor, "9876543210").await.len(), 3);
    let number = CALLEE.parse().unwrap();
    let asked = Asked { tenant: tenant.clone(), by: "usr_x".into(), number, unlist: false };
    floor.bridge.app.custodian.ask_erasure(asked).await.unwrap();
    assert!(floor.bridge.app.custodian.erase_due().await.unwrap());
    assert_eq!(holding(&floor, "9876543210").await.len(), 3, "a call runs");
    floor.ended(&running, Ending::NoAnswer).await;
    floor.pass(SignedDuration::from_mins(1));
    assert!(floor.bridge.app.custodian.erase_due().await.unwrap());
    assert_eq!(holding(&floor, "9876543210").await, Vec::<String>::new());
    let attempts = floor.bridge.app.stores.attempts(&tenant);
    let kept = attempts.list_attempts(&campaign, 10, None).await.unwrap().items;
    let results: Vec<_> = kept.iter().map(|kept| kept.value.result).collect();
    assert_eq!(results, [Some(AttemptResult::NoAnswer), Some(AttemptResult::InvalidNumber)]);
    assert!(kept.iter().any(|kept| kept.id == attempt.as_str()), "of another number of theirs");
    assert!(kept.iter().all(|kept| kept.id != running.as_str()));
}
