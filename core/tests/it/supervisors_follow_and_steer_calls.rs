//! A supervisor's tool follows twenty running calls, steers one, transfers one and ends one; the bridge is frozen and killed meanwhile,
//! and no call notices.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vox_caller::{Call, Event, Options, Outcome, Protocol, Step, Talker, connect};
use vox_testkit::vendor::openai::Script;

use crate::harness::bridge::Bridge;
use crate::harness::bridge_process::BridgeProcess;
use crate::harness::vendors::{Scripts, Vendors};
use crate::harness::worker::Worker;
use crate::harness::{GREETING, PATIENCE, assert_clean, eventually, speech, texts};

const CALLS: usize = 20;
const NOTE: &str = "The caller is a doctor.";
const REPLY: &str = "As you wish.";
const AGENT: &str = "+15550001";
/// How the first calls end; whoever calls hangs up in the others.
const ENDED_BY: [&str; 3] = ["customer", "transfer_to_agent", "bot"];
const GOODBYE: &str = "We close now. Good bye.";
/// A client that was cut off comes again after this.
const AGAIN: Duration = Duration::from_millis(100);

fn caller(n: usize) -> String {
    format!("+9198000010{n:02}")
}

/// An event as the client read it.
#[derive(Clone, Debug)]
struct Seen {
    id: String,
    name: String,
    data: Value,
}

/// A client that follows one call to its end, and comes again when it is cut off.
struct Follower {
    seen: Arc<Mutex<Vec<Seen>>>,
    following: JoinHandle<()>,
}

impl Follower {
    fn of(http: Client, url: String, token: String) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let following = tokio::spawn(follow(http, (url, token), seen.clone()));
        Self { seen, following }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn has(&self, name: &str, text: Option<&str>) -> bool {
        let is_it =
            |seen: &Seen| seen.name == name && text.is_none_or(|text| seen.data["data"]["text"] == text);
        self.seen().iter().any(is_it)
    }
}

async fn follow(http: Client, (url, token): (String, String), seen: Arc<Mutex<Vec<Seen>>>) {
    let mut last = String::new();
    loop {
        let request = http.get(&url).bearer_auth(&token).header("last-event-id", &last);
        if let Ok(answer) = request.send().await
            && answer.status() == StatusCode::OK
        {
            read(answer, &mut last, &seen).await;
            if last == "end" {
                return;
            }
        }
        sleep(AGAIN).await;
    }
}

/// Until the stream ends or breaks.
async fn read(mut answer: Response, last: &mut String, into: &Mutex<Vec<Seen>>) {
    let mut text = String::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        text.push_str(std::str::from_utf8(&piece).unwrap());
        while let Some((block, rest)) = text.split_once("\n\n") {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(name) = field("event: ") {
                let id = field("id: ").unwrap_or_default().to_owned();
                if !id.is_empty() {
                    id.clone_into(last);
                }
                let data = serde_json::from_str(field("data: ").unwrap()).unwrap();
                let seen = Seen { id, name: name.to_owned(), data };
                into.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
            }
            text = rest.to_owned();
        }
    }
}

/// A bridge, twenty workers, a supervisor.
struct Floor {
    bridge: Bridge,
    workers: Vec<Worker>,
    talking: Vendors,
    silent: Vendors,
    http: Client,
    token: String,
    bots: [String; 2],
    _data: TempDir,
}

impl Floor {
    async fn start() -> (Self, BridgeProcess) {
        let data = tempfile::tempdir().unwrap();
        let mut bridge = Bridge::start(&data.path().join("bridge")).await;
        let talking = Vendors::start(Scripts::new(["Tell me."], Script::saying(REPLY))).await;
        let silent = Vendors::start(Scripts::default()).await;
        let bots = [bridge.insert_bot(talking.bot()).await, bridge.insert_bot(silent.bot()).await];
        let token = bridge.supervisor().await;
        bridge.go_away().await;
        let process = BridgeProcess::start(&bridge).await;
        let mut workers = Vec::new();
        for n in 0..CALLS {
            workers.push(Worker::start(&data.path().join(format!("core-{n}")), &bridge.url(), &[]).await);
        }
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        (Self { bridge, workers, talking, silent, http, token, bots, _data: data }, process)
    }

    /// The first call is one in which somebody speaks.
    async fn dial(&self, n: usize) -> Call {
        let mut options = Options::new(Protocol::Ws, &self.workers[n].url()).unwrap();
        options.bot_id = Some(self.bots[usize::from(n > 0)].clone());
        options.caller_id = caller(n);
        connect(options).await.unwrap_or_else(|error| panic!("{error}\n{}", self.workers[n].log()))
    }

    /// Session ids of the running calls, by caller.
    async fn running(&self) -> BTreeMap<String, String> {
        let url = format!("{}/api/v1/calls/live", self.bridge.url());
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        let page: Value = answer.error_for_status().unwrap().json().await.unwrap();
        let text = |call: &Value, field: &str| call[field].as_str().unwrap_or_default().to_owned();
        let calls = page["items"].as_array().unwrap().iter();
        calls.map(|call| (text(call, "caller_id"), text(call, "session_id"))).collect()
    }

    async fn order(&self, session: &str, verb: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/api/v1/calls/{session}/{verb}", self.bridge.url());
        let answer = self.http.post(url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    fn follow(&self, session: &str) -> Follower {
        let url = format!("{}/api/v1/calls/{session}/events", self.bridge.url());
        Follower::of(self.http.clone(), url, self.token.clone())
    }

    async fn end(mut self) {
        for worker in &mut self.workers {
            worker.stop().await;
        }
        self.talking.assert_no_leftovers().await;
        self.silent.assert_no_leftovers().await;
    }
}

async fn see(followers: &[Follower], name: &str) {
    eventually(name, async || followers.iter().all(|f| f.has(name, None)).then_some(())).await;
}

/// The numbers go up, and what is missing is told.
fn assert_whole(seen: &[Seen]) {
    let mut before = 0;
    for event in seen.iter().filter(|event| event.id != "end") {
        match event.id.parse::<u64>() {
            Ok(number) => {
                assert_eq!(number, before + 1, "{seen:#?}");
                before = number;
            }
            Err(_) if event.name == "gap" => before = event.data["data"]["to"].as_u64().unwrap(),
            Err(_) => assert_eq!(event.name, "call.failed"),
        }
    }
    assert_eq!(seen.last().map(|event| event.name.as_str()), Some("call.ended"));
}

#[tokio::test]
async fn and_no_call_notices_that_the_bridge_is_frozen_and_killed() {
    let (floor, bridge) = Floor::start().await;
    let mut calls = join_all((0..CALLS).map(|n| floor.dial(n))).await;
    let mut dialler = calls[1].take_events().expect("nobody else reads them");
    let hears = || Step::AwaitReply { quiet: Duration::from_secs(1), within: PATIENCE };
    let mut talkers: Vec<Talker<'_>> = calls.iter().map(Talker::new).collect();
    let greeted = join_all(talkers.iter_mut().map(|talker| talker.act(hears()))).await;
    assert!(greeted.iter().all(|outcome| *outcome == Outcome::Done), "{greeted:?}");
    let running = floor.running().await;
    assert_eq!(running.len(), CALLS, "{running:?}");
    let sessions: Vec<&String> = (0..CALLS).map(|n| &running[&caller(n)]).collect();
    let followers: Vec<Follower> = sessions.iter().map(|session| floor.follow(session)).collect();
    see(&followers, "call.connected").await;
    see(&followers, "transcript.turn").await;

    let steered = floor.order(sessions[0], "steer", json!({"text": NOTE})).await;
    assert_eq!(steered, (200, json!({"session_id": sessions[0], "taken": "steer"})));
    bridge.freeze();
    assert_eq!(talkers[0].act(Step::Say(speech(4))).await, Outcome::Done);
    assert_eq!(talkers[0].act(hears()).await, Outcome::Done, "the bot answers while its bridge is frozen");
    let asked = floor.talking.asked();
    let messages = asked.last().unwrap()["messages"].as_array().unwrap().clone();
    assert!(messages.contains(&json!({"role": "system", "content": NOTE})), "{messages:?}");
    bridge.kill().await;
    let bridge = BridgeProcess::start(&floor.bridge).await;
    eventually("the client sees what was said meanwhile", async || {
        followers[0].has("transcript.turn", Some(REPLY)).then_some(())
    })
    .await;

    let taken = floor.order(sessions[1], "transfer", json!({"to": AGENT})).await;
    assert_eq!(taken, (200, json!({"session_id": sessions[1], "taken": "transfer"})));
    let (status, refusal) = floor.order(sessions[1], "say", json!({"text": REPLY})).await;
    assert_eq!((status, refusal["error"]["code"].as_str()), (409, Some("order_refused")));
    assert_eq!(refusal["detail"], "it is not possible while the caller is being handed over");
    let asked = async {
        while let Some(event) = dialler.recv().await {
            if let Event::Transfer { to } = event {
                return to;
            }
        }
        panic!("the dialler is not asked")
    };
    assert_eq!(timeout(PATIENCE, asked).await.expect("the dialler is asked"), AGENT);
    calls[1].take_over().await.unwrap();
    assert_eq!(floor.order(sessions[2], "end", json!({"goodbye": GOODBYE})).await.0, 200);
    assert_eq!(talkers[2].act(Step::AwaitHangup { within: PATIENCE }).await, Outcome::Done);
    drop(talkers);
    for report in join_all(calls.into_iter().map(Call::finish)).await {
        assert_clean(&report);
    }
    judge(&floor, followers).await;
    assert_eq!(floor.order(sessions[3], "hold", json!({})).await.1["error"]["code"], "call_ended");
    bridge.kill().await;
    floor.end().await;
}

/// Each call has one terminal record and no gap in its sound, and whoever followed it saw all of it.
async fn judge(floor: &Floor, followers: Vec<Follower>) {
    for (n, follower) in followers.into_iter().enumerate() {
        let record = floor.bridge.record(&caller(n)).await.unwrap();
        let ended = timeout(PATIENCE, follower.following);
        let seen = follower.seen.clone();
        ended.await.expect("the stream ends with the call").unwrap();
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert_whole(&seen);
        assert_eq!(record["disconnected_by"], ENDED_BY.get(n).copied().unwrap_or("customer"));
        assert_eq!(record["latency"]["underruns"], 0, "call {n}: {}", record["latency"]);
        let said = texts(&record, "bot");
        assert_eq!(said[0], GREETING);
        assert!(!said.iter().any(|text| text.contains(NOTE)), "the caller does not hear it: {said:?}");
        match n {
            1 => {
                assert_eq!(
                    (&record["was_transferred"], &record["transfer_destination"]),
                    (&json!(true), &json!(AGENT))
                );
                assert_eq!(record["transfer_method"], "websocket_reverse_transfer");
            }
            0 => assert!(said.contains(&REPLY.to_owned()), "{said:?}"),
            2 => assert_eq!(said.last().map(String::as_str), Some(GOODBYE)),
            _ => {}
        }
    }
    assert_eq!(floor.bridge.calls().await.len(), CALLS, "one record for each call");
}
