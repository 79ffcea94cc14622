//! A number of the tenant's whose calls are answered less than those of its other numbers rests, and comes back.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vox_bridge::campaign::calls::CallDesk;
use vox_bridge::store::dids::Did;
use vox_shared::ids::{CampaignId, DidId};
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::Ending;

use super::floor::{Floor, talked};
use super::refusals::asked;

/// Nobody answers it.
const FALLEN: &str = "+911140000000";
/// Everybody answers these.
const OTHERS: [&str; 3] = ["+911140000001", "+911140000002", "+911140000003"];
/// Calls of the fallen number that say enough beside those of the others.
const ENOUGH: u32 = 10;
/// After so long a line is free whichever bridge was told of its end: without Redis each has its own permits.
const LINE: SignedDuration = SignedDuration::from_secs(46);
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// One campaign with four numbers, and two bridges that are told how its calls end.
struct Shop {
    floor: Floor,
    campaign: CampaignId,
    bridges: [CallDesk; 2],
    people: u32,
    /// Calls of the fallen number, and of the others.
    shown: [u32; 2],
}

impl Shop {
    async fn open(numbers: Value) -> Self {
        let floor = Floor::start().await;
        let dids = floor.bridge.app.stores.dids(&floor.bridge.tenant());
        let first = dids.list_dids(1, None).await.unwrap().items.remove(0).value;
        for number in OTHERS {
            let number: Number = number.parse().unwrap();
            let did = Did { comparable: number.comparable(), number, ..first.clone() };
            dids.insert_did(&DidId::generate(), &did).await.unwrap();
        }
        let campaign = floor.campaign(json!({"keep_open": true, "numbers": numbers})).await;
        let bridges = [floor.desk.clone(), floor.bridge.second_app().await.call_desk.clone()];
        Self { floor, campaign, bridges, people: 0, shown: [0, 0] }
    }

    /// Call somebody new; answers whether they were shown the fallen number.
    async fn call(&mut self) -> bool {
        let callee = format!("+91987654{:04}", self.people);
        self.people += 1;
        let contact = self.floor.contact(&self.campaign, &[&callee]).await;
        let attempt = self.floor.dial(&self.campaign, &contact).await;
        let is_fallen = self.floor.attempt(&attempt).await.caller.number == FALLEN;
        let (which, ending) = if is_fallen { (0, Ending::NoAnswer) } else { (1, Ending::Answered) };
        let bridge = &self.bridges[usize::from(self.shown[which] % 2 == 1)];
        self.shown[which] += 1;
        bridge.ended(&attempt, &self.floor.told(ending, 1)).await.unwrap();
        if !is_fallen {
            bridge.heard(&attempt, &talked()).await.unwrap();
        }
        self.floor.pass(LINE);
        is_fallen
    }

    /// Call until the fallen number was shown often enough, and wait until it is time to look at it.
    async fn calls(&mut self) {
        let wanted = self.shown[0] + ENOUGH;
        while self.shown[0] < wanted {
            assert!(self.people < 400, "nobody is shown it: {:?}", self.shown);
            self.call().await;
        }
        self.floor.pass(QUARTER);
    }

    async fn nobody_sees_it(&mut self) {
        for _ in 0..4 {
            assert!(!self.call().await, "it rests");
        }
    }

    /// The number as the API shows it.
    async fn fallen(&self) -> Value {
        let numbers = asked(&self.floor, "/v1/numbers?limit=100").await;
        let mut numbers = numbers["items"].as_array().unwrap().iter();
        numbers.find(|did| did["number"] == FALLEN).unwrap().clone()
    }

    fn now_and(&self, time: SignedDuration) -> String {
        (self.floor.now() + time).to_string()
    }

    /// Events that tell of a rest, the oldest first.
    async fn told(&self) -> Vec<Value> {
        self.floor.bridge.app.herald.tell_all().await.unwrap();
        let events = asked(&self.floor, "/api/v1/events?limit=100").await;
        let events = events["items"].as_array().unwrap().iter();
        let mut rests: Vec<Value> = events
            .filter(|event| event["event"] == "number.rests")
            .map(|event| event["data"].clone())
            .collect();
        rests.sort_by_key(|rest| rest["until"].as_str().unwrap().to_owned());
        rests
    }
}

#[tokio::test]
async fn a_number_that_is_answered_less_is_cooled_for_a_day_and_the_second_time_for_two_weeks() {
    // Redis counts the hour by its own clock, in which all of this is a minute.
    let mut shop = Shop::open(json!({"per_hour": 1_000, "per_day": 5_000})).await;
    shop.calls().await;
    shop.bridges[0].round().await.unwrap();
    let known = shop.fallen().await;
    let spared_until = shop.now_and(SignedDuration::from_hours(48));
    assert_eq!((&known["rests_until"], &known["spared_until"]), (&Value::Null, &json!(spared_until)));
    // What the other one was told says enough.
    shop.bridges[1].round().await.unwrap();
    let known = shop.fallen().await;
    let until = shop.now_and(SignedDuration::from_hours(24));
    assert_eq!((&known["rests_until"], &known["rests_why"]), (&json!(until), &json!("fewer_answers")));
    assert_eq!(known["spared_until"], Value::Null);

    shop.nobody_sees_it().await;
    shop.floor.pass(SignedDuration::from_hours(23));
    shop.nobody_sees_it().await;
    shop.floor.pass(SignedDuration::from_hours(1));
    shop.calls().await;
    for bridge in &shop.bridges {
        bridge.round().await.unwrap();
    }
    let known = shop.fallen().await;
    let again = shop.now_and(SignedDuration::from_hours(14 * 24));
    assert_eq!((&known["rests_until"], &known["rests_why"]), (&json!(again), &json!("cooled_twice")));

    let told = shop.told().await;
    let of = |why: &str, until: &str| json!({"did_id": known["id"], "carrier_id": known["carrier_id"], "why": why, "until": until});
    assert_eq!(told, [of("fewer_answers", &until), of("cooled_twice", &again)]);

    shop.floor.pass(SignedDuration::from_hours(13 * 24));
    shop.nobody_sees_it().await;
    shop.floor.pass(SignedDuration::from_hours(24));
    while !shop.call().await {
        assert!(shop.people < 400, "it is shown again");
    }
}

#[tokio::test]
async fn calls_of_a_campaign_that_says_so_have_no_number_rest() {
    let mut shop = Shop::open(json!({"health": false})).await;
    shop.calls().await;
    for bridge in &shop.bridges {
        bridge.round().await.unwrap();
    }
    let known = shop.fallen().await;
    assert_eq!((&known["rests_until"], &known["spared_until"]), (&Value::Null, &Value::Null));
    while !shop.call().await {
        assert!(shop.people < 400, "it is shown");
    }
}

#[tokio::test]
async fn that_networks_block_a_number_is_told_and_shown_with_it() {
    let mut shop = Shop::open(json!({"from": [FALLEN]})).await;
    for ending in [Ending::BlockedAnalytics, Ending::RejectedByAnalytics] {
        let callee = format!("+91987654{:04}", shop.people);
        let contact = shop.floor.contact(&shop.campaign, &[&callee]).await;
        shop.floor.ring(&shop.campaign, &contact, ending).await;
        shop.people += 1;
    }
    let (known, until) = (shop.fallen().await, shop.now_and(SignedDuration::from_hours(14 * 24)));
    assert_eq!((&known["rests_until"], &known["rests_why"]), (&json!(until), &json!("blocked")));
    let told = shop.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["did_id"], &told[0]["why"]), (&known["id"], &json!("blocked")));
    let metrics = shop.floor.bridge.metrics().await;
    assert!(metrics.contains("campaign_callers_resting_total{why=\"blocked\"} 1"), "{metrics}");
}
