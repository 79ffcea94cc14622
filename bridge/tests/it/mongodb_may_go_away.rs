//! A MongoDB server that is killed, or stands still: requests are answered 503 within four seconds, what was acknowledged stays,
//! and the bridge goes on by itself when the server is back.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, test_kill_process};

use crate::harness::mongodb::MongoDb;
use crate::harness::{TestBridge, json, refusal, result};

/// Longest time to an answer, and a little for a busy machine.
const ANSWER: Duration = Duration::from_millis(4_500);
const RECOVERY: Duration = Duration::from_secs(15);

async fn refused_in_time(bridge: &TestBridge, session: &str) {
    let asked = Instant::now();
    let answer = bridge.deliver(&result(session, "bot")).await;
    assert_eq!(refusal(answer, StatusCode::SERVICE_UNAVAILABLE).await, "store_unavailable");
    assert!(asked.elapsed() < ANSWER, "{:?}", asked.elapsed());
    assert_eq!(bridge.get("/health").send().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

async fn recovers(bridge: &TestBridge, session: &str) {
    let since = Instant::now();
    while bridge.deliver(&result(session, "bot")).await.status() != StatusCode::OK {
        assert!(since.elapsed() < RECOVERY, "no answer for {:?}", since.elapsed());
    }
    assert_eq!(bridge.get("/health").send().await.unwrap().status(), StatusCode::OK);
}

/// Metrics and readiness are answered, and say what they do not know.
async fn the_loss_is_told(bridge: &TestBridge) {
    let page = bridge.metrics().await;
    for told in [
        "outbox_depth NaN",
        r#"jobs_depth{queue="default"} NaN"#,
        r#"metrics_unseen_total{part="outbox"} 1"#,
        r#"store_errors_total{store="mongodb",operation="get",error="unavailable"}"#,
        "db_connections_max 10",
    ] {
        assert!(page.contains(told), "{told}\n{page}");
    }
    assert!(!page.contains("slots{"), "{page}");
    let ready = bridge.get("/ready").send().await.unwrap();
    let told = json(ready, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!((&told["status"], &told["parts"]["documents"]["state"]), (&"down".into(), &"down".into()));
    assert_eq!(told["parts"]["objects"]["state"], "up");
}

#[tokio::test]
async fn a_server_that_stands_still_is_told_and_taken_up_again() {
    let server = MongoDb::own(&[]);
    let bridge = TestBridge::start_with(|c| c.storage.mongodb_uri = Some(server.uri().into())).await;
    recovers(&bridge, "before").await;
    server.signal(Signal::STOP);
    refused_in_time(&bridge, "meanwhile").await;
    the_loss_is_told(&bridge).await;
    server.signal(Signal::CONT);
    recovers(&bridge, "meanwhile").await;
    for session in ["before", "meanwhile"] {
        assert_eq!(bridge.call(session).await["session_id"], session);
    }
    let calls = bridge.tools(reqwest::Method::GET, "/api/v1/internal/calls").send().await.unwrap();
    let listed = json(calls, StatusCode::OK).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "nothing is there twice: {listed}");
    bridge.stop().await;
}

#[tokio::test]
async fn a_server_that_is_killed_loses_nothing_that_was_acknowledged() {
    let name = format!("killed{}", std::process::id());
    let server = MongoDb::own(&["--data", &name]);
    let port = server.port().to_string();
    let uri = server.uri();
    let bridge = TestBridge::start_with(|c| c.storage.mongodb_uri = Some(uri.into())).await;
    for n in 0..20 {
        assert_eq!(bridge.deliver(&result(&format!("c{n}"), "bot")).await.status(), StatusCode::OK);
    }
    server.signal(Signal::KILL);
    refused_in_time(&bridge, "meanwhile").await;
    drop(server);
    let again = MongoDb::own(&["--data", &name, "--port", &port]);
    recovers(&bridge, "meanwhile").await;
    for n in 0..20 {
        assert_eq!(bridge.call(&format!("c{n}")).await["session_id"], format!("c{n}"));
    }
    bridge.stop().await;
    let gone = again.pids.clone();
    drop(again);
    for pid in gone {
        assert!(test_kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()).is_err());
    }
}
