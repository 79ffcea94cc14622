//! The chain of proofs: what was dialled is in it once, names nobody, outlives its campaign, and whoever changes it is found.

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::outcome::Word;
use vox_bridge::campaign::proofs::{Written, write_due};
use vox_bridge::store::campaigns::CampaignState;
use vox_bridge::store::contacts::ConsentRecord;
use vox_bridge::store::proofs::CAMPAIGN_PROOFS;
use vox_shared::wire::dialler::attempt::Ending;

use super::floor::{Floor, talked};
use super::{CALLEE, OTHER};
use crate::harness::json;

/// The entries as they are exported.
async fn exported(floor: &Floor, admin: &str) -> (String, Vec<Value>) {
    let answer = floor.bridge.get("/api/v1/proofs").bearer_auth(admin).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.unwrap();
    let entries = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (text, entries)
}

async fn verified(floor: &Floor, admin: &str) -> Value {
    let answer = floor.bridge.get("/api/v1/proofs/verify").bearer_auth(admin).send().await.unwrap();
    json(answer, StatusCode::OK).await
}

#[tokio::test]
async fn what_was_dialled_can_be_proved_when_all_else_is_gone() {
    let floor = Floor::start().await;
    let admin = floor.bridge.token(Role::Admin).await;
    let campaign = floor.campaign(json!({"purpose": "sales"})).await;
    let given_at = floor.now();
    let agreed = |contact: &mut vox_bridge::store::contacts::Contact| {
        let source = "the shop's form".to_owned();
        contact.consent = Some(ConsentRecord { source, given_at: Some(given_at), expires_at: None });
    };
    let one = floor.contact_with(&campaign, &[CALLEE], agreed).await;
    let other = floor.contact_with(&campaign, &[OTHER], agreed).await;
    let busy = floor.ring(&campaign, &one, Ending::Busy).await;
    let answered = floor.dial(&campaign, &other).await;
    // Nobody knows yet how it went.
    floor.desk.round().await.unwrap();
    assert_eq!(exported(&floor, &admin).await.1.len(), 1);
    floor.ended(&answered, Ending::Answered).await;
    floor.pass(SignedDuration::from_secs(2));
    floor.desk.heard(&answered, &Word { opt_out: true, ..talked() }).await.unwrap();
    for _ in 0..2 {
        floor.desk.round().await.unwrap();
    }

    let (text, entries) = exported(&floor, &admin).await;
    let subjects: Vec<&str> = entries.iter().map(|entry| entry["subject"].as_str().unwrap()).collect();
    let expected = [format!("attempt/{busy}"), format!("attempt/{answered}"), format!("opt_out/{answered}")];
    assert_eq!(subjects, expected, "each once: {text}");
    let fact = &entries[0]["fact"];
    assert_eq!((&fact["result"], &fact["abandoned"]), (&json!("busy"), &json!(false)));
    assert_eq!(fact["dialled_at"], json!(floor.attempt(&busy).await.dial_at));
    let allowed = &fact["allowed_by"];
    assert_eq!(
        (&allowed["consent"], &allowed["consent_given_at"], &allowed["rules"]),
        (&json!("the shop's form"), &json!(given_at), &json!(["in 1"]))
    );
    assert!(allowed["local"][0].is_string() && allowed["closes_at"].is_string(), "{allowed}");
    assert_eq!(entries[2]["fact"]["ms_to_effect"], json!(2_000));
    assert_eq!(entries[1]["fact"]["number_hash"], entries[2]["fact"]["number_hash"]);
    assert!(!text.contains(&CALLEE[3..]) && !text.contains(&OTHER[3..]), "it names nobody");

    floor.set_state(&campaign, CampaignState::Archived).await;
    let key = floor.bridge.key(&[Scope::CampaignsWrite]).await;
    let delete = floor.bridge.request(Method::DELETE, &format!("/api/v1/campaigns/{campaign}"));
    assert_eq!(key.sign(delete).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let sound = verified(&floor, &admin).await;
    assert_eq!((&sound["intact"], &sound["entries"]), (&json!(true), &json!(3)), "{sound}");
    assert_eq!(sound["last"], json!({"seq": 3, "hash": entries[2]["hash"]}));

    // Somebody makes a call look better than it was.
    let id = format!("{}/{:019}", floor.bridge.tenant(), 2);
    floor.bridge.damage(&CAMPAIGN_PROOFS, &id, "at", json!(given_at)).await;
    let broken = verified(&floor, &admin).await;
    assert_eq!((&broken["intact"], &broken["entries"]), (&json!(false), &json!(1)));
    assert_eq!(broken["fault"], json!({"seq": 2, "message": "entry 2 was changed"}));
}

/// Several bridges write down the same calls at once.
#[tokio::test]
async fn however_many_write_each_call_is_proved_once() {
    let floor = Floor::start().await;
    let admin = floor.bridge.token(Role::Admin).await;
    let campaign = floor.campaign(json!({})).await;
    for n in 0..5 {
        let contact = floor.contact(&campaign, &[&format!("+91987654420{n}")]).await;
        floor.ring(&campaign, &contact, Ending::NoAnswer).await;
    }
    let (stores, now) = (&floor.bridge.app.stores, floor.now());
    for written in join_all((0..4).map(|_| write_due(stores, now))).await {
        written.unwrap();
    }
    // What one of them could not write for the others is written now.
    assert_eq!(write_due(stores, now).await.unwrap(), Written::All);
    let sound = verified(&floor, &admin).await;
    assert_eq!((&sound["intact"], &sound["entries"]), (&json!(true), &json!(5)), "{sound}");
}
