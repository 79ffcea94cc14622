//! Campaigns of the mode `preview`: nobody is dialled whom no person let through, and a card is one person's at a time.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::store::contacts::ContactStatus;
use vox_bridge::store::engine::Order;
use vox_shared::ids::{CampaignId, ContactId};
use vox_shared::wire::dialler::CandidatesRequest;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::dialler::claim::Reason;

use super::floor::Floor;
use super::{CALLEE, OTHER, list};
use crate::harness::{Person, json, refusal};

/// People at a campaign's cards.
struct Desk {
    floor: Floor,
    campaign: CampaignId,
}

impl Desk {
    async fn start(preview: Value) -> Self {
        let floor = Floor::start().await;
        // Its first calls are waited for by nobody: a person looks at each.
        let settings = json!({"canary": 5, "pacing": {"mode": "preview"}, "preview": preview});
        let campaign = floor.campaign(settings).await;
        Self { floor, campaign }
    }

    async fn agent(&self, email: &str) -> Person {
        self.floor.bridge.person(&self.floor.bridge.tenant(), email, Role::Agent).await
    }

    async fn post(&self, who: &Person, path: &str) -> Response {
        let path = format!("/api/v1/campaigns/{}/cards/{path}", self.campaign);
        self.floor.bridge.request(Method::POST, &path).bearer_auth(&who.token).send().await.unwrap()
    }

    async fn answers(&self, who: &Person, path: &str) -> Value {
        json(self.post(who, path).await, StatusCode::OK).await
    }

    async fn refuses(&self, who: &Person, path: &str) -> String {
        refusal(self.post(who, path).await, StatusCode::CONFLICT).await
    }

    /// The contact of the next card.
    async fn next(&self, who: &Person) -> ContactId {
        let next = self.answers(who, "next").await;
        let id = next["card"]["contact"]["id"].as_str();
        id.unwrap_or_else(|| panic!("no card: {next}")).parse().unwrap()
    }

    /// Why there is none.
    async fn nothing(&self, who: &Person) -> String {
        let next = self.answers(who, "next").await;
        next["nothing"]["reason"].as_str().unwrap_or_else(|| panic!("a card: {next}")).to_owned()
    }

    /// Whom a dialler would claim.
    async fn candidates(&self) -> Vec<ContactId> {
        let ask = CandidatesRequest { campaign: self.campaign.clone(), partitions: vec![0], limit: 10 };
        let found = self.floor.desk.candidates(&ask).await.unwrap();
        found.contacts.into_iter().map(|contact| contact.id).collect()
    }

    async fn told(&self) -> Vec<String> {
        let events = self.floor.bridge.app.stores.events(&self.floor.bridge.tenant());
        let told = events.list_events(Order::Ascending, 50, None).await.unwrap().items.into_iter();
        told.map(|event| event.value.event).filter(|event| event.starts_with("campaign.card")).collect()
    }
}

#[tokio::test]
async fn a_person_lets_a_call_through_and_it_is_dialled_once() {
    let desk = Desk::start(json!({})).await;
    let floor = &desk.floor;
    let named = |contact: &mut vox_bridge::store::contacts::Contact| {
        contact.prio = 9;
        contact.ready(contact.class, contact.next_at);
        contact.variables.insert("name".into(), json!("Asha"));
    };
    let other = floor.contact(&desk.campaign, &[OTHER]).await;
    let contact = floor.contact_with(&desk.campaign, &[CALLEE], named).await;
    let (anna, ben) = (desk.agent("anna@test").await, desk.agent("ben@test").await);
    assert!(desk.candidates().await.is_empty(), "nobody was let through");
    assert_eq!(floor.refused(&desk.campaign, &contact).await.reason, Reason::Taken);

    let card = desk.answers(&anna, "next").await["card"].take();
    assert_eq!(card["contact"]["id"], json!(contact), "what is more urgent comes first: {card}");
    assert_eq!(
        (&card["contact"]["variables"], &card["contact"]["why"]["reason"]),
        (&json!({"name": "Asha"}), &json!("due"))
    );
    assert_eq!(desk.next(&anna).await, contact, "asked again, it is the same one");
    assert_eq!(desk.next(&ben).await, other, "nobody else has it");
    assert_eq!(desk.nothing(&desk.agent("cleo@test").await).await, "waiting");
    assert_eq!(desk.refuses(&ben, &format!("{contact}/accept")).await, "card_over");
    assert_eq!(floor.refused(&desk.campaign, &contact).await.reason, Reason::Taken, "it is only looked at");

    desk.answers(&anna, &format!("{contact}/accept")).await;
    desk.answers(&anna, &format!("{contact}/accept")).await;
    assert_eq!(desk.told().await, ["campaign.card_accepted"]);
    assert_eq!(desk.refuses(&anna, &format!("{contact}/skip")).await, "card_over");
    assert_eq!(desk.candidates().await, std::slice::from_ref(&contact));
    let attempt = floor.ring(&desk.campaign, &contact, Ending::Busy).await;
    assert_eq!(floor.attempt(&attempt).await.proof["let_through_by"], json!(anna.id));
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.card.clone()), (ContactStatus::Ready, None));
    floor.pass(SignedDuration::from_mins(15));
    assert!(desk.candidates().await.is_empty(), "one word, one dial: the next try is a card again");
    assert_eq!(floor.refused(&desk.campaign, &contact).await.reason, Reason::Taken);
    assert_eq!(desk.next(&desk.agent("dora@test").await).await, contact);
}

#[tokio::test]
async fn a_card_that_nobody_answers_and_a_word_that_nobody_dials_go_back() {
    let desk = Desk::start(json!({"card_secs": 30})).await;
    let floor = &desk.floor;
    let contact = floor.contact(&desk.campaign, &[CALLEE]).await;
    let (anna, ben) = (desk.agent("anna@test").await, desk.agent("ben@test").await);
    assert_eq!(desk.next(&anna).await, contact);
    floor.pass(SignedDuration::from_secs(29));
    assert_eq!(desk.nothing(&ben).await, "waiting");
    floor.pass(SignedDuration::from_secs(1));
    assert_eq!(desk.refuses(&anna, &format!("{contact}/accept")).await, "card_over");
    assert_eq!(desk.next(&ben).await, contact);
    desk.answers(&ben, &format!("{contact}/accept")).await;
    floor.pass(SignedDuration::from_secs(60));
    assert_eq!(floor.refused(&desk.campaign, &contact).await.reason, Reason::Taken);
    assert!(desk.candidates().await.is_empty(), "it is too late");
    assert_eq!(floor.read(&contact).await.card, None);
    assert_eq!(desk.next(&anna).await, contact);
    // What is said meanwhile counts: the list is looked at again.
    list(floor, CALLEE).await;
    assert_eq!(desk.refuses(&anna, &format!("{contact}/accept")).await, "may_not_be_called");
    assert_eq!(floor.read(&contact).await.status, ContactStatus::Blocked);
    assert_eq!(desk.refuses(&anna, "next").await, "campaign_state", "nobody is left: it is over");
}

#[tokio::test]
async fn whom_everybody_skips_waits_for_a_person() {
    let desk = Desk::start(json!({"skips": 1})).await;
    let floor = &desk.floor;
    let contact = floor.contact(&desk.campaign, &[CALLEE]).await;
    let behind = floor.contact(&desk.campaign, &[OTHER]).await;
    let anna = desk.agent("anna@test").await;
    assert_eq!(desk.next(&anna).await, contact);
    let skipped = desk.answers(&anna, &format!("{contact}/skip")).await;
    assert_eq!(skipped, json!({"contact_id": contact, "skips": 1, "status": "ready"}));
    assert_eq!(desk.next(&anna).await, behind, "it is behind the others");
    desk.answers(&anna, &format!("{behind}/accept")).await;
    floor.ring(&desk.campaign, &behind, Ending::Declined).await;
    floor.pass(SignedDuration::from_mins(5));
    assert_eq!(desk.next(&anna).await, contact);
    let skipped = desk.answers(&anna, &format!("{contact}/skip")).await;
    assert_eq!((&skipped["skips"], &skipped["status"]), (&json!(2), &json!("review")));
    assert_eq!(floor.read(&contact).await.reason.as_deref(), Some("skipped"));
    assert_eq!(desk.told().await.last().unwrap(), "campaign.card_skipped");
}

/// However many ask at once, nobody has a card that somebody else has.
#[tokio::test]
async fn two_people_never_have_the_same_card() {
    let desk = Desk::start(json!({})).await;
    let numbers: Vec<String> = (0..6).map(|n| format!("+91987654410{n}")).collect();
    for number in &numbers {
        desk.floor.contact(&desk.campaign, &[number]).await;
    }
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(desk.agent(&format!("p{n}@test")).await);
    }
    let cards = futures_util::future::join_all(people.iter().map(|who| desk.next(who))).await;
    let each: std::collections::BTreeSet<_> = cards.iter().map(ContactId::as_str).collect();
    assert_eq!(each.len(), 6, "{cards:?}");
}

#[tokio::test]
async fn other_campaigns_have_no_cards() {
    let floor = Floor::start().await;
    let campaign = floor.campaign(json!({})).await;
    let desk = Desk { floor, campaign };
    let anna = desk.agent("anna@test").await;
    assert_eq!(desk.refuses(&anna, "next").await, "campaign_not_preview");
    let with_cards = desk.floor.campaign(json!({"pacing": {"mode": "preview"}})).await;
    desk.floor.contact(&with_cards, &[CALLEE]).await;
    let listed = desk.floor.bridge.get("/api/v1/campaigns/cards").bearer_auth(&anna.token).send();
    let listed = json(listed.await.unwrap(), StatusCode::OK).await;
    assert_eq!(listed["items"], json!([{"id": with_cards, "name": "c", "due": 1}]));
}

/// Counts of the store so far.
async fn counts(floor: &Floor) -> u64 {
    let metrics = floor.bridge.metrics().await;
    let counts = metrics.lines().filter(|line| line.starts_with("store_operation_seconds_count"));
    let counts = counts.filter(|line| line.contains("operation=\"count\""));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn many_campaigns_with_cards_are_counted_once_each_and_told_newest_first() {
    const MANY: u64 = 20;
    let floor = Floor::start().await;
    let mut expected = Vec::new();
    for n in 0..MANY {
        let campaign = floor.campaign(json!({"pacing": {"mode": "preview"}})).await;
        for callee in 0..n % 3 {
            floor.contact(&campaign, &[&format!("+91987651{n:02}{callee:02}")]).await;
        }
        expected.insert(0, json!({"id": campaign, "name": "c", "due": n % 3}));
        floor.pass(SignedDuration::from_secs(1));
    }
    let desk = Desk { campaign: floor.campaign(json!({})).await, floor };
    let anna = desk.agent("anna@test").await;
    let before = counts(&desk.floor).await;
    let listed = desk.floor.bridge.get("/api/v1/campaigns/cards?limit=50").bearer_auth(&anna.token).send();
    let listed = json(listed.await.unwrap(), StatusCode::OK).await;
    assert_eq!(listed["items"], Value::Array(expected));
    let counted = counts(&desk.floor).await - before;
    assert!(counted < 2 * MANY, "{counted} counts, some of them of whoever asks for the metrics");
}
