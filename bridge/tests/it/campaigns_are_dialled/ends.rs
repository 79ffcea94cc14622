//! How a campaign comes to its end: by itself when nobody is left, never while somebody is on the way into it, by an order, or for want of
//! what it calls with.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::campaign::import::row::Draft;
use vox_bridge::store::campaigns::CampaignState;
use vox_bridge::store::contacts::ContactStatus;
use vox_bridge::store::engine::Order;
use vox_shared::ids::{CampaignId, ContactId};
use vox_shared::wire::dialler::attempt::{Ending, PermitsRequest};
use vox_shared::wire::dialler::claim::Reason;

use super::floor::{Floor, ONE, talked};
use super::{CALLEE, OTHER, ask};
use crate::harness::{json, refusal};
use crate::s3_server::eventually;
use crate::voices_are_made_from_clips::SOON;

/// Call somebody who is reached.
async fn reach(floor: &Floor, campaign: &CampaignId, contact: &ContactId) {
    let attempt = floor.dial(campaign, contact).await;
    floor.desk.heard(&attempt, &talked()).await.unwrap();
    floor.ended(&attempt, Ending::Answered).await;
    assert_eq!(floor.read(contact).await.status, ContactStatus::Done);
}

async fn events(floor: &Floor) -> Vec<String> {
    let events = floor.bridge.app.stores.events(&floor.bridge.tenant());
    let told = events.list_events(Order::Ascending, 50, None).await.unwrap().items;
    told.into_iter().map(|event| event.value.event).collect()
}

/// Somebody is added over the API.
async fn add(floor: &Floor, campaign: &CampaignId, token: &str) -> reqwest::Response {
    let path = format!("/api/v1/campaigns/{campaign}/contacts");
    floor.bridge.send(Method::POST, &path, token, json!({"rows": [{"phones": [OTHER]}]})).await
}

/// It dialled nobody, for ever, and nothing said so.
#[tokio::test]
async fn a_campaign_without_its_bot_fails_and_goes_on_when_it_is_back() {
    let floor = Floor::start().await;
    let (bridge, campaign) = (&floor.bridge, floor.campaign(json!({})).await);
    let [first, second] =
        [floor.contact(&campaign, &[CALLEE]).await, floor.contact(&campaign, &[OTHER]).await];
    let talks = floor.dial(&campaign, &first).await;
    let (admin, bot) = (bridge.token(Role::Admin).await, format!("/api/v1/bots/{}", floor.bot));
    let gone = bridge.send(Method::DELETE, &bot, &admin, Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(floor.refused(&campaign, &second).await.reason, Reason::Paused);
    assert_eq!(floor.state(&campaign).await, (CampaignState::Failed, Some("no_bot".into())));
    assert!(events(&floor).await.contains(&"campaign.failed".to_owned()));
    let kept = floor.desk.keep(&PermitsRequest { attempts: vec![talks] }).await.unwrap();
    assert!(kept.gone.is_empty(), "whoever talks is left to talk");

    let resume = format!("/api/v1/campaigns/{campaign}/resume");
    let early = bridge.send(Method::POST, &resume, &admin, Value::Null).await;
    assert_eq!(refusal(early, StatusCode::CONFLICT).await, "campaign_not_ready");
    let back = bridge.send(Method::POST, &format!("{bot}/restore"), &admin, json!({})).await;
    assert_eq!(back.status(), StatusCode::OK);
    let resumed = json(bridge.send(Method::POST, &resume, &admin, Value::Null).await, StatusCode::OK).await;
    assert_eq!((&resumed["state"], &resumed["run_number"]), (&json!("running"), &json!(1)));
    floor.claim(&campaign, &second).await;
}

#[tokio::test]
async fn a_campaign_without_a_number_fails() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let dids = floor.bridge.app.stores.dids(&floor.bridge.tenant());
    for did in dids.list_dids(10, None).await.unwrap().items {
        dids.delete_did(&did).await.unwrap();
    }
    assert_eq!(floor.refused(&campaign, &contact).await.reason, Reason::Paused);
    assert_eq!(floor.state(&campaign).await, (CampaignState::Failed, Some("no_number".into())));
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.att), (ContactStatus::Ready, 0));
}

/// Each list was over when its first people were called, and those that came an hour later were refused.
#[tokio::test]
async fn a_campaign_that_is_kept_open_waits_for_whoever_comes() {
    let floor = Floor::start().await;
    let admin = floor.bridge.token(Role::Admin).await;
    let [plain, open] = [floor.campaign(json!({})).await, floor.campaign(json!({"keep_open": true})).await];
    for (campaign, number) in [(&plain, CALLEE), (&open, "+919876543212")] {
        let contact = floor.contact(campaign, &[number]).await;
        reach(&floor, campaign, &contact).await;
        floor.desk.round().await.unwrap();
    }
    assert_eq!(floor.state(&plain).await, (CampaignState::Completed, Some("finished".into())));
    let closed = json(add(&floor, &plain, &admin).await, StatusCode::CONFLICT).await;
    assert_eq!(closed["error"]["code"], "campaign_closed");
    assert!(closed["error"]["detail"].as_str().unwrap().contains("restart it"), "{closed}");

    assert_eq!(floor.state(&open).await, (CampaignState::Running, None));
    assert_eq!(json(add(&floor, &open, &admin).await, StatusCode::OK).await["counts"]["created"], 1);
    let drain = format!("/api/v1/campaigns/{open}/drain");
    let drained = floor.bridge.send(Method::POST, &drain, &admin, Value::Null).await;
    assert_eq!(drained.status(), StatusCode::OK);
    assert_eq!(refusal(add(&floor, &open, &admin).await, StatusCode::CONFLICT).await, "campaign_closed");
    floor.desk.round().await.unwrap();
    assert_eq!(floor.state(&open).await, (CampaignState::Completed, Some("drained".into())));
}

/// The campaign was over before the rows of its file were in, which were then taken for those of one that has ended.
#[tokio::test]
async fn a_campaign_is_not_over_while_a_file_is_read_for_it() {
    let floor = Floor::start().await;
    let (bridge, campaign) = (&floor.bridge, floor.campaign(json!({})).await);
    let (admin, contact) = (bridge.token(Role::Admin).await, floor.contact(&campaign, &[CALLEE]).await);
    let sent = bridge.request(Method::POST, &format!("/api/v1/campaigns/{campaign}/imports"));
    let sent = sent.bearer_auth(&admin).header("content-type", "text/csv").body(format!("phone\n{OTHER}\n"));
    assert_eq!(sent.send().await.unwrap().status(), StatusCode::ACCEPTED);
    reach(&floor, &campaign, &contact).await;
    floor.desk.round().await.unwrap();
    assert_eq!(floor.state(&campaign).await.0, CampaignState::Running);
    let stop = CancellationToken::new();
    let runner = tokio::spawn(bridge.app.runner.clone().run(stop.clone()));
    let contacts = bridge.app.stores.contacts(&bridge.tenant());
    let is_in = || async { contacts.has_any(&campaign, ContactStatus::Ready).await.unwrap() };
    assert!(eventually(SOON, is_in).await);
    stop.cancel();
    runner.await.unwrap();
    floor.desk.round().await.unwrap();
    assert_eq!(floor.state(&campaign).await.0, CampaignState::Running);
}

/// Who was added in the moment of the end waited in a campaign that called nobody any more.
#[tokio::test]
async fn who_comes_in_while_a_campaign_ends_is_called_all_the_same() {
    let floor = Floor::start().await;
    let campaigns = floor.bridge.app.stores.campaigns(&floor.bridge.tenant());
    for (why, state) in [("finished", CampaignState::Running), ("stopped", CampaignState::Completed)] {
        let campaign = floor.campaign(json!({})).await;
        let seen = campaigns.get_campaign(&campaign).await.unwrap();
        let mut over = seen.clone();
        (over.value.state, over.value.why) = (CampaignState::Completed, Some(why.into()));
        campaigns.replace_campaign(over).await.unwrap();
        let draft = Draft { phones: vec![OTHER.into()], ..Draft::default() };
        let (counts, _) = floor.bridge.app.intake.take(&seen, vec![Ok(draft)]).await.unwrap();
        assert_eq!((counts.created, floor.state(&campaign).await.0), (1, state), "{why}");
    }
    assert!(events(&floor).await.contains(&"campaign.resumed".to_owned()));
}

/// They were those of the last tick, for a quarter of a minute after the last call.
#[tokio::test]
async fn lines_are_told_with_their_time_and_of_no_campaign_that_is_over() {
    let floor = Floor::start().await;
    let (bridge, campaign) = (&floor.bridge, floor.campaign(json!({})).await);
    let (admin, contact) = (bridge.token(Role::Admin).await, floor.contact(&campaign, &[CALLEE]).await);
    let attempt = floor.dial(&campaign, &contact).await;
    let status = async || {
        let path = format!("/api/v1/campaigns/{campaign}/status");
        let status = bridge.get(&path).bearer_auth(&admin).send().await.unwrap();
        let status = json(status, StatusCode::OK).await;
        (status["lines"].clone(), status["told_at"].clone())
    };
    assert_eq!(status().await, (json!(0), Value::Null), "nobody told anything");
    let tick = json!({"id": campaign, "lines": 1, "ringing": 1, "limiting": {"factor": "list"}});
    ask(bridge, "ticks", json!({"worker": ONE, "campaigns": [tick]})).await;
    let told = (json!(1), json!(bridge.now()));
    assert_eq!(status().await, told);
    floor.set_state(&campaign, CampaignState::Completed).await;
    assert_eq!(status().await, told, "a call of it runs still");
    floor.ended(&attempt, Ending::NoAnswer).await;
    assert_eq!(status().await, (json!(0), Value::Null));
}
