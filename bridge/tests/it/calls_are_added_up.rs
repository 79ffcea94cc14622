//! Sums over calls: the same as counting the calls one by one, in whatever order results come, are repeated and are corrected, and
//! whoever is killed while adding them up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use vox_bridge::analytics::answer::{GroupBy, Narrowing, answer};
use vox_bridge::analytics::cell::{Cell, Key, Sum, encode};
use vox_bridge::analytics::fact::Fact;
use vox_bridge::analytics::span::Time;
use vox_bridge::app::App;
use vox_bridge::auth::role::Role;
use vox_bridge::store::digests::{CallDigest, Words};
use vox_bridge::store::engine::Collection;
use vox_bridge::store::rollups::{Grain, ROLLUP_BATCHES, ROLLUPS, Rollup};
use vox_bridge::store::{Reach, Stamp, Stores};
use vox_shared::ids::TenantId;
use vox_shared::model::bot::{ApiKey, BotSettings, LineAccess};

use crate::harness::interposed::{Documents, Step};
use crate::harness::{TestBridge, json, result, temp_engine, with_query, wrong_fields};

const LINE_TOKEN: &str = "lt-0123456789abcdef";
const CALLS: usize = 60;
const ENDS: [&str; 6] = ["bot", "customer", "busy", "transfer_to_agent", "RNR", "error"];

/// What is known of a call's last word.
struct Told {
    bot: String,
    /// Empty for none.
    campaign: &'static str,
    /// Minutes since the first call.
    minute: i64,
    end: &'static str,
    seconds: f64,
    vendor: &'static str,
    llm_ms: Vec<f64>,
}

impl Told {
    fn is_completed(&self) -> bool {
        ["bot", "customer", "transfer_to_agent"].contains(&self.end)
    }

    fn result(&self, session: &str) -> Value {
        let mut told = result(session, self.end);
        told["bot_id"] = json!(self.bot);
        told["call_duration_seconds"] = json!(self.seconds);
        told["call_direction"] = json!(if self.minute % 2 == 0 { "incoming" } else { "outgoing" });
        told["latency_samples"] =
            self.llm_ms.iter().map(|ms| json!({"llm_ms": ms, "total_ms": ms + 300.0})).collect();
        told["usage_metrics"] =
            json!([{"kind": "llm", "provider": self.vendor, "model": "m", "tokens_in": 5}]);
        told
    }
}

struct Sums {
    bridge: TestBridge,
    other: App,
    _data: TempDir,
    random: StdRng,
}

impl Sums {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let data = tempfile::tempdir().unwrap();
        let other = bridge.second_app().await;
        Self { bridge, other, _data: data, random: StdRng::seed_from_u64(40) }
    }

    async fn bot(&self) -> String {
        // Whoever knows the token is believed what it says of a campaign.
        let line_access = LineAccess { token: ApiKey::new(LINE_TOKEN), ..LineAccess::default() };
        let settings = BotSettings { line_access, ..BotSettings::default() };
        self.bridge.insert_bot(&self.bridge.tenant(), settings).await.to_string()
    }

    /// Some of the work, by one of two bridges, which may be killed in it.
    async fn some_work(&mut self) {
        let app = if self.random.random_bool(0.5) { &self.bridge.app } else { &self.other };
        let time = Duration::from_micros(self.random.random_range(50..20_000));
        let work = async {
            app.digester.round().await.unwrap();
            app.counting.round().await.unwrap();
        };
        let _ = timeout(time, work).await;
    }

    async fn all_work(&self) {
        while self.bridge.app.digester.round().await.unwrap() > 0 {}
        while self.bridge.app.counting.round().await.unwrap() > 0 {}
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let token = self.bridge.token(Role::Admin).await;
        let path = with_query(
            path,
            &[&[("from", "2026-11-20T00:00:00Z"), ("to", "2026-11-23T00:00:00Z")], query].concat(),
        );
        json(self.bridge.get(&path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
    }

    async fn sums(&self, query: &[(&str, &str)]) -> Value {
        self.ask("/api/v1/analytics/calls", query).await
    }

    async fn ids(&self, query: &[(&str, &str)]) -> usize {
        self.ask("/api/v1/analytics/calls/ids", query).await["session_ids"].as_array().unwrap().len()
    }
}

fn check(found: &Value, calls: &[&Told]) {
    let (count, completed) = (calls.len(), calls.iter().filter(|c| c.is_completed()).count());
    let transferred = calls.iter().filter(|c| c.end == "transfer_to_agent").count();
    assert_eq!(found["calls"], count, "{found}");
    assert_eq!(found["contained"], completed - transferred, "{found}");
    assert_eq!(found["transferred"], transferred, "{found}");
    let seconds: f64 = calls.iter().map(|c| c.seconds).sum();
    assert!((found["duration_seconds"].as_f64().unwrap() - seconds).abs() < 1e-6, "{found}");
    let mut outcomes = BTreeMap::<&str, usize>::new();
    calls.iter().for_each(|c| *outcomes.entry(c.end).or_default() += 1);
    assert_eq!(found["outcomes"], json!(outcomes), "{found}");
    let mut times: Vec<f64> = calls.iter().flat_map(|c| c.llm_ms.clone()).collect();
    times.sort_by(f64::total_cmp);
    let latency = &found["latency"]["llm"];
    assert_eq!(latency["samples"], times.len(), "{found}");
    for (name, share) in [("p50_ms", 0.5), ("p95_ms", 0.95)] {
        let Some(exact) =
            times.get((times.len() as f64 * share).ceil() as usize - usize::from(!times.is_empty()))
        else {
            assert_eq!(latency[name], Value::Null, "no samples, no percentile");
            continue;
        };
        assert!((latency[name].as_f64().unwrap() / exact - 1.0).abs() < 0.05, "{latency} {name} {exact}");
    }
}

#[tokio::test]
async fn sums_are_those_of_the_calls_in_any_order_with_repeats_corrections_and_kills() {
    let mut sums = Sums::start().await;
    let bots = [sums.bot().await, sums.bot().await];
    let (mut told, mut late) = (Vec::new(), Vec::new());
    for n in 0..CALLS {
        let session = format!("call_{n}");
        let (bot, campaign) = (bots[n % 2].clone(), ["", "spring", "autumn"][n / 2 % 3]);
        let event = match campaign {
            "" => json!({}),
            campaign => json!({ "_campaign_id": campaign }),
        };
        let event = event.to_string();
        let asked = [
            ("session_id", session.as_str()),
            ("connected_event", event.as_str()),
            ("line_token", LINE_TOKEN),
            ("transport", "ws"),
        ];
        assert_eq!(sums.bridge.fetch_config(&bot, &asked).await.status(), StatusCode::OK);
        let random = &mut sums.random;
        let call = Told {
            bot,
            campaign,
            minute: 37 * n as i64,
            end: ENDS[random.random_range(0..ENDS.len())],
            seconds: f64::from(random.random_range(1..2_000)) / 8.0,
            vendor: ["groq", "openai"][random.random_range(0..2)],
            llm_ms: (0..random.random_range(0..6)).map(|_| random.random_range(50.0..4_000.0)).collect(),
        };
        let lost =
            Told { end: "worker_lost", seconds: 1.0, llm_ms: vec![9.0], bot: call.bot.clone(), ..call };
        match n % 3 {
            // The guess first, and the worker's own word late, in another order.
            0 => {
                assert_eq!(sums.bridge.deliver(&lost.result(&session)).await.status(), StatusCode::OK);
                late.push(call.result(&session));
            }
            1 => late.push(call.result(&session)),
            _ => assert_eq!(sums.bridge.deliver(&call.result(&session)).await.status(), StatusCode::OK),
        }
        told.push(call);
        if n % 4 == 0 {
            sums.some_work().await;
        }
        sums.bridge.clock.advance(SignedDuration::from_mins(37));
    }
    while !late.is_empty() {
        let next = late.swap_remove(sums.random.random_range(0..late.len()));
        for _ in 0..2 {
            assert_eq!(sums.bridge.deliver(&next).await.status(), StatusCode::OK);
        }
        sums.some_work().await;
    }
    sums.all_work().await;

    check(&sums.sums(&[]).await["total"], &told.iter().collect::<Vec<_>>());
    check(
        &sums.sums(&[("group_by", "bot"), ("time_zone", "Asia/Dubai")]).await["total"],
        &told.iter().collect::<Vec<_>>(),
    );
    for bot in &bots {
        let of_bot: Vec<&Told> = told.iter().filter(|call| call.bot == *bot).collect();
        check(&sums.sums(&[("bot_id", bot)]).await["total"], &of_bot);
        assert_eq!(sums.ids(&[("bot_id", bot)]).await, of_bot.len());
    }
    for (by, key) in [
        ("outcome", (|call: &Told| call.end.to_owned()) as fn(&Told) -> String),
        ("day", |call| format!("2026-11-{}", 20 + (600 + call.minute) / 1_440)),
        ("vendor", |call| call.vendor.to_owned()),
        ("campaign", |call| call.campaign.to_owned()),
    ] {
        let found = sums.sums(&[("group_by", by)]).await;
        let mut groups = BTreeMap::<String, Vec<&Told>>::new();
        told.iter().for_each(|call| groups.entry(key(call)).or_default().push(call));
        let keys: Vec<&str> =
            found["groups"].as_array().unwrap().iter().map(|group| group["key"].as_str().unwrap()).collect();
        assert_eq!(keys, groups.keys().collect::<Vec<_>>(), "{by}");
        for group in found["groups"].as_array().unwrap() {
            check(group, &groups[group["key"].as_str().unwrap()]);
        }
    }
    // Dispositions are those of the calls as they are shown.
    let page = sums.ask("/api/v1/calls", &[("limit", "200")]).await;
    let mut words = BTreeMap::<String, usize>::new();
    for call in page["items"].as_array().unwrap() {
        *words.entry(call["disposition"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(words.len() > 2 && words.values().sum::<usize>() == CALLS, "{words:?}");
    let found = sums.sums(&[("group_by", "disposition")]).await;
    assert_eq!(found["total"]["dispositions"], json!(words));
    let groups = found["groups"].as_array().unwrap();
    let of_groups: BTreeMap<&str, usize> = groups
        .iter()
        .map(|group| (group["key"].as_str().unwrap(), group["calls"].as_u64().unwrap() as usize))
        .collect();
    assert_eq!(json!(of_groups), json!(words));
    for (word, count) in &words {
        let narrow = [("disposition", word.as_str())];
        assert_eq!(sums.sums(&narrow).await["total"]["calls"], *count, "{word}");
        assert_eq!(sums.ids(&narrow).await, *count, "{word}");
    }
    let spring = [("campaign_id", "spring"), ("bot_id", bots[1].as_str())];
    let of_spring: Vec<&Told> =
        told.iter().filter(|call| call.campaign == "spring" && call.bot == bots[1]).collect();
    check(&sums.sums(&spring).await["total"], &of_spring);
    assert_eq!(sums.ids(&spring).await, of_spring.len());
    let hours = sums.sums(&[("group_by", "hour")]).await;
    let in_hours: i64 =
        hours["groups"].as_array().unwrap().iter().map(|g| g["calls"].as_i64().unwrap()).sum();
    assert_eq!(in_hours, CALLS as i64);
    let narrow = [("status", "completed"), ("direction", "outgoing"), ("vendor", "groq")];
    let of_narrow: Vec<&Told> = told
        .iter()
        .filter(|call| call.is_completed() && call.minute % 2 != 0 && call.vendor == "groq")
        .collect();
    check(&sums.sums(&narrow).await["total"], &of_narrow);
    assert_eq!(sums.ids(&narrow).await, of_narrow.len());
}

/// A digest of a call that began in the first hour of the tests' day, with nothing but a campaign.
fn digest(n: usize, version: i64) -> (String, CallDigest) {
    let began = Stamp("2026-11-20T10:00:00Z".parse().unwrap());
    let mut cell = Cell::default();
    cell.set(Sum::Calls, 1);
    let (bot, campaign) = ("faq".to_owned(), format!("campaign {n}"));
    let key = Key { bot, campaign, outcome: "bot".into(), ..Key::default() };
    let fact = Fact { hour: began, day: "2026-11-20".into(), cell: encode(&key, &cell) };
    let digest = CallDigest {
        tenant_id: "default".parse().unwrap(),
        bot_id: "faq".parse().unwrap(),
        place: n as i64,
        call_version: version,
        words: Words::default(),
        fact: Some(fact).filter(|_| version == 1),
        due: Some(began),
        counted: None,
        counted_in: 0,
        gone_at: None,
    };
    (format!("call_{n}"), digest)
}

/// With a campaign for each call the sums of a month grew until the store refused them, and the tenant was counted no further.
#[tokio::test]
async fn however_many_campaigns_there_are_all_calls_are_counted() {
    const MANY: usize = 4_000;
    let sums = Sums::start().await;
    let digests = sums.bridge.app.stores.all_digests();
    digests.keep((0..MANY).map(|n| digest(n, 1)).collect()).await.unwrap();
    sums.all_work().await;
    let found = sums.sums(&[("group_by", "campaign")]).await;
    assert_eq!(found["total"]["calls"], MANY);
    let groups = found["groups"].as_array().unwrap();
    let other = groups.iter().find(|group| group["key"] == "other").expect("some are not told apart");
    assert!(groups.len() < MANY / 2, "{}", groups.len());
    assert_eq!(other["calls"].as_u64().unwrap() as usize, MANY + 1 - groups.len());
    // All of them were corrected.
    digests.keep((0..MANY).map(|n| digest(n, 2)).collect()).await.unwrap();
    sums.all_work().await;
    let found = sums.sums(&[("group_by", "campaign")]).await;
    assert_eq!((&found["total"]["calls"], &found["groups"]), (&json!(0), &json!([])));
}

/// The sums of two months, hour by hour, were all in memory before the first of them was added up.
#[tokio::test]
async fn large_sums_are_added_up_a_page_at_a_time() {
    let (_data, engine) = temp_engine();
    let (pages, tenant): (_, TenantId) = (Arc::new(AtomicUsize::new(0)), "default".parse().unwrap());
    let asked = pages.clone();
    let before = move |step, of: &'static Collection| {
        if step == Step::Find && of.name == ROLLUPS.name {
            asked.fetch_add(1, Ordering::Relaxed);
        }
        async move { Ok(()) }.boxed()
    };
    let stores = Stores::open(Arc::new(Documents { inner: engine, before: Box::new(before) })).await.unwrap();
    let mut cell = Cell::default();
    cell.set(Sum::Calls, 1);
    let cells: Vec<String> = (0..1_500)
        .map(|n| {
            let campaign = format!("{n} {}", "x".repeat(100));
            encode(&Key { bot: "faq".into(), campaign, ..Key::default() }, &cell)
        })
        .collect();
    let (from, to) = ("2026-11-01T00:00:00Z".parse().unwrap(), "2026-11-05T00:00:00Z".parse().unwrap());
    let time = Time::around(from, to, TimeZone::UTC);
    for hour in 0..96 {
        let start = Stamp(from + SignedDuration::from_hours(hour)).to_string();
        let (tenant_id, cells) = (tenant.clone(), cells.clone());
        let rollup = Rollup { tenant_id, grain: Grain::Hour, start, batch: 1, cells, coarseness: 1 };
        stores.rollups(&tenant).insert(&rollup).await.unwrap();
    }
    let (reach, all) = (Reach::whole(tenant), Narrowing::default());
    let found = answer(&stores, &reach, (&time, Grain::Hour), (GroupBy::Campaign, &all)).await.unwrap();
    assert_eq!((found.total.sum(Sum::Calls), found.groups.len()), (96 * 1_500, 1_500));
    let pages = pages.load(Ordering::Relaxed);
    assert!(pages >= 3, "20 MB in {pages} pages");
}

#[tokio::test]
async fn a_disposition_that_changes_is_counted_instead_of_the_one_before() {
    let sums = Sums::start().await;
    let mut told = result("call_1", "customer");
    told["bot_id"] = json!(sums.bot().await);
    assert_eq!(sums.bridge.deliver(&told).await.status(), StatusCode::OK);
    sums.all_work().await;
    let calls = sums.bridge.app.stores.calls(&sums.bridge.tenant());
    let mut call = calls.get_call(&"call_1".parse().unwrap()).await.unwrap();
    let verdict = call.value.verdict.as_mut().unwrap();
    assert_eq!(sums.sums(&[]).await["total"]["dispositions"], json!({ &verdict.disposition: 1 }));
    verdict.disposition = "PROMISED".into();
    calls.replace_call(call).await.unwrap();
    sums.all_work().await;
    let found = sums.sums(&[("group_by", "disposition")]).await;
    assert_eq!(found["total"]["dispositions"], json!({"PROMISED": 1}));
    assert_eq!(found["groups"].as_array().unwrap().len(), 1, "{found}");
}

#[tokio::test]
async fn days_are_those_of_the_tenants_time_zone_and_cost_is_for_who_may_see_it() {
    let sums = Sums::start().await;
    let bot = sums.bot().await;
    let owner = sums.bridge.token(Role::SuperAdmin).await;
    let zone = json!({"display_timezone": "Asia/Kolkata"});
    let set = sums.bridge.send(Method::PUT, "/api/v1/settings/timezone", &owner, zone).await;
    assert_eq!(set.status(), StatusCode::OK);
    for (n, began) in ["2026-11-20T18:29:00Z", "2026-11-20T18:31:00Z"].iter().enumerate() {
        let mut told = result(&format!("call_{n}"), "bot");
        (told["bot_id"], told["started_at"]) = (json!(bot), json!(began));
        assert_eq!(sums.bridge.deliver(&told).await.status(), StatusCode::OK);
    }
    sums.all_work().await;
    let found = sums.sums(&[("group_by", "day")]).await;
    let days: Vec<&str> =
        found["groups"].as_array().unwrap().iter().map(|g| g["key"].as_str().unwrap()).collect();
    assert_eq!((days, &found["time_zone"]), (vec!["2026-11-20", "2026-11-21"], &json!("Asia/Kolkata")));
    assert_eq!(found["total"]["money"], 0);

    // Somebody removed the note of the last batch, damaged as it was.
    let note = sums.bridge.engine.get(&ROLLUP_BATCHES, "default".into()).await.unwrap().unwrap();
    assert!(sums.bridge.engine.delete(&ROLLUP_BATCHES, note.id, note.version).await.unwrap());
    let mut told = result("call_2", "bot");
    (told["bot_id"], told["started_at"]) = (json!(bot), json!("2026-11-20T18:32:00Z"));
    assert_eq!(sums.bridge.deliver(&told).await.status(), StatusCode::OK);
    sums.bridge.app.digester.round().await.unwrap();
    assert!(sums.bridge.app.counting.round().await.unwrap() > 0);
    assert_eq!(sums.bridge.app.counting.round().await.unwrap(), 0, "nothing waits for ever");
    assert_eq!(sums.sums(&[]).await["total"]["calls"], 3);

    let agent = sums.bridge.token(Role::Agent).await;
    let get = async |path: &str| sums.bridge.get(path).bearer_auth(&agent).send().await.unwrap();
    let shown = json(get("/api/v1/analytics/calls?to=2026-11-22T00:00:00Z").await, StatusCode::OK).await;
    assert_eq!((&shown["total"]["calls"], &shown["total"]["money"]), (&json!(3), &Value::Null));
    for (query, field) in [
        ("time_zone=Mars/Base", "time_zone"),
        ("time_zone=Europe/Berlin", "time_zone"),
        ("group_by=hour&from=2026-01-01T00:00:00Z", "group_by"),
        ("from=2020-01-01T00:00:00Z", "from"),
        ("from=2026-11-20T10:00:00Z&to=2026-11-20T10:00:00Z", "to"),
        ("group_by=colour", "group_by"),
        ("limit=5", "limit"),
    ] {
        assert_eq!(
            wrong_fields(get(&format!("/api/v1/analytics/calls?{query}")).await).await,
            [field],
            "{query}"
        );
    }
}
