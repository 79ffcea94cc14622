//! A MongoDB server that is killed, stands still, refuses or loses its answers: requests are answered 503 within four seconds, what was
//! acknowledged stays and is there once, and the bridge goes on by itself when the server is back.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use rustix::process::{Signal, test_kill_process};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_harness::Kept;
use vox_testkit::chaos::ChaosProxy;

use crate::harness::losing::{LosesAnswers, Loss};
use crate::harness::mongodb::MongoDb;
use crate::harness::{TestBridge, json, refusal, result};

/// Longest time to an answer.
const ANSWER: Duration = Duration::from_secs(4);
const RECOVERY: Duration = Duration::from_secs(15);
/// More than one request and what follows it write.
const MOST_WRITES: usize = 40;

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

/// A message of the protocol that is a command which writes: its name is the first of its body.
fn is_write(message: &[u8]) -> bool {
    let head = &message[..message.len().min(64)];
    let names: [&[u8]; 4] = [b"insert\0", b"update\0", b"delete\0", b"findAndModify\0"];
    names.iter().any(|name| head.windows(name.len()).any(|part| part == *name))
}

async fn read(bridge: &TestBridge, token: &str, path: &str) -> Value {
    json(bridge.get(path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
}

/// What a call left in the ledger, after what follows its result was moved.
async fn ledger_of(bridge: &TestBridge, token: &str, session: &str) -> Vec<Value> {
    let since = Instant::now();
    while bridge.app.relay.move_all().await.is_err() {
        assert!(since.elapsed() < RECOVERY, "nothing is moved for {:?}", since.elapsed());
    }
    let page = read(bridge, token, &format!("/v1/conversations/{session}/events")).await;
    let entries = page["items"].as_array().unwrap();
    entries.iter().map(|entry| json!([entry["entry"], entry["counter"], entry["amounts"]])).collect()
}

/// Whichever write of a result, and of what follows it, is done and not answered: the call and its charges are there once.
async fn results_are_there_once(bridge: &TestBridge, through: &LosesAnswers, token: &str) {
    recovers(bridge, "whole").await;
    let whole = ledger_of(bridge, token, "whole").await;
    assert!(!whole.is_empty());
    for n in 0..MOST_WRITES {
        let session = format!("lost_{n}");
        through.lose_only(n);
        let status = bridge.deliver(&result(&session, "bot")).await.status();
        assert!(status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE, "{n}: {status}");
        let _may_be_cut = bridge.app.relay.move_all().await;
        if through.lost() == 0 {
            assert!(n > 1, "only {n} writes");
            break;
        }
        recovers(bridge, &session).await;
        assert_eq!(ledger_of(bridge, token, &session).await, whole, "answer {n}");
    }
    through.lose_none();
}

/// The same of what a person makes under a key, and of the log of it.
async fn bots_are_there_once(bridge: &TestBridge, through: &LosesAnswers, token: &str) {
    for n in 0..MOST_WRITES {
        let make = || {
            let request =
                bridge.request(Method::POST, "/api/v1/bots").header("idempotency-key", format!("k{n}"));
            request.bearer_auth(token).json(&json!({"name": format!("Lost {n}")})).send()
        };
        through.lose_only(n);
        let (mut status, since) = (make().await.unwrap().status(), Instant::now());
        let is_over = through.lost() == 0;
        while !status.is_success() {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "answer {n}");
            assert!(since.elapsed() < RECOVERY, "no answer for {:?}", since.elapsed());
            status = make().await.unwrap().status();
        }
        if is_over {
            assert!(n > 1, "only {n} writes");
            break;
        }
    }
    through.lose_none();
    let page = read(bridge, token, "/api/v1/bots?limit=200").await;
    let names = page["items"].as_array().unwrap().iter().map(|bot| bot["name"].as_str().unwrap().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("Lost")).collect();
    let made = names.len();
    names.sort();
    names.dedup();
    assert!(made > 1 && names.len() == made, "{names:?}");
    assert_eq!(read(bridge, token, "/api/v1/audit/verify").await["intact"], true);
}

#[tokio::test]
async fn a_server_that_stands_still_refuses_or_loses_answers_is_told_and_taken_up_again() {
    let server = MongoDb::own(&[]);
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let loss = Loss { picks: is_write, interim: None, from: 0, times: 0 };
    let through = LosesAnswers::before(target, loss).await;
    let proxy = ChaosProxy::start(through.address).await.unwrap();
    let uri = server.uri_by(proxy.address());
    let bridge = TestBridge::start_with(|c| c.storage.mongodb_uri = Some(uri.into())).await;
    let token = bridge.token(Role::Admin).await;
    recovers(&bridge, "before").await;
    server.signal(Signal::STOP);
    refused_in_time(&bridge, "meanwhile").await;
    the_loss_is_told(&bridge).await;
    server.signal(Signal::CONT);
    recovers(&bridge, "meanwhile").await;

    proxy.change(|conditions| conditions.refuse = true);
    proxy.cut();
    refused_in_time(&bridge, "refused").await;
    proxy.change(|conditions| conditions.refuse = false);
    recovers(&bridge, "refused").await;
    results_are_there_once(&bridge, &through, &token).await;
    bots_are_there_once(&bridge, &through, &token).await;

    let calls = bridge.tools(Method::GET, "/api/v1/internal/calls?limit=200").send().await.unwrap();
    let listed = json(calls, StatusCode::OK).await;
    let sessions =
        listed["items"].as_array().unwrap().iter().map(|call| call["session_id"].as_str().unwrap());
    let mut sessions: Vec<_> = sessions.collect();
    let all = sessions.len();
    sessions.sort_unstable();
    sessions.dedup();
    assert_eq!(sessions.len(), all, "nothing is there twice: {listed}");
    for session in ["before", "meanwhile", "refused", "whole", "lost_0"] {
        assert!(sessions.contains(&session), "{session} is not there: {sessions:?}");
    }
    bridge.stop().await;
}

#[tokio::test]
async fn a_server_that_is_killed_loses_nothing_that_was_acknowledged() {
    let kept = Kept::by("mongodb");
    let server = MongoDb::own(&["--data", kept.name()]);
    let port = server.port().to_string();
    let uri = server.uri();
    let bridge = TestBridge::start_with(|c| c.storage.mongodb_uri = Some(uri.into())).await;
    for n in 0..20 {
        assert_eq!(bridge.deliver(&result(&format!("c{n}"), "bot")).await.status(), StatusCode::OK);
    }
    server.signal(Signal::KILL);
    refused_in_time(&bridge, "meanwhile").await;
    drop(server);
    let again = MongoDb::own(&["--data", kept.name(), "--port", &port]);
    recovers(&bridge, "meanwhile").await;
    for n in 0..20 {
        assert_eq!(bridge.call(&format!("c{n}")).await["session_id"], format!("c{n}"));
    }
    bridge.stop().await;
    let gone = again.pids.clone();
    drop(again);
    for pid in gone {
        assert!(test_kill_process(pid).is_err());
    }
}
