//! What a call used is in the ledger, once, and with its cost: whatever is delivered, in whatever order, and however often.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::store::Stored;
use vox_bridge::store::engine::{EngineError, MAX_PAGE, Order};
use vox_bridge::store::events::Event;
use vox_bridge::store::ledger::{Amounts, GroupBy, LEDGER};
use vox_bridge::store::prices::{Price, Unit};
use vox_bridge::store::usage_days::{Parts, USAGE_DAYS, UsageDay};
use vox_shared::ids::PriceId;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, result, wrong_fields};

/// A result of a real worker with a use of vendors.
pub fn used(session: &str, disconnected_by: &str) -> Value {
    let mut result = result(session, disconnected_by);
    result["worker_id"] = json!("wrk_1");
    result["usage_metrics"] = json!([
        {"provider": "deepgram", "model": "nova-3", "kind": "stt", "seconds": 12.5},
        {"provider": "openai", "model": "gpt-4o-mini", "kind": "llm", "tokens_in": 1000, "tokens_out": 50, "tokens_cached": 400},
        {"provider": "elevenlabs", "model": "m", "kind": "tts", "characters": 333}
    ]);
    result
}

impl TestBridge {
    async fn price(&self, price: Value) -> Value {
        let token = self.token(Role::SuperAdmin).await;
        let added = self.request(Method::POST, "/api/v1/prices").bearer_auth(token).json(&price).send();
        json(added.await.unwrap(), StatusCode::CREATED).await
    }

    async fn prices(&self) {
        for price in [
            json!({"service": "stt", "vendor": "deepgram", "unit": "seconds", "money": 4300, "per": 60}),
            json!({"service": "llm", "vendor": "openai", "model": "gpt-4o-mini", "unit": "tokens_in", "money": 150_000, "per": 1_000_000}),
            json!({"service": "llm", "vendor": "openai", "model": "gpt-4o-mini", "unit": "tokens_out", "money": 600_000, "per": 1_000_000}),
            json!({"service": "llm", "vendor": "openai", "model": "gpt-4o-mini", "unit": "tokens_cached", "money": 75_000, "per": 1_000_000}),
        ] {
            self.price(price).await;
        }
    }

    pub async fn usage(&self, query: &str) -> Value {
        let token = self.token(Role::Admin).await;
        let asked = self.get(&format!("/v1/usage{query}")).bearer_auth(token).send().await.unwrap();
        json(asked, StatusCode::OK).await
    }

    async fn ledger_of(&self, session: &str) -> Vec<Value> {
        let token = self.token(Role::Admin).await;
        let path = format!("/v1/conversations/{session}/events");
        let page = json(self.get(&path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await;
        page["items"].as_array().unwrap().clone()
    }

    pub async fn move_and_add_up(&self) {
        self.app.relay.move_all().await.unwrap();
        self.app.roll_up.round().await.unwrap();
    }

    /// Levels and limits that were told, in order.
    async fn warned(&self) -> Vec<(i64, i64)> {
        let events = self.app.stores.events(&self.tenant()).list_events(Order::Ascending, 100, None).await;
        let events = events.unwrap().items.into_iter().filter(|e| e.value.event == "quota.warning");
        let number = |event: &Stored<Event>, field: &str| event.value.data[field].as_i64().unwrap();
        let mut warned: Vec<_> = events.map(|e| (number(&e, "level"), number(&e, "limit"))).collect();
        warned.sort_unstable();
        warned
    }

    async fn sums(&self) -> Amounts {
        let ledger = self.app.stores.ledger(&self.tenant());
        ledger.sums(("2026-11-01", "2026-12-01"), GroupBy::Day).await.unwrap().total()
    }
}

#[tokio::test]
async fn a_call_is_charged_by_the_prices_of_the_moment_at_which_it_began() {
    let bridge = TestBridge::start().await;
    bridge.prices().await;
    bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
    // Dearer from the next second on, which is before the result comes.
    bridge.clock.advance(SignedDuration::from_secs(1));
    let dearer =
        json!({"service": "stt", "vendor": "deepgram", "unit": "seconds", "money": 43_000, "per": 60});
    bridge.price(dearer).await;
    bridge.deliver(&used("call_1", "customer")).await;
    let cost = bridge.call("call_1").await["cost"].clone();
    // 12.5 s of 4300 a minute: 895.83; 600 fresh tokens 90, 400 cached 30, 50 out 30. The voice has no price.
    assert_eq!((&cost["money"], &cost["unpriced"]), (&json!(896 + 90 + 30 + 30), &json!(1)), "{cost}");
    let tts = cost["vendors"].as_array().unwrap().iter().find(|v| v["service"] == "tts").unwrap();
    assert_eq!((&tts["money"], &tts["unpriced"]), (&json!(0), &json!(true)));

    bridge.move_and_add_up().await;
    let entries = bridge.ledger_of("call_1").await;
    assert_eq!(entries.len(), 5, "{entries:#?}");
    let stt = entries.iter().find(|e| e["service"] == "stt").unwrap();
    assert_eq!((&stt["amounts"]["vendor_ms"], &stt["amounts"]["money"]), (&json!(12_500), &json!(896)));
    assert_eq!(stt["prices"].as_array().unwrap().len(), 1);
    let agent = bridge.token(Role::Agent).await;
    let seen =
        json(bridge.get("/api/v1/calls/call_1").bearer_auth(agent).send().await.unwrap(), StatusCode::OK)
            .await;
    assert_eq!(seen["cost"], Value::Null, "money is not for agents");
}

#[tokio::test]
async fn usage_is_told_by_day_bot_and_vendor_and_to_a_key_of_its_own_bot_only() {
    let bridge = TestBridge::start().await;
    bridge.prices().await;
    let other = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    for (session, bot) in [("call_1", "faq"), ("call_2", other.as_str())] {
        bridge.fetch_config(bot, &[("session_id", session)]).await;
        bridge.deliver(&used(session, "customer")).await;
    }
    bridge.clock.advance(SignedDuration::from_hours(24));
    bridge.fetch_config("faq", &[("session_id", "call_3")]).await;
    bridge.move_and_add_up().await;
    let days = bridge.usage("?group_by=day").await;
    let total = &days["total"];
    assert_eq!(
        (&total["conversations"], &total["call_ms"], &total["minutes"]),
        (&json!(3), &json!(25_000), &json!(0))
    );
    assert_eq!(
        (&total["tokens"], &total["characters"], &total["unpriced"]),
        (&json!(2_100), &json!(666), &json!(2))
    );
    let keys: Vec<_> = days["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["key"].clone(), g["conversations"].clone()))
        .collect();
    assert_eq!(keys, [(json!("2026-11-20"), json!(2)), (json!("2026-11-21"), json!(1))]);
    let vendors = bridge.usage("?group_by=vendor&period=2026-11").await;
    let money: Vec<_> = vendors["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["key"].clone(), g["money"].clone()))
        .collect();
    assert_eq!(
        money,
        [("", 0), ("deepgram", 1792), ("elevenlabs", 0), ("openai", 300)].map(|(k, m)| (json!(k), json!(m)))
    );
    assert_eq!(bridge.usage("?period=2026-10").await["total"]["conversations"], 0);
    // A day without new entries is taken as it was added up, and not read from the ledger again.
    bridge.clock.advance(SignedDuration::from_mins(10));
    bridge.fetch_config("faq", &[("session_id", "call_4")]).await;
    bridge.move_and_add_up().await;
    let day = UsageDay {
        tenant_id: bridge.tenant(),
        day: "2026-11-20".into(),
        counted: 1_000_000,
        amounts: Amounts { conversations: 40, ..Amounts::default() },
        parts: None,
    };
    let days = bridge.app.stores.usage_days(&bridge.tenant());
    let made = days.list_whole_days(("2026-11-20", "2026-11-21")).await.unwrap();
    let parts = made[0].parts().unwrap();
    assert_eq!((parts.bots.len(), parts.vendors.len(), parts.vendors["deepgram"].money), (2, 4, 1_792));
    days.keep(day.clone()).await.unwrap();
    assert_eq!(bridge.usage("").await["total"]["conversations"], 42);
    let by_bot = bridge.usage("?group_by=bot").await;
    assert_eq!(by_bot["total"]["conversations"], 4, "such a day without parts is read from the ledger");
    let limited =
        bridge.insert_key(&bridge.tenant(), Scope::ALL, |key| key.bots = Some(vec![other.clone()])).await;
    let seen = limited.reads(&bridge, "/api/v1/usage?group_by=bot").await;
    assert_eq!(seen["groups"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen["total"]["conversations"], 1);
    // By bot and vendor all entries of the month were read, whatever was added up.
    let some = |conversations| Amounts { conversations, ..Amounts::default() };
    let bots = [(other.to_string(), some(30)), ("faq".to_owned(), some(10))].into();
    let parts = Parts { counted: 1_000_001, bots, vendors: [("deepgram".to_owned(), some(7))].into() };
    days.keep(UsageDay { counted: 1_000_001, parts: Some(parts), ..day }).await.unwrap();
    assert_eq!(bridge.usage("?group_by=bot").await["total"]["conversations"], 40 + 2);
    assert_eq!(bridge.usage("?group_by=vendor").await["total"]["conversations"], 7 + 2);
    for (query, conversations) in [("?group_by=bot", 30), ("?group_by=day", 30), ("?group_by=vendor", 1)] {
        let seen = limited.reads(&bridge, &format!("/api/v1/usage{query}")).await;
        assert_eq!(seen["total"]["conversations"], conversations, "{query} {seen}");
    }
    let token = bridge.token(Role::Admin).await;
    for (query, field) in
        [("period=2026-13", "period"), ("group_by=caller", "group_by"), ("perod=x", "perod")]
    {
        let asked = bridge.get(&format!("/v1/usage?{query}")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(wrong_fields(asked).await, [field]);
    }
}

/// What a late result corrects is taken back by counter-entries, so that every order of deliveries adds up to the same.
#[tokio::test]
async fn every_order_of_deliveries_leaves_the_same_sums() {
    let bridge = TestBridge::start().await;
    bridge.prices().await;
    let guess = |session: &str| result(session, "worker_lost");
    let neighbour = |session: &str| {
        let mut result = used(session, "worker_lost");
        result["call_duration_seconds"] = json!(3.0);
        result["usage_metrics"][0]["seconds"] = json!(2.0);
        result
    };
    let own = |session: &str| used(session, "customer");
    let kinds: [&dyn Fn(&str) -> Value; 3] = [&guess, &neighbour, &own];
    let mut before = bridge.sums().await;
    let mut each = Vec::new();
    // All orders of the three, each delivered twice in a row, and moved after every second delivery.
    for (n, order) in
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate()
    {
        let session = format!("call_{n}");
        bridge.fetch_config("faq", &[("session_id", &session)]).await;
        for (at, kind) in order.into_iter().flat_map(|kind| [kind, kind]).enumerate() {
            assert_eq!(bridge.deliver(&kinds[kind](&session)).await.status(), StatusCode::OK);
            if at % 3 == n % 3 {
                bridge.move_and_add_up().await;
            }
        }
        bridge.move_and_add_up().await;
        let now = bridge.sums().await;
        each.push(now.plus(before.negated()));
        before = now;
        let entries = bridge.ledger_of(&session).await;
        let counters = entries.iter().filter(|e| e["counter"] == true).count();
        assert_eq!(entries.len(), 5 + 2 * counters, "{order:?}");
    }
    assert!(each.windows(2).all(|pair| pair[0] == pair[1]), "{each:#?}");
    let sum = each[0];
    assert_eq!((sum.conversations, sum.call_ms, sum.vendor_ms, sum.unpriced), (1, 12_500, 12_500, 1));
    assert_eq!(sum.money, 896 + 90 + 30 + 30);
}

#[tokio::test]
async fn what_calls_used_is_brought_into_the_quota_and_refuses_the_next_one() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::SuperAdmin).await;
    let plan = bridge.request(Method::PUT, "/api/v1/plans/p").bearer_auth(&token);
    let plan = plan.json(&json!({"name": "P", "limits": {"tokens": 2_000, "conversations": 100}}));
    json(plan.send().await.unwrap(), StatusCode::OK).await;
    bridge.fetch_config("faq", &[("session_id", "call_0")]).await;
    let given = bridge.request(Method::PUT, "/api/v1/admin/tenants/default/plan").bearer_auth(&token);
    given.json(&json!({"plan": "p"})).send().await.unwrap();
    for session in ["call_1", "call_2"] {
        assert_eq!(bridge.fetch_config("faq", &[("session_id", session)]).await.status(), StatusCode::OK);
        bridge.deliver(&used(session, "customer")).await;
        bridge.move_and_add_up().await;
    }
    let refused = bridge.fetch_config("faq", &[("session_id", "call_3")]).await;
    let error = json(refused, StatusCode::PAYMENT_REQUIRED).await["error"].clone();
    assert_eq!(
        (&error["resource"], &error["used"], &error["limit"]),
        (&json!("tokens"), &json!(2_100), &json!(2_000))
    );
    let quota = bridge.get("/v1/admin/tenants/default/quota/conversations").bearer_auth(&token);
    let quota = json(quota.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(quota["used"], 3, "a call of before the plan counts too");

    bridge.app.roll_up.round().await.unwrap();
    assert_eq!(bridge.warned().await, [(80, 2_000), (100, 2_000)], "once each");
    // A limit that is raised is another one. What was told stays told when its events are gone.
    let plan = bridge.request(Method::PUT, "/api/v1/plans/p").bearer_auth(&token);
    let plan = plan.json(&json!({"name": "P", "limits": {"tokens": 2_500, "conversations": 100}}));
    json(plan.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(bridge.fetch_config("faq", &[("session_id", "call_3")]).await.status(), StatusCode::OK);
    bridge.move_and_add_up().await;
    assert_eq!(bridge.warned().await, [(80, 2_000), (80, 2_500), (100, 2_000)]);
    bridge.app.stores.all_events().sweep(vox_bridge::store::Stamp(bridge.now()).next()).await.unwrap();
    bridge.fetch_config("faq", &[("session_id", "call_3b")]).await;
    bridge.move_and_add_up().await;
    assert!(bridge.warned().await.is_empty());

    // The next month begins with nothing used, and a result of the old one's call counts there.
    bridge.clock.advance(SignedDuration::from_hours(24 * 11));
    bridge.fetch_config("faq", &[("session_id", "call_4")]).await;
    bridge.deliver(&used("call_0", "customer")).await;
    bridge.move_and_add_up().await;
    assert_eq!(bridge.usage("").await["total"]["tokens"], 0);
    assert_eq!(bridge.usage("?period=2026-11").await["total"]["tokens"], 3_150);
    assert!(bridge.warned().await.is_empty(), "of a month that is over nobody is told");
}

/// After every start all days of two months were added up, which in a large tenant never came to an end.
#[tokio::test]
async fn only_days_with_new_entries_are_added_up_after_a_start_too() {
    let bridge = TestBridge::start().await;
    bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
    bridge.deliver(&used("call_1", "customer")).await;
    bridge.move_and_add_up().await;
    let period = vox_bridge::billing::period::Period::of(bridge.now());
    let quota = async || {
        let quota = bridge.app.stores.quotas(&bridge.tenant()).find_quota(period).await.unwrap().unwrap();
        (quota.call_ms, quota.added_up.unwrap().to_string())
    };
    assert_eq!(quota().await, (12_500, "2026-11-20T10:00:00.000000Z".into()));
    bridge.clock.advance(SignedDuration::from_hours(24));
    bridge.fetch_config("faq", &[("session_id", "call_1b")]).await;
    bridge.deliver(&used("call_1b", "customer")).await;
    bridge.move_and_add_up().await;
    assert_eq!(quota().await, (25_000, "2026-11-21T10:00:00.000000Z".into()));
    // As no addition would leave it.
    let marked = json!({"call_ms": 1});
    bridge.damage(&USAGE_DAYS, "default/2026-11-20", "amounts", marked).await;
    bridge.clock.advance(SignedDuration::from_hours(24));
    bridge.fetch_config("faq", &[("session_id", "call_2")]).await;
    bridge.deliver(&used("call_2", "customer")).await;
    bridge.app.relay.move_all().await.unwrap();
    let started = bridge.second_app().await;
    started.roll_up.round().await.unwrap();
    assert_eq!(quota().await, (1 + 25_000, "2026-11-22T10:00:00.000000Z".into()));
    // A result that comes late makes its day new.
    bridge.fetch_config("faq", &[("session_id", "call_3")]).await;
    bridge.clock.advance(SignedDuration::from_hours(23));
    bridge.deliver(&used("call_3", "customer")).await;
    bridge.app.relay.move_all().await.unwrap();
    started.roll_up.round().await.unwrap();
    assert_eq!(quota().await, (1 + 37_500, "2026-11-23T09:00:00.000000Z".into()));
    // A whole look a day later mends whatever is not as the ledger has it.
    bridge.clock.advance(SignedDuration::from_hours(1));
    bridge.fetch_config("faq", &[("session_id", "call_4")]).await;
    bridge.app.relay.move_all().await.unwrap();
    started.roll_up.round().await.unwrap();
    assert_eq!(quota().await.0, 50_000);
}

/// Only the 500 latest of a vendor were looked at, and what none of them was for had no price.
#[tokio::test]
async fn a_price_counts_however_many_newer_ones_its_vendor_has() {
    let bridge = TestBridge::start().await;
    bridge.prices().await;
    let newer = |n: usize| Price {
        service: "stt".into(),
        vendor: "deepgram".into(),
        model: format!("other {n}"),
        unit: Unit::Seconds,
        money: 1,
        per: 1,
        effective_from: bridge.now().into(),
        created_at: bridge.now().into(),
    };
    bridge.clock.advance(SignedDuration::from_secs(1));
    let prices = bridge.app.stores.prices();
    for some in (0..MAX_PAGE).collect::<Vec<_>>().chunks(50) {
        let added = some.iter().map(|n| {
            let (price, prices) = (newer(*n), &prices);
            async move { prices.insert_price(&PriceId::generate(), &price).await }
        });
        futures_util::future::try_join_all(added).await.unwrap();
    }
    bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
    bridge.deliver(&used("call_1", "customer")).await;
    let cost = bridge.call("call_1").await["cost"].clone();
    assert_eq!((&cost["money"], &cost["unpriced"]), (&json!(896 + 90 + 30 + 30), &json!(1)), "{cost}");
}

#[tokio::test]
async fn results_that_make_no_sense_are_charged_for_what_can_be_and_fail_nothing() {
    let bridge = TestBridge::start().await;
    bridge.prices().await;
    bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
    let mut absurd = used("call_1", "customer");
    absurd["call_duration_seconds"] = json!(-1e300);
    absurd["usage_metrics"] = json!([
        {"provider": "deepgram", "kind": "stt", "seconds": 1e300},
        {"provider": "openai", "model": "gpt-4o-mini", "kind": "llm", "tokens_in": u64::MAX, "tokens_out": u64::MAX, "tokens_cached": u64::MAX},
        {"provider": "x".repeat(5_000), "model": "\u{0}", "kind": "magic", "requests": 7}
    ]);
    json(bridge.deliver(&absurd).await, StatusCode::OK).await;
    bridge.move_and_add_up().await;
    let total = bridge.usage("").await["total"].clone();
    assert_eq!((&total["call_ms"], &total["vendor_ms"]), (&json!(0), &json!(86_400_000)), "{total}");
    assert_eq!((&total["tokens"], &total["unpriced"]), (&json!(20_000_000_000_i64), &json!(1)));
    let mut more = used("call_2", "customer");
    more["usage_metrics"][1]["tokens_in"] = json!(-5);
    assert_eq!(wrong_fields(bridge.deliver(&more).await).await, ["usage_metrics.1.tokens_in"]);
}

#[tokio::test]
async fn prices_that_make_no_sense_are_named_and_the_history_stays() {
    let bridge = TestBridge::start().await;
    let token = bridge.token(Role::SuperAdmin).await;
    let good = json!({"service": "stt", "vendor": "deepgram", "unit": "seconds", "money": 1, "per": 1});
    for (field, value) in [
        ("service", json!("asr")),
        ("vendor", json!("deepgrm")),
        ("model", json!("m".repeat(65))),
        ("unit", json!("hours")),
        ("money", json!(-1)),
        ("money", json!(i64::MAX)),
        ("per", json!(0)),
        ("effective_from", json!("monday")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let asked = bridge.request(Method::POST, "/api/v1/prices").bearer_auth(&token).json(&bad).send();
        assert_eq!(wrong_fields(asked.await.unwrap()).await, [field]);
    }
    bridge.price(good.clone()).await;
    bridge.price(good).await;
    let listed = bridge.get("/api/v1/prices?vendor=deepgram").bearer_auth(&token).send().await.unwrap();
    assert_eq!(json(listed, StatusCode::OK).await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn no_operation_changes_or_deletes_an_entry() {
    let bridge = TestBridge::start().await;
    bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
    bridge.move_and_add_up().await;
    let id = "call_1:ledger.conversation";
    let entry = bridge.engine.get(&LEDGER, id.into()).await.unwrap().unwrap();
    let refused = EngineError::AppendOnly("ledger".into());
    assert_eq!(bridge.engine.compare_and_set(&LEDGER, entry.clone()).await, Err(refused.clone()));
    assert_eq!(bridge.engine.delete(&LEDGER, id.into(), entry.version).await, Err(refused.clone()));
    use vox_bridge::store::engine::{Query, Update};
    let change = bridge.engine.find_one_and_update(Query::by_id(&LEDGER, id), Update::default());
    assert_eq!(change.await, Err(refused.clone()));
    let day = vox_bridge::store::engine::Field::<vox_bridge::store::engine::Text>::new("tenant_id");
    let all = Query::by_index(&LEDGER, "by_day").equals(day, "default");
    assert_eq!(bridge.engine.delete_many(all).await, Err(refused));
    assert_eq!(bridge.engine.get(&LEDGER, id.into()).await.unwrap().unwrap(), entry);
}
