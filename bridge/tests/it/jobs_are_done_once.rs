//! Jobs are done by one bridge at a time, again when they failed or were lost, and are never dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_bridge::app::App;
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::coordination::rounds::Work;
use vox_bridge::jobs::janitor;
use vox_bridge::jobs::runner::{Failure, Handler, Kind, LEASE, Runner};
use vox_bridge::jobs::turns::Missed;
use vox_bridge::store::jobs::{JOBS, Job, Outcome, Queue};
use vox_bridge::store::latencies::LATENCIES;
use vox_bridge::store::{Stamp, Stored};
use vox_shared::ids::JobId;
use vox_testkit::receiver::Receiver;

use crate::harness::races::{By, rounds};
use crate::harness::{TestBridge, json, refusal, result, wrong_fields};
use crate::s3_server::eventually;

const SOON: Duration = Duration::from_secs(20);
const KIND: &str = "tried";

fn kind(handler: Handler) -> Vec<Kind> {
    vec![Kind { word: KIND, max_tries: 3, handler, failed_kept: None }]
}

/// What does jobs in one bridge; each has a name of its own.
fn runner(app: &App, handler: Handler) -> Runner {
    Runner::new((app.stores.clone(), app.clock.clone()), app.metrics.clone(), kind(handler))
}

async fn make(bridge: &TestBridge, queue: Queue) -> JobId {
    let job = Job::new(bridge.tenant(), (queue, KIND), Map::new(), Stamp(bridge.now()));
    let id = JobId::generate();
    bridge.app.stores.jobs(&bridge.tenant()).insert_job(&id, &job).await.unwrap();
    id
}

struct Running {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

fn run(runners: Vec<Runner>) -> Running {
    let stop = CancellationToken::new();
    let tasks = runners.into_iter().map(|runner| tokio::spawn(runner.run(stop.clone()))).collect();
    Running { stop, tasks }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn seen(bridge: &TestBridge, query: &str) -> Vec<Value> {
    let token = bridge.token(Role::Admin).await;
    let asked =
        bridge.get(&format!("/api/v1/jobs?limit=200{query}")).bearer_auth(token).send().await.unwrap();
    json(asked, StatusCode::OK).await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn twenty_runners_of_two_bridges_do_every_job_once() {
    let jobs = rounds(By::Steps, 120, 120);
    let bridge = TestBridge::start().await;
    for n in 0..jobs {
        make(&bridge, Queue::ALL[n % 3]).await;
    }
    let begun: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let noted = begun.clone();
    let handler: Handler = Arc::new(move |job: Stored<Job>| {
        let noted = noted.clone();
        async move {
            *noted.lock().unwrap().entry(job.id).or_default() += 1;
            tokio::task::yield_now().await;
            Ok(())
        }
        .boxed()
    });
    let apps = [bridge.app.clone(), bridge.second_app().await];
    let running = run((0..20).map(|n| runner(&apps[n % 2], handler.clone())).collect());
    // A second is enough for a hundred of them, wherever they are kept. A page has 200.
    let within = SOON * 3 + Duration::from_secs(jobs as u64 / 10);
    let all = || begun.lock().unwrap().len() == jobs;
    let done = || async { all() && seen(&bridge, "&state=done").await.len() == jobs.min(200) };
    assert!(eventually(within, done).await, "{}", begun.lock().unwrap().len());
    running.end().await;
    let begun = begun.lock().unwrap();
    assert!(begun.len() == jobs && begun.values().all(|times| *times == 1), "{begun:?}");
}

#[tokio::test]
async fn a_job_of_a_bridge_that_was_lost_is_done_by_another_and_its_late_word_does_not_count() {
    let bridge = TestBridge::start().await;
    let id = make(&bridge, Queue::Default).await;
    let (jobs, now) = (bridge.app.stores.all_jobs(), Stamp(bridge.now()));
    let lost = jobs.claim(Queue::Default, "lost", (now, now + LEASE)).await.unwrap().unwrap();
    assert_eq!(lost.id, id.as_str());
    assert!(jobs.claim(Queue::Default, "other", (now, now + LEASE)).await.unwrap().is_none());
    let running = run(vec![runner(&bridge.app, Arc::new(|_| async { Ok(()) }.boxed()))]);
    bridge.clock.advance(LEASE);
    let done = || async { seen(&bridge, "&state=done").await.len() == 1 };
    assert!(eventually(SOON, done).await);
    assert!(!jobs.renew(&lost, now + LEASE).await.unwrap());
    let late = Outcome::Failed("late".into());
    assert!(!jobs.settle(&lost, &late, (now, Some(now))).await.unwrap());
    let job = seen(&bridge, "").await.remove(0);
    assert_eq!((&job["state"], &job["error"], &job["tries"]), (&json!("done"), &Value::Null, &json!(2)));
    running.end().await;
}

#[tokio::test]
async fn a_damaged_job_keeps_no_other_from_its_turn() {
    let bridge = TestBridge::start().await;
    // The last two cannot even be changed; the last one MongoDB cannot even read.
    for (field, value) in [("kind", Some(json!(7))), ("fence", Some(json!(i64::MAX))), ("fence", None)] {
        let damaged = make(&bridge, Queue::Default).await;
        match value {
            Some(value) => bridge.damage(&JOBS, damaged.as_str(), field, value).await,
            None => bridge.spoil(&JOBS, damaged.as_str(), field).await,
        }
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    let sound = make(&bridge, Queue::Default).await;
    let (jobs, now) = (bridge.app.stores.all_jobs(), Stamp(bridge.now()));
    let claimed = jobs.claim(Queue::Default, "one", (now, now + LEASE)).await.unwrap();
    assert_eq!(claimed.map(|job| job.id).as_deref(), Some(sound.as_str()));
    assert!(jobs.claim(Queue::Default, "one", (now, now + LEASE)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_later_and_then_stays_to_be_seen() {
    let bridge = TestBridge::start().await;
    let is_mended = Arc::new(Mutex::new(false));
    let mended = is_mended.clone();
    let handler: Handler = Arc::new(move |_| {
        let is_mended = *mended.lock().unwrap();
        async move { if is_mended { Ok(()) } else { Err(Failure::Now("the far side is away".into())) } }
            .boxed()
    });
    let id = make(&bridge, Queue::Reports).await;
    let running = run(vec![runner(&bridge.app, handler)]);
    for (tries, seconds) in [(1, 48..=60), (2, 96..=120)] {
        let waits = || async {
            seen(&bridge, "&queue=reports&state=waiting").await.iter().any(|j| j["tries"] == tries)
        };
        assert!(eventually(SOON, waits).await);
        let job = seen(&bridge, "").await.remove(0);
        assert_eq!(job["error"], "the far side is away");
        let begins: jiff::Timestamp = job["begins_at"].as_str().unwrap().parse().unwrap();
        let pause = begins.duration_since(bridge.now()).as_secs() + 1;
        assert!(seconds.contains(&pause), "{pause}");
        bridge.clock.set(begins);
    }
    let failed = || async { seen(&bridge, "&state=failed").await.len() == 1 };
    assert!(eventually(SOON, failed).await);
    // It is counted once it is written.
    let counted = r#"jobs_total{queue="reports",outcome="failed"} 1"#;
    assert!(eventually(SOON, || async { bridge.metrics().await.contains(counted) }).await);

    // Never dropped.
    bridge.clock.advance(SignedDuration::from_hours(24 * 400));
    vox_bridge::jobs::janitor::sweep(&bridge.app.stores, &bridge.clock).await.unwrap();
    assert_eq!(seen(&bridge, "&state=failed").await.len(), 1);
    *is_mended.lock().unwrap() = true;
    let retry = || async {
        let token = bridge.token(Role::Admin).await;
        let path = format!("/api/v1/jobs/{id}/retry");
        bridge.request(Method::POST, &path).bearer_auth(token).send().await.unwrap()
    };
    assert_eq!(retry().await.status(), StatusCode::ACCEPTED);
    let done = || async { seen(&bridge, "&state=done").await.len() == 1 };
    assert!(eventually(SOON, done).await);
    assert_eq!(refusal(retry().await, StatusCode::CONFLICT).await, "job_not_failed");
    running.end().await;
}

/// A damaged call made the retention of each day fail, and each was kept for ever.
#[tokio::test]
async fn one_that_failed_and_comes_again_by_the_calendar_is_forgotten_unless_a_person_has_it_done_again() {
    let bridge = TestBridge::start().await;
    let broken: Handler = Arc::new(|_| async { Err(Failure::ForGood("a call is damaged".into())) }.boxed());
    let kept = SignedDuration::from_hours(24 * 90);
    let of_calendar = Kind { word: KIND, max_tries: 3, handler: broken, failed_kept: Some(kept) };
    let (stores, clock) = (&bridge.app.stores, &bridge.clock);
    let runner = Runner::new((stores.clone(), clock.clone()), bridge.app.metrics.clone(), vec![of_calendar]);
    let [first, second] = [make(&bridge, Queue::Reports).await, make(&bridge, Queue::Reports).await];
    let running = run(vec![runner]);
    let failed = || async { seen(&bridge, "&state=failed").await.len() == 2 };
    assert!(eventually(SOON, failed).await);
    running.end().await;
    clock.advance(kept - SignedDuration::from_hours(1));
    janitor::sweep(stores, clock).await.unwrap();
    assert_eq!(seen(&bridge, "&state=failed").await.len(), 2);
    let again = stores.jobs(&bridge.tenant()).retry(&second, Stamp(bridge.now())).await.unwrap();
    assert!(again.is_some());
    clock.advance(SignedDuration::from_hours(2));
    janitor::sweep(stores, clock).await.unwrap();
    let left = stores.jobs(&bridge.tenant()).list_jobs((None, None), 10, None).await.unwrap();
    let left: Vec<&str> = left.items.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(left, [second.as_str()], "and not {first}");
}

#[tokio::test]
async fn a_job_that_runs_is_finished_before_the_bridge_ends_and_a_panic_is_a_failure() {
    let bridge = TestBridge::start().await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (begun.clone(), go_on.clone());
    let handler: Handler = Arc::new(move |job: Stored<Job>| {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            assert!(job.value.queue == Queue::Default, "it panics");
            tell.notify_one();
            wait.notified().await;
            Ok(())
        }
        .boxed()
    });
    make(&bridge, Queue::Default).await;
    make(&bridge, Queue::Reports).await;
    let running = run(vec![runner(&bridge.app, handler)]);
    begun.notified().await;
    let panicked = || async { seen(&bridge, "&queue=reports").await[0]["error"] == "the job panicked" };
    assert!(eventually(SOON, panicked).await);
    running.stop.cancel();
    go_on.notify_one();
    running.end().await;
    assert_eq!(seen(&bridge, "&queue=default").await[0]["state"], "done");
}

#[tokio::test]
async fn a_stretch_of_events_is_sent_again_by_a_job() {
    let bridge = TestBridge::start().await;
    let (stop, key) = (CancellationToken::new(), bridge.key(&[Scope::WebhooksWrite]).await);
    let _stops = stop.clone().drop_guard();
    for n in 0..3 {
        bridge.deliver(&result(&format!("call_{n}"), "customer")).await;
        bridge.app.relay.move_all().await.unwrap();
        bridge.app.herald.tell_all().await.unwrap();
        bridge.clock.advance(SignedDuration::from_mins(10));
    }
    // It was not there when they were told.
    let receiver = Receiver::start().await.unwrap();
    let wish = json!({"url": receiver.url(), "events": ["call.ended"]});
    let made = key.sign(bridge.request(Method::POST, "/api/v1/webhooks")).json(&wish).send().await.unwrap();
    let made = json(made, StatusCode::CREATED).await;
    receiver.trust(made["secret"].as_str().unwrap());
    let path = format!("/api/v1/webhooks/{}/replay", made["id"].as_str().unwrap());
    let replay = |body: Value| key.sign(bridge.request(Method::POST, &path)).json(&body).send();
    for body in [json!({}), json!({"from": "monday"}), json!({"from": "2027-01-01T00:00:00Z"})] {
        assert_eq!(wrong_fields(replay(body).await.unwrap()).await, ["from"]);
    }
    tokio::spawn(bridge.app.runner.clone().run(stop.clone()));
    tokio::spawn(bridge.app.webhooks.post.clone().run(stop));
    let body = json!({"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T10:15:00Z"});
    let calls = || {
        let mut calls: Vec<String> =
            receiver.received().iter().map(|m| m.body["data"]["call_id"].as_str().unwrap().into()).collect();
        calls.sort();
        calls
    };
    for times in 1..=2 {
        let job = json(replay(body.clone()).await.unwrap(), StatusCode::ACCEPTED).await;
        assert_eq!((&job["kind"], &job["queue"]), (&json!("replay_webhook"), &json!("webhooks")));
        let all = eventually(SOON, || async { calls().len() == 2 * times }).await;
        assert!(all, "{:?}", calls());
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(calls(), ["call_0", "call_0", "call_1", "call_1"]);
    let received = receiver.received();
    assert!(received.iter().all(|message| message.faults.is_empty()), "{received:#?}");
    let done = || async { seen(&bridge, "&queue=webhooks&state=done").await.len() == 2 };
    assert!(eventually(SOON, done).await);
}

#[tokio::test]
async fn what_a_bridge_does_by_itself_is_shown_and_begun_by_hand() {
    let bridge = TestBridge::start().await;
    let (stop, app) = (CancellationToken::new(), &bridge.app);
    let sweeping = janitor::run(app.stores.clone(), app.clock.clone(), app.rounds.clone(), stop.clone());
    let sweeping = tokio::spawn(sweeping);
    let (admin, root) = (bridge.token(Role::Admin).await, bridge.token(Role::SuperAdmin).await);
    let standing = |work: &'static str| {
        let (bridge, admin) = (&bridge, admin.clone());
        async move {
            let asked = bridge.get("/api/v1/jobs").bearer_auth(admin).send().await.unwrap();
            let page = json(asked, StatusCode::OK).await;
            let rounds = page["rounds"].as_array().unwrap().clone();
            rounds.into_iter().find(|round| round["work"] == work).unwrap()
        }
    };
    let nowhere = json!({
        "work": "poll_fleet", "state": "elsewhere", "began_at": null, "ended_at": null, "error": null, "next_at": null
    });
    assert_eq!(standing("poll_fleet").await, nowhere);
    assert!(eventually(SOON, || async { standing("clean_sessions").await["state"] == "waiting" }).await);
    let waiting = standing("clean_sessions").await;
    assert_eq!((&waiting["began_at"], &waiting["next_at"]), (&Value::Null, &json!("2026-11-20T10:01:00Z")));
    let run = |work: &'static str, token: &str| {
        let (bridge, token) = (&bridge, token.to_owned());
        let path = format!("/api/v1/jobs/rounds/{work}/run");
        async move { bridge.send(Method::POST, &path, &token, Value::Null).await }
    };
    assert_eq!(run("clean_sessions", &admin).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(refusal(run("poll_fleet", &root).await, StatusCode::CONFLICT).await, "no_rounds");
    assert_eq!(run("no_such_work", &root).await.status(), StatusCode::NOT_FOUND);
    let begun = json(run("clean_sessions", &root).await, StatusCode::ACCEPTED).await;
    assert_eq!(begun["work"], "clean_sessions");
    assert!(eventually(SOON, || async { standing("clean_sessions").await["ended_at"].is_string() }).await);
    let done = standing("clean_sessions").await;
    assert_eq!((&done["began_at"], &done["error"]), (&json!("2026-11-20T10:00:00Z"), &Value::Null));
    stop.cancel();
    sweeping.await.unwrap();

    // What of one tenant failed was in the log alone, and the round passed for a good one.
    bridge.insert_tenant("other").await;
    bridge.app.latest.round().await.unwrap();
    bridge.damage(&LATENCIES, "default", "rows", json!(7)).await;
    bridge.clock.advance(SignedDuration::from_mins(15));
    let missed = app.rounds.through(Work::RollupLatency, app.latest.round()).await;
    assert!(matches!(missed, Err(Missed::Tenants { failed: 1, .. })), "{missed:?}");
    let told = standing("rollup_latency").await["error"].clone();
    assert_eq!(told, "1 tenants failed, the first: a document makes no sense, the log says which");
}
