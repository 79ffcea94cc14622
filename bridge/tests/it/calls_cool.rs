//! Calls that are old are compressed, then moved to the object store, and read the same: by people, searches and sums. What is changed
//! comes back, what is deleted is gone from the object store too, and a deployment takes them along.

use std::path::Path;
use std::sync::Arc;
#[cfg(feature = "s3")]
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use vox_bridge::config::{Sealing, Storage};
use vox_bridge::custody::retention::carry_out;
use vox_bridge::deployment::Deployment;
use vox_bridge::jobs::runner::Failure;
use vox_bridge::jobs::upkeep::{MAX_AGED, Upkeep};
use vox_bridge::objects::Key;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::engine::Collection;
use vox_bridge::store::jobs::{Job, Queue};
use vox_bridge::store::{Stamp, StoreError, Stored, Stores};
#[cfg(feature = "s3")]
use vox_testkit::chaos::ChaosProxy;

use crate::harness::interposed::{Documents, Step};
use crate::harness::{TestBridge, json, result, wrong_fields};
use crate::jobs_come_by_the_calendar::Calendar;
use crate::recordings_are_stored_and_served::{call_with, upload};
#[cfg(feature = "s3")]
use crate::s3_server::{S3Server, eventually};

const RETENTION: &str = "/api/v1/settings/retention";
/// What everybody reads of a call, by every way there is.
const READ: [&str; 4] = [
    "/api/v1/calls/call_1",
    "/api/v1/calls?text=hello",
    "/api/v1/calls?from_number=%2B4915112345678",
    "/api/v1/analytics/calls?from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z",
];

fn storage(data_dir: &Path) -> Storage {
    Storage {
        data_dir: data_dir.to_owned(),
        mongodb_uri: None,
        master_keys: None,
        max_recording_bytes: 1024 * 1024,
        s3: None,
        sealing: Sealing::Off,
    }
}

/// Everything that is read, without the tiers, and the tier of the call.
async fn read(calendar: &Calendar) -> (Vec<Value>, Value) {
    let mut all = Vec::new();
    for path in READ {
        all.push(calendar.get(path).await);
    }
    let mut export = calendar.get("/api/v1/calls/call_1/export.json").await;
    export["exported_at"].take();
    let tier = all[0]["storage_tier"].take();
    let listed = &mut all[1]["items"];
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    for call in all.iter_mut().skip(1).take(2).flat_map(|page| page["items"].as_array_mut().unwrap()) {
        assert_eq!(call["storage_tier"].take(), tier, "{call}");
    }
    assert_eq!(export["call"]["storage_tier"].take(), tier);
    all.push(export);
    (all, tier)
}

/// The call as it is kept.
async fn kept(bridge: &TestBridge, id: &str) -> Value {
    Value::Object(bridge.engine.get(&CALLS, id.to_owned()).await.unwrap().unwrap().body)
}

fn objects(call: &Value) -> Vec<String> {
    let all = call["kept"]["objects"].as_array();
    all.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// An object as the store has it; empty when it is not there.
async fn object(bridge: &TestBridge, name: &str) -> Vec<u8> {
    let (key, store) = (Key::of_call(name).unwrap(), &bridge.app.custodian.objects);
    let Some(head) = store.head(key.clone()).await.unwrap() else { return Vec::new() };
    let content = store.get(key, 0..head.size_bytes).await.unwrap().unwrap();
    content.try_collect::<Vec<_>>().await.unwrap().concat()
}

async fn started(bridge: TestBridge) -> Calendar {
    let calendar = Calendar::over(bridge).await;
    for session in ["call_1", "call_2"] {
        calendar.call(session, "customer").await;
    }
    let wanted = json!({"calls_warm_days": 2, "calls_archive_days": 5});
    let set = json(calendar.send(Method::PUT, RETENTION, wanted).await, StatusCode::OK).await;
    assert_eq!((&set["calls_warm_after_days"], &set["calls_archived_after_days"]), (&json!(2), &json!(5)));
    calendar
}

#[tokio::test]
async fn old_calls_are_compressed_then_archived_and_read_the_same() {
    let calendar = started(TestBridge::start().await).await;
    let bridge = &calendar.bridge;
    for (bad, fields) in [
        (json!({"calls_warm_days": 4, "calls_archive_days": 3}), ["calls_warm_days"]),
        (json!({"calls_days": 2, "calls_archive_days": 3}), ["calls_archive_days"]),
        (json!({"calls_days": 2, "calls_warm_days": 3}), ["calls_warm_days"]),
    ] {
        assert_eq!(wrong_fields(calendar.send(Method::PUT, RETENTION, bad).await).await, fields);
    }
    let (before, tier) = read(&calendar).await;
    assert_eq!(tier, "hot");
    assert!(kept(bridge, "call_1").await.to_string().contains("Hello."));

    calendar.after(24 * 3).await;
    let (warm, tier) = read(&calendar).await;
    assert_eq!((&warm, &tier), (&before, &json!("warm")));
    let call = kept(bridge, "call_1").await;
    assert!(call["packed"].is_string() && !call.to_string().contains("Hello."), "{call}");
    assert_eq!(call["result"], "kept elsewhere", "no older version takes it for a call without a result");

    calendar.after(24 * 3).await;
    let (archived, tier) = read(&calendar).await;
    assert_eq!((&archived, &tier), (&before, &json!("archive")));
    let call = kept(bridge, "call_1").await;
    let first = objects(&call);
    assert_eq!((first.len(), &call["kept"]["object"], &call["packed"]), (1, &json!(first[0]), &Value::Null));
    let sealed = object(bridge, &first[0]).await;
    assert!(sealed.starts_with(b"VOXSEAL1"), "{} bytes", sealed.len());
    let told = calendar.events("retention.done").await;
    let counts = |event: &Value| [event["calls_warmed"].clone(), event["calls_archived"].clone()];
    assert_eq!(told.iter().map(counts).collect::<Vec<_>>(), [[json!(2), json!(0)], [json!(0), json!(2)]]);

    // Whoever writes one anew has it back, and it cools again.
    write_anew(bridge, "call_1").await;
    let back = calendar.get(READ[0]).await;
    assert_eq!((&back["storage_tier"], &back["transcript"]), (&json!("hot"), &before[0]["transcript"]));
    calendar.after(24).await;
    let again = objects(&kept(bridge, "call_1").await);
    assert_eq!((again.len(), again == first), (1, false), "{again:?}");
    assert!(object(bridge, &first[0]).await.is_empty(), "what was archived before is removed");
    assert_eq!(calendar.get(READ[0]).await["transcript"], before[0]["transcript"]);
    assert_eq!(calendar.get(READ[0]).await["storage_tier"], "archive");
}

/// Each was read back from the archive, written whole and archived again in the same night.
#[tokio::test]
async fn a_recording_goes_and_its_call_stays_in_the_archive() {
    let calendar = Calendar::over(TestBridge::start().await).await;
    let bridge = &calendar.bridge;
    let uploaded = upload(bridge, "call_1.wav", b"RIFF".to_vec(), None).await;
    assert_eq!(uploaded.status(), StatusCode::OK);
    call_with(bridge, "call_1", "call_1.wav").await;
    let wanted = json!({"calls_warm_days": 2, "calls_archive_days": 3, "recordings_days": 6});
    json(calendar.send(Method::PUT, RETENTION, wanted).await, StatusCode::OK).await;
    calendar.after(24 * 4).await;
    let archived = kept(bridge, "call_1").await;
    assert_eq!(
        (&archived["kept"]["tier"], &archived["recording_key"]),
        (&json!("archive"), &json!("call_1.wav"))
    );

    calendar.after(24 * 3).await;
    let call = kept(bridge, "call_1").await;
    assert_eq!(
        (&call["kept"], &call["recording_key"]),
        (&archived["kept"], &Value::Null),
        "the very same object"
    );
    assert_eq!(
        (&call["custody"]["old_recording"], &call["custody"]["clean_at"]),
        (&json!("call_1.wav"), &Value::Null)
    );
    let sound = Key::of_recording("call_1.wav").unwrap();
    assert!(bridge.app.custodian.objects.head(sound).await.unwrap().is_none());
    // Nor does what was archived name it where it is read.
    let calls = bridge.app.stores.calls(&bridge.tenant());
    let result = calls.get_call(&"call_1".parse().unwrap()).await.unwrap().value.result.unwrap();
    assert!(!result.contains_key("recording_key") && result.contains_key("disconnected_by"), "{result:?}");
    let told = calendar.events("retention.done").await;
    let counts = |event: &Value| [event["calls_archived"].clone(), event["recordings_deleted"].clone()];
    assert_eq!(told.iter().map(counts).collect::<Vec<_>>(), [[json!(1), json!(0)], [json!(0), json!(1)]]);
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_the_archive_and_what_is_lost_there_is_told() {
    let calendar = started(TestBridge::start().await).await;
    let bridge = &calendar.bridge;
    calendar.after(24 * 6).await;
    let (one, two) = (objects(&kept(bridge, "call_1").await), objects(&kept(bridge, "call_2").await));
    assert!(!object(bridge, &one[0]).await.is_empty() && !object(bridge, &two[0]).await.is_empty());
    let deleted = calendar.send(Method::DELETE, "/api/v1/calls/call_2", Value::Null).await;
    assert_eq!(json(deleted, StatusCode::OK).await["status"], "gone");
    assert!(object(bridge, &two[0]).await.is_empty());

    bridge.app.custodian.depot.delete(&one[0]).await.unwrap();
    let lost = calendar.send(Method::GET, READ[0], Value::Null).await;
    assert_eq!(lost.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(calendar.get(READ[1]).await["items"].as_array().unwrap().len(), 1, "lists have it");
    let deleted = calendar.send(Method::DELETE, READ[0], Value::Null).await;
    assert_eq!(json(deleted, StatusCode::OK).await["status"], "gone", "it can still be deleted");
}

/// As a late result or another analysis does, over whatever others write meanwhile.
async fn write_anew(bridge: &TestBridge, id: &str) {
    let calls = bridge.app.stores.calls(&bridge.tenant());
    loop {
        let call = calls.get_call(&id.parse().unwrap()).await.unwrap();
        match calls.replace_call(call).await {
            Err(StoreError::Conflict) => {}
            written => return drop(written.unwrap()),
        }
    }
}

fn upkeep(bridge: &TestBridge) -> Upkeep {
    let app = &bridge.app;
    Upkeep {
        stores: app.stores.clone(),
        clock: bridge.clock.clone(),
        custodian: app.custodian.clone(),
        audit: app.audit.clone(),
        most_aged: MAX_AGED,
    }
}

/// The retention of one day.
async fn retained(bridge: &TestBridge, with: Upkeep, name: &str) -> Result<(), Failure> {
    let job = Job::new(bridge.tenant(), (Queue::Reports, "retention"), Map::new(), Stamp(bridge.now()));
    carry_out(with, Stored { id: name.to_owned(), version: 1, value: job }).await
}

/// Somebody who wrote a call whenever it was about to cool ended the day's job for all the others, and nobody was told what it had done.
#[tokio::test]
async fn a_call_that_changes_all_the_time_keeps_no_other_from_cooling() {
    let calendar = started(TestBridge::start().await).await;
    let bridge = &calendar.bridge;
    bridge.clock.advance(SignedDuration::from_hours(24 * 3));
    let inner = bridge.engine.clone();
    let busy = move |step, of: &'static Collection| {
        let (inner, is_now) = (inner.clone(), step == Step::Replace && of.name == CALLS.name);
        async move {
            if is_now {
                let call = inner.get(&CALLS, "call_1".into()).await?.expect("it is there");
                inner.compare_and_set(&CALLS, call).await?;
            }
            Ok(())
        }
        .boxed()
    };
    let engine = Arc::new(Documents { inner: bridge.engine.clone(), before: Box::new(busy) });
    let mut with = upkeep(bridge);
    with.custodian.stores = Stores::open(engine).await.unwrap();
    let failed = retained(bridge, with, "job_1").await.unwrap_err().to_string();
    assert!(failed.starts_with("1 calls could not be read or written"), "{failed}");
    let told = calendar.events("retention.done").await;
    assert_eq!((told.len(), &told[0]["calls_warmed"]), (1, &json!(1)));
    retained(bridge, upkeep(bridge), "job_2").await.unwrap();
    assert_eq!(calendar.get(READ[0]).await["storage_tier"], "warm", "the next day's has its turn");
}

/// It ended the look at all that began after it, every day, and nobody was told.
#[tokio::test]
async fn a_call_that_never_ends_keeps_no_later_one_from_cooling_and_is_told_of() {
    let bridge = TestBridge::start().await;
    bridge.fetch_config("faq", &[("session_id", "call_0")]).await;
    bridge.clock.advance(SignedDuration::from_secs(1));
    let calendar = started(bridge).await;
    let bridge = &calendar.bridge;
    bridge.clock.advance(SignedDuration::from_hours(24 * 3));
    for name in ["job_1", "job_2"] {
        let failed = retained(bridge, upkeep(bridge), name).await.unwrap_err();
        assert!(
            matches!(&failed, Failure::ForGood(why) if why.starts_with("1 calls have not ended")),
            "{failed}"
        );
        assert_eq!(calendar.get(READ[0]).await["storage_tier"], "warm");
    }
    // Whoever brings it to an end has it cool with the others.
    assert_eq!(bridge.deliver(&result("call_0", "customer")).await.status(), StatusCode::OK);
    retained(bridge, upkeep(bridge), "job_3").await.unwrap();
    assert_eq!(calendar.get("/api/v1/calls/call_0").await["storage_tier"], "warm");
}

/// While the object store was away no archived call could be held, and the day's job did not tell what it had deleted.
#[cfg(feature = "s3")]
#[tokio::test]
async fn an_archive_that_is_away_keeps_no_hold_and_hides_no_deletion() {
    let server = S3Server::start().await;
    let proxy =
        ChaosProxy::start(server.url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let settings = server.settings_at(&proxy.url());
    let calendar = started(TestBridge::start_with(|config| config.storage.s3 = Some(settings)).await).await;
    let bridge = &calendar.bridge;
    let transcript = calendar.get(READ[0]).await["transcript"].take();
    calendar.after(24 * 6).await;
    calendar.call("call_3", "customer").await;
    let wanted = json!({"calls_warm_days": 1, "calls_archive_days": 2, "calls_days": 8});
    assert_eq!(calendar.send(Method::PUT, RETENTION, wanted).await.status(), StatusCode::OK);

    proxy.change(|conditions| conditions.refuse = true);
    proxy.cut();
    assert_eq!(
        calendar.send(Method::GET, READ[0], Value::Null).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let hold = "/api/v1/calls/call_1/hold";
    for (method, path, status) in [
        (Method::PUT, hold, StatusCode::OK),
        (Method::DELETE, hold, StatusCode::NO_CONTENT),
        (Method::PUT, hold, StatusCode::OK),
        (Method::DELETE, READ[0], StatusCode::CONFLICT),
        (Method::DELETE, "/api/v1/calls/call_1/recording-link", StatusCode::NO_CONTENT),
    ] {
        assert_eq!(
            calendar.send(method.clone(), path, Value::Null).await.status(),
            status,
            "{method} {path}"
        );
    }
    bridge.clock.advance(SignedDuration::from_hours(24 * 3));
    let failed = retained(bridge, upkeep(bridge), "job_1").await;
    assert!(matches!(failed, Err(Failure::Now(_))), "it is tried again: {failed:?}");
    let told = calendar.events("retention.done").await.pop().unwrap();
    let numbers = ["calls_deleted", "held", "calls_warmed", "calls_archived"].map(|name| told[name].clone());
    assert_eq!(numbers, [1, 1, 1, 0].map(|n| json!(n)));
    let log = calendar.get("/api/v1/audit?actor=retention").await;
    let of_job = |entry: &&Value| entry["object"] == "job_1";
    assert_eq!(
        log["items"].as_array().unwrap().iter().filter(of_job).count(),
        2,
        "a begin and an end: {log}"
    );

    proxy.change(|conditions| conditions.refuse = false);
    let is_back = || async { retained(bridge, upkeep(bridge), "job_2").await.is_ok() };
    assert!(Box::pin(eventually(Duration::from_secs(30), is_back)).await);
    assert_eq!(calendar.get("/api/v1/calls/call_3").await["storage_tier"], "archive");
    let held = calendar.get(READ[0]).await;
    assert_eq!((held["hold"].is_object(), &held["storage_tier"]), (true, &json!("archive")));
    assert_eq!(held["transcript"], transcript);
}

/// Somebody changes a call while it is moved, again and again: its words stay, and there is no object that no call knows of.
#[tokio::test]
async fn a_call_that_changes_while_it_moves_keeps_its_words_and_leaves_nothing_behind() {
    let calendar = started(TestBridge::start().await).await;
    let bridge = &calendar.bridge;
    calendar.after(24 * 6).await;
    let words = calendar.get(READ[0]).await["transcript"].take();
    for round in 0..6 {
        let change = async {
            write_anew(bridge, "call_1").await;
            for method in [Method::PUT, Method::DELETE] {
                let changed = calendar.send(method, "/api/v1/calls/call_1/hold", Value::Null).await;
                assert!(changed.status().is_success(), "round {round}: {}", changed.status());
            }
        };
        let name = format!("job_{round}");
        let (moved, ()) = tokio::join!(retained(bridge, upkeep(bridge), &name), change);
        moved.unwrap();
        assert_eq!(calendar.get(READ[0]).await["transcript"], words, "round {round}");
        let noted = [objects(&kept(bridge, "call_1").await), objects(&kept(bridge, "call_2").await)].concat();
        let there = bridge.objects_in("calls").await;
        assert!(there.iter().all(|name| noted.contains(name)), "round {round}: {there:?} of {noted:?}");
    }
    for path in [READ[0], "/api/v1/calls/call_2"] {
        assert_eq!(calendar.send(Method::DELETE, path, Value::Null).await.status(), StatusCode::OK);
    }
    assert_eq!(bridge.objects_in("calls").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_moved_deployment_takes_its_archive_along() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (storage(&dir.path().join("from")), storage(&dir.path().join("to")));
    let calendar = started(TestBridge::start_with(|config| config.storage = from.clone()).await).await;
    calendar.after(24 * 6).await;
    let transcript = calendar.get(READ[0]).await["transcript"].take();
    calendar.bridge.stop().await;
    std::fs::create_dir(&to.data_dir).unwrap();
    std::fs::copy(from.data_dir.join("master.key"), to.data_dir.join("master.key")).unwrap();
    let (source, target) = (Deployment::open(&from).await.unwrap(), Deployment::open(&to).await.unwrap());
    let copied = vox_bridge::copy::copy(&source, &target).await.unwrap();
    assert_eq!((copied.recordings.copied, copied.recordings.absent), (4, 0), "two calls with their sound");
    source.close().await;
    target.close().await;
    drop((source, target));
    let bridge = TestBridge::start_with(|config| config.storage = to.clone()).await;
    let call = bridge.call("call_1").await;
    assert_eq!((&call["transcript"], &call["storage_tier"]), (&transcript, &json!("archive")));
}
