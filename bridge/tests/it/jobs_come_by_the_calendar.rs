//! Reports of days, statements of months and the daily retention: made once, for each tenant by its own clocks, and caught up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::analytics::report;
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::billing::statement;
use vox_bridge::custody::{Custodian, retention};
use vox_bridge::jobs::runner::Failure;
use vox_bridge::jobs::upkeep::{MAX_AGED, Upkeep};
use vox_bridge::objects::Key;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::engine::{Collection, Order};
use vox_bridge::store::jobs::{JOBS, Job, JobState, Queue};
use vox_bridge::store::ledger::{Amounts, Entry, EntryKind, Line};
use vox_bridge::store::tenants::TenantStatus;
use vox_bridge::store::{Reach, Stamp, Stored, Stores};
use vox_shared::ids::{JobId, TenantId};
use vox_shared::model::bot::BotSettings;

use crate::harness::interposed::{Documents, Files, Step, Touch};
use crate::harness::{NOW, TestBridge, json, refusal, result, temp_engine, wrong_fields};
use crate::recordings_are_stored_and_served::upload;
use crate::s3_server::eventually;

const SOON: Duration = Duration::from_secs(30);

/// A bridge whose jobs come when the clock says so.
pub struct Calendar {
    pub bridge: TestBridge,
    pub bot: String,
}

impl Calendar {
    pub async fn start() -> Self {
        Self::over(TestBridge::start().await).await
    }

    pub async fn over(bridge: TestBridge) -> Self {
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await.to_string();
        Self { bridge, bot }
    }

    pub async fn call(&self, session: &str, end: &str) {
        let query = [("session_id", session), ("caller_id", "+4915112345678")];
        assert_eq!(self.bridge.fetch_config(&self.bot, &query).await.status(), StatusCode::OK);
        self.end(session, end, 60.0).await;
    }

    pub async fn end(&self, session: &str, end: &str, seconds: f64) {
        let key = format!("{session}.wav");
        assert_eq!(upload(&self.bridge, &key, b"RIFF sound".to_vec(), None).await.status(), StatusCode::OK);
        let mut told = result(session, end);
        (told["bot_id"], told["recording_key"], told["call_duration_seconds"]) =
            (json!(self.bot), json!(key), json!(seconds));
        assert_eq!(self.bridge.deliver(&told).await.status(), StatusCode::OK);
        self.bridge.app.relay.move_all().await.unwrap();
        self.counted().await;
    }

    async fn counted(&self) {
        while self.bridge.app.digester.round().await.unwrap() > 0 {}
        while self.bridge.app.counting.round().await.unwrap() > 0 {}
    }

    /// A look at the calendar after this time, and whatever it asks for.
    pub async fn after(&self, hours: i64) {
        self.bridge.clock.advance(SignedDuration::from_hours(hours));
        let app = &self.bridge.app;
        app.timetable.round().await.unwrap();
        app.timetable.round().await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(app.runner.clone().run(stop.clone()));
        let done = eventually(SOON, || async {
            let jobs =
                app.stores.jobs(&self.bridge.tenant()).list_jobs((None, None), 100, None).await.unwrap();
            assert!(jobs.items.iter().all(|job| job.value.error.is_none()), "{:?}", jobs.items);
            jobs.items.iter().all(|job| job.value.state == JobState::Done)
        });
        assert!(done.await, "a job is not done");
        stop.cancel();
        running.await.unwrap();
    }

    pub async fn get(&self, path: &str) -> Value {
        let token = self.bridge.token(Role::Admin).await;
        json(self.bridge.get(path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
    }

    pub async fn events(&self, name: &str) -> Vec<Value> {
        let events = self.bridge.app.stores.events(&self.bridge.tenant());
        let all = events.list_events(Order::Ascending, 500, None).await.unwrap().items;
        all.into_iter().filter(|e| e.value.event == name).map(|e| Value::Object(e.value.data)).collect()
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> reqwest::Response {
        let token = self.bridge.token(Role::SuperAdmin).await;
        self.bridge.send(method, path, &token, body).await
    }
}

fn days(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|report| report["day"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_day_is_reported_once_and_those_that_were_missed_too() {
    let calendar = Calendar::start().await;
    let zone = json!({"display_timezone": "Asia/Kolkata"});
    let set = calendar.send(Method::PUT, "/api/v1/settings/timezone", zone).await;
    assert_eq!(set.status(), StatusCode::OK);
    calendar.call("call_1", "customer").await;
    calendar.call("call_2", "busy").await;
    // Half past eight in the evening there.
    calendar.after(5).await;
    assert_eq!(calendar.get("/api/v1/reports").await["items"], json!([]), "the day is not over");
    let mut told = result("call_3", "customer");
    told["bot_id"] = json!(calendar.bot);
    assert_eq!(calendar.bridge.deliver(&told).await.status(), StatusCode::OK);
    calendar.after(4).await;
    assert_eq!(
        calendar.get("/api/v1/reports").await["items"],
        json!([]),
        "a call of the day is not counted yet"
    );
    calendar.bridge.app.digester.round().await.unwrap();
    calendar.after(0).await;
    assert_eq!(calendar.get("/api/v1/reports").await["items"], json!([]), "nor now");
    calendar.counted().await;
    calendar.after(0).await;
    let page = calendar.get("/api/v1/reports").await;
    assert_eq!(days(&page), ["2026-11-20"], "{page}");
    let report = calendar.get("/api/v1/reports/2026-11-20").await;
    assert_eq!((&report["time_zone"], &report["total"]["calls"]), (&json!("Asia/Kolkata"), &json!(3)));
    assert_eq!(report["bots"][&calendar.bot]["outcomes"], json!({"busy": 1, "customer": 2}));
    assert_eq!(calendar.events("report.ready").await.len(), 1);
    // Three days down.
    calendar.after(72).await;
    let page = calendar.get("/api/v1/reports").await;
    assert_eq!(days(&page), ["2026-11-23", "2026-11-22", "2026-11-21", "2026-11-20"]);
    assert_eq!(calendar.events("report.ready").await.len(), 4);

    let bridge = &calendar.bridge;
    let agent = bridge.token(Role::Supervisor).await;
    let asked = bridge.get("/api/v1/reports").bearer_auth(agent).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::FORBIDDEN);
    let bot = calendar.bot.parse().unwrap();
    let limited =
        bridge.insert_key(&bridge.tenant(), &[Scope::UsageRead], |key| key.bots = Some(vec![bot])).await;
    let asked = bridge.get("/api/v1/reports/2026-11-20").bearer_auth(limited.token).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::NOT_FOUND, "it is of all bots");
}

#[tokio::test]
async fn a_month_is_closed_once_and_a_late_result_makes_a_revision_on_demand() {
    let calendar = Calendar::start().await;
    calendar.call("call_1", "worker_lost").await;
    let open = calendar.send(Method::POST, "/api/v1/statements/2026-11/remake", Value::Null).await;
    assert_eq!(refusal(open, StatusCode::CONFLICT).await, "period_open");
    calendar.after(24 * 11).await;
    let path = "/api/v1/statements/2026-11";
    let closed = calendar.get(path).await;
    assert_eq!((&closed["revision"], &closed["total"]["call_ms"]), (&json!(1), &json!(60_000)));
    assert_eq!(
        (&closed["total"]["conversations"], &closed["days"]["2026-11-20"]),
        (&json!(1), &closed["total"])
    );
    calendar.end("call_1", "customer", 90.0).await;
    calendar.after(24).await;
    assert_eq!(calendar.get(path).await, closed, "it is frozen");
    for _ in 0..2 {
        let again = calendar.send(Method::POST, &format!("{path}/remake"), Value::Null).await;
        let again = json(again, StatusCode::OK).await;
        assert_eq!((&again["revision"], &again["total"]["call_ms"]), (&json!(2), &json!(90_000)));
    }
    assert_eq!(calendar.get(&format!("{path}?revision=1")).await, closed);
    assert_eq!(calendar.get("/api/v1/statements").await["items"].as_array().unwrap().len(), 2);
    let token = calendar.bridge.token(Role::Admin).await;
    let csv = calendar.bridge.get(&format!("{path}/export.csv")).bearer_auth(token).send().await.unwrap();
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    assert!(csv.contains("2026-11,2,total,\"\",1,90000,0,0,0,0,0,0,0\r\n"), "{csv}");
    assert!(csv.contains(&format!("2026-11,2,bot,\"{}\",1,90000,", calendar.bot)), "{csv}");
}

#[tokio::test]
async fn what_is_too_old_goes_where_a_tenant_says_so_and_a_hold_keeps_it() {
    let calendar = Calendar::start().await;
    let bridge = &calendar.bridge;
    for session in ["call_old", "call_held"] {
        calendar.call(session, "customer").await;
    }
    let hold = calendar.send(Method::PUT, "/api/v1/calls/call_held/hold", Value::Null).await;
    assert_eq!(hold.status(), StatusCode::OK);
    let has = async |session: &str| {
        let key = Key::of_recording(&format!("{session}.wav")).unwrap();
        bridge.app.custodian.objects.head(key).await.unwrap().is_some()
    };
    calendar.after(24 * 3).await;
    assert!(has("call_old").await, "nothing goes unless somebody says so");
    for (bad, field) in [
        (json!({"calls_days": 0}), "calls_days"),
        (json!({"calls_days": 3, "recordings_days": 4}), "recordings_days"),
    ] {
        let refused = calendar.send(Method::PUT, "/api/v1/settings/retention", bad).await;
        assert_eq!(wrong_fields(refused).await, [field]);
    }
    let wanted = json!({"calls_days": 5, "recordings_days": 2});
    let set = calendar.send(Method::PUT, "/api/v1/settings/retention", wanted).await;
    let set = json(set, StatusCode::OK).await;
    assert_eq!(
        (&set["calls_deleted_after_days"], &set["recordings_deleted_after_days"]),
        (&json!(5), &json!(2))
    );
    calendar.call("call_new", "customer").await;
    calendar.after(1).await;
    assert_eq!((has("call_old").await, has("call_held").await, has("call_new").await), (false, true, true));
    let old = bridge.call("call_old").await;
    assert_eq!(
        (&old["recording_key"], &old["transcript"][0]["text"]),
        (&Value::Null, &json!("Hello.")),
        "{old}"
    );
    // Its worker, or one that adopted its outbox, sends it once more: it would lie there under no call's name.
    let again = upload(bridge, "call_old.wav", b"RIFF sound".to_vec(), None).await;
    assert_eq!(again.status(), StatusCode::OK, "its worker may let go of it");
    assert!(!has("call_old").await, "a recording whose time is over came back");
    let told = calendar.events("retention.done").await;
    assert_eq!(
        (&told[0]["recordings_deleted"], &told[0]["calls_deleted"], &told[0]["held"]),
        (&json!(1), &json!(0), &json!(1))
    );

    calendar.after(24 * 3).await;
    let token = bridge.token(Role::Admin).await;
    let page =
        json(bridge.get("/api/v1/calls").bearer_auth(token).send().await.unwrap(), StatusCode::OK).await;
    let left: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|c| c["session_id"].as_str().unwrap()).collect();
    assert_eq!(left, ["call_new", "call_held"]);
    assert!(has("call_held").await);
    let log = calendar.get("/api/v1/audit?actor=retention").await;
    assert_eq!(log["items"].as_array().unwrap().len(), 4, "the begin and the end of two days' rounds: {log}");
}

/// The day's retention, with a custodian of our own; answers what its job would fail with.
async fn retained(bridge: &TestBridge, custodian: &Custodian) -> Result<(), Failure> {
    let with = Upkeep { custodian: custodian.clone(), ..upkeep(bridge) };
    retention::carry_out(with, day_of_retention(bridge)).await
}

fn day_of_retention(bridge: &TestBridge) -> Stored<Job> {
    let job = Job::new(bridge.tenant(), (Queue::Reports, retention::KIND), Map::new(), Stamp(bridge.now()));
    Stored { id: JobId::generate().to_string(), version: 1, value: job }
}

fn upkeep(bridge: &TestBridge) -> Upkeep {
    let app = &bridge.app;
    Upkeep {
        stores: app.stores.clone(),
        clock: app.clock.clone(),
        custodian: app.custodian.clone(),
        audit: app.audit.clone(),
        most_aged: MAX_AGED,
    }
}

/// The first retention of a tenant with a million calls had the only place of its queue for hours, and the reports of all others waited.
#[tokio::test]
async fn what_is_too_old_is_deleted_a_part_at_a_time_and_others_come_in_between() {
    let calendar = Calendar::start().await;
    let bridge = &calendar.bridge;
    let jobs = bridge.app.stores.jobs(&bridge.tenant());
    let sessions: Vec<String> = (0..7).map(|n| format!("call_{n}")).collect();
    for session in &sessions {
        calendar.call(session, "customer").await;
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    for held in ["call_6", "call_5"] {
        let hold = calendar.send(Method::PUT, &format!("/api/v1/calls/{held}/hold"), Value::Null).await;
        assert_eq!(hold.status(), StatusCode::OK);
    }
    let with_recording = async || {
        let key = |session: &String| Key::of_recording(&format!("{session}.wav")).unwrap();
        let mut found = Vec::new();
        for session in &sessions {
            if bridge.app.custodian.objects.head(key(session)).await.unwrap().is_some() {
                found.push(session.as_str());
            }
        }
        found
    };
    // What is left after each job, and how many there were.
    let in_parts = async |most_aged| {
        let (mut job, mut left) = (day_of_retention(bridge), Vec::new());
        loop {
            let with = Upkeep { most_aged, ..upkeep(bridge) };
            let id = Job::id_of(&format!("{}:rest", job.id));
            for _ in 0..2 {
                // The bridge was lost before it could say that the job is done.
                retention::carry_out(with.clone(), job.clone()).await.unwrap();
            }
            left.push(with_recording().await.len());
            match jobs.get_job(&id).await {
                Ok(rest) => job = rest,
                Err(_) => return left,
            }
        }
    };
    let set = async |wanted: Value| {
        let set = calendar.send(Method::PUT, "/api/v1/settings/retention", wanted).await;
        assert_eq!(set.status(), StatusCode::OK);
        bridge.clock.advance(SignedDuration::from_hours(24 * 3));
    };
    set(json!({"recordings_days": 2})).await;
    let left = Box::pin(in_parts(2)).await;
    assert_eq!(
        (left[0], left.last()),
        (3, Some(&2)),
        "each was begun twice, and looked at two each time: {left:?}"
    );
    assert!((3..5).contains(&left.len()), "those that stay are not looked at for ever: {left:?}");
    assert_eq!(with_recording().await, ["call_5", "call_6"]);
    set(json!({"calls_days": 3})).await;
    let gone = async |session: &str| {
        let asked =
            bridge.tools(Method::GET, &format!("/api/v1/internal/calls/{session}")).send().await.unwrap();
        asked.status() == StatusCode::NOT_FOUND
    };
    assert!(Box::pin(in_parts(1)).await.len() >= 3);
    for (n, session) in sessions.iter().enumerate() {
        assert_eq!(gone(session).await, n < 5, "{session}");
    }
}

/// A tenant was reported on after it was deleted; and one call that could not be digested kept the reports of all tenants from being made,
/// while their other jobs were made anew each minute.
#[tokio::test]
async fn a_deleted_tenant_gets_no_reports_and_one_that_is_late_keeps_no_other_from_its_own() {
    let calendar = Calendar::start().await;
    let (bridge, stores) = (&calendar.bridge, &calendar.bridge.app.stores);
    let [late, gone] = [bridge.insert_tenant("late").await, bridge.insert_tenant("gone").await];
    stores.tenants().set_status(&gone, TenantStatus::Deleted).await.unwrap();
    let bot = bridge.insert_bot(&late, BotSettings::default()).await;
    let mut told = result("call_1", "customer");
    told["bot_id"] = json!(bot);
    assert_eq!(bridge.deliver(&told).await.status(), StatusCode::OK);
    let kinds = async |tenant: &TenantId| {
        let jobs = stores.jobs(tenant).list_jobs((None, None), 100, None).await.unwrap();
        let mut kinds: Vec<String> = jobs.items.into_iter().map(|job| job.value.kind).collect();
        kinds.sort();
        kinds
    };
    // The month is over too.
    bridge.clock.set("2026-12-01T12:00:00Z".parse().unwrap());
    let look = async || bridge.app.timetable.round().await.unwrap();
    look().await;
    let whole = [vec![report::KIND; 5], vec![statement::KIND]].concat();
    assert_eq!(kinds(&bridge.tenant()).await, whole);
    assert_eq!(kinds(&late).await, [statement::KIND], "a call of its is not digested");
    assert!(kinds(&gone).await.is_empty());
    let statement = stores.jobs(&late).list_jobs((None, None), 1, None).await.unwrap().items.remove(0);
    assert!(bridge.engine.delete(&JOBS, statement.id, statement.version).await.unwrap());
    look().await;
    assert!(kinds(&late).await.is_empty(), "it was made");
    bridge.app.digester.round().await.unwrap();
    look().await;
    assert!(kinds(&late).await.is_empty(), "nor is it counted");
    calendar.counted().await;
    look().await;
    assert_eq!(kinds(&late).await, [report::KIND; 5]);
    stores.tenants().set_status(&gone, TenantStatus::Active).await.unwrap();
    look().await;
    assert_eq!(kinds(&gone).await, whole, "it was restored");

    // Deleted before its jobs were done.
    stores.tenants().set_status(&gone, TenantStatus::Deleted).await.unwrap();
    for job in stores.jobs(&gone).list_jobs((None, None), 100, None).await.unwrap().items {
        match job.value.kind.as_str() {
            report::KIND => report::carry_out(upkeep(bridge), job).await.unwrap(),
            _ => statement::carry_out(upkeep(bridge), job).await.unwrap(),
        }
    }
    assert!(stores.reports(&gone).list_reports(10, None).await.unwrap().items.is_empty());
    assert!(stores.statements(&gone).find_last("2026-11").await.unwrap().is_none());
    let told = stores.events(&gone).list_events(Order::Ascending, 10, None).await.unwrap();
    assert!(told.items.is_empty());
}

/// A hold that came while others were deleted was answered, and the sound went all the same; a call that made no sense kept all that were
/// older.
#[tokio::test]
async fn a_hold_at_the_last_moment_counts_and_a_damaged_call_keeps_no_other() {
    let calendar = Calendar::start().await;
    let bridge = &calendar.bridge;
    for session in ["call_1", "call_2", "call_3"] {
        calendar.call(session, "customer").await;
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    let has = async |session: &str| {
        let key = Key::of_recording(&format!("{session}.wav")).unwrap();
        bridge.app.custodian.objects.head(key).await.unwrap().is_some()
    };
    let (own, tenant) = (bridge.app.custodian.clone(), Reach::whole(bridge.tenant()));
    let before = move |touch, key: &Key| {
        let is_first = touch == Touch::Delete && key.as_str().ends_with("call_1.wav");
        let (own, tenant) = (own.clone(), tenant.clone());
        async move {
            if is_first {
                own.hold(&tenant, &"call_2".parse().unwrap(), "somebody").await.unwrap();
            }
            Ok(())
        }
        .boxed()
    };
    let mut custodian = bridge.app.custodian.clone();
    custodian.objects = Arc::new(Files { inner: custodian.objects.clone(), before: Box::new(before) });
    let set = async |wanted: Value| {
        let set = calendar.send(Method::PUT, "/api/v1/settings/retention", wanted).await;
        assert_eq!(set.status(), StatusCode::OK);
        bridge.clock.advance(SignedDuration::from_hours(24 * 3));
    };
    set(json!({"recordings_days": 2})).await;
    retained(bridge, &custodian).await.unwrap();
    assert_eq!([has("call_1").await, has("call_2").await, has("call_3").await], [false, true, false]);
    assert_eq!(bridge.call("call_2").await["recording_key"], "call_2.wav");
    set(json!({"calls_days": 5})).await;
    bridge.damage(&CALLS, "call_3", "verdict", json!(7)).await;
    let failed = retained(bridge, &custodian).await.unwrap_err().to_string();
    assert!(failed.starts_with("1 calls could not be read or written"), "{failed}");
    let gone = bridge.tools(Method::GET, "/api/v1/internal/calls/call_1").send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND, "it is older than the damaged one");
    let told = calendar.events("retention.done").await;
    let numbers =
        told.iter().map(|told| [&told["recordings_deleted"], &told["calls_deleted"], &told["held"]]);
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        [[&json!(2), &json!(0), &json!(1)], [&json!(0), &json!(1), &json!(1)]]
    );
}

/// The sums of bots and vendors were made one after the other, and a call that ended in between was in one of them.
#[tokio::test]
async fn a_statement_adds_up_though_calls_of_its_month_still_end() {
    let (_data, engine) = temp_engine();
    let late = Stores::open(engine.clone()).await.unwrap();
    let tenant: TenantId = "default".parse().unwrap();
    let entry = |money: i64| Entry {
        tenant_id: "default".parse().unwrap(),
        session_id: "call_1".parse().unwrap(),
        at: Stamp(NOW.parse().unwrap()),
        recorded_at: Stamp(NOW.parse().unwrap()),
        line: Line {
            bot_id: "faq".parse().unwrap(),
            day: "2026-11-01".into(),
            entry: EntryKind::Vendor,
            counter: false,
            service: "llm".into(),
            vendor: "openai".into(),
            model: "m".into(),
            amounts: Amounts { money, ..Amounts::default() },
            prices: Vec::new(),
        },
    };
    late.all_ledger().insert_entries(vec![("one".into(), entry(1))]).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let before = move |step, _: &'static Collection| {
        let (late, comes) = (late.clone(), entry(10));
        // Between the two sums of the first day.
        let is_now = step == Step::Sums && asked.fetch_add(1, Ordering::Relaxed) == 1;
        async move {
            if is_now {
                late.all_ledger().insert_entries(vec![("two".into(), comes)]).await.unwrap();
            }
            Ok(())
        }
        .boxed()
    };
    let stores = Stores::open(Arc::new(Documents { inner: engine, before: Box::new(before) })).await.unwrap();
    let (period, now) = ("2026-11".parse().unwrap(), Stamp(NOW.parse().unwrap()));
    let made = statement::make(&stores, &tenant, period, now).await.unwrap();
    let of = |sums: &BTreeMap<String, Amounts>| sums.values().map(|amounts| amounts.money).sum::<i64>();
    assert_eq!((made.entries, made.total.money), (2, 11));
    assert_eq!([of(&made.days), of(&made.bots), of(&made.vendors)], [11; 3]);
}
