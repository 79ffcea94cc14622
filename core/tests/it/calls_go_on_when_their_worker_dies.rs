//! A worker dies in a call in a LiveKit room: another one goes on with it, in the same room, with what was said before, and there is
//! one record. The server is a real one, and the worker is killed.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vox_shared::model::bot::Tool;
use vox_testkit::tool::{Manner, ScriptedTool};
use vox_testkit::vendor::openai::{Rule, Script, ToolCall, When};

use crate::harness::rooms::{Person, Rooms};
use crate::harness::sound::Recording;
use crate::harness::vendors::Scripts;
use crate::harness::worker::Worker;
use crate::harness::{GREETING, eventually, files_in, speech, texts};

const PATH: &str = "/livekit/widget";
const ASKS: &str = "I am Asha. Where is my order?";
const FOUND: &str = "It is on its way, Asha.";
const BACK: &str = "Sorry, the line was interrupted for a moment.";
const GOES_ON: &str = "As I said, your order is on its way.";
const LAST: &str = "You are welcome.";
const KEY: &str = "k-0123456789abcdef";
/// The caller waits no longer on a machine that has other things to do; on a quiet one it is far less.
const DEAD_AIR: Duration = Duration::from_secs(20);

fn find_order(url: String) -> Tool {
    let tool = json!({
        "name": "find_order", "description": "Looks up an order.",
        "http": {"method": "GET", "url": url, "headers": [{"name": "Authorization", "secret": format!("Bearer {KEY}")}]},
    });
    serde_json::from_value(tool).unwrap()
}

/// A model that looks the order up when it is asked first, and says this to the requests from the third on.
fn model<const N: usize>(later: [&str; N]) -> Script {
    let calls = Rule {
        when: When { request: Some(1), ..When::default() },
        tool_calls: vec![ToolCall { name: "find_order".into(), arguments: json!({}) }],
        ..Rule::default()
    };
    let says = |request: u32, tool_result: Option<&str>, say: &str| Rule {
        when: When { request: Some(request), tool_result: tool_result.map(str::to_owned), ..When::default() },
        say: say.into(),
        ..Rule::default()
    };
    let later = (3..).zip(later).map(|(request, say)| says(request, None, say));
    let rules = [calls, says(2, Some("find_order"), FOUND)].into_iter().chain(later).collect();
    Script { rules, ..Script::saying("?") }
}

impl Rooms {
    /// One more worker of the host.
    async fn another(&self) -> Worker {
        // Not where the harness looks for sockets that are left.
        let sockets = self.stage.core_data().join("sockets-of-others");
        let settings = [
            ("LIVEKIT_URL", &*self.livekit.url),
            ("LIVEKIT_API_KEY", &*self.livekit.key),
            ("LIVEKIT_API_SECRET", &*self.livekit.secret),
            ("VOXCORE_SOCKET_DIR", sockets.to_str().unwrap()),
        ];
        Worker::start(&self.stage.core_data(), &self.stage.bridge.url(), &settings).await
    }

    /// Kill the worker; another one is looked at from now on.
    fn dies(&mut self, next: Worker) -> Worker {
        self.stage.worker.kill();
        std::mem::replace(&mut self.stage.worker, next)
    }

    /// A bot that can look up an order, and the server where it does.
    async fn bot_with_orders(&self) -> (String, ScriptedTool) {
        let server =
            ScriptedTool::start(KEY, Manner::Json(json!({"state": "sent", "number": "A-7"}))).await.unwrap();
        let url = server.url("/orders");
        (self.stage.bot(|bot| bot.tools.push(find_order(url))).await, server)
    }

    /// All of the call is delivered, and what these workers and those that died had open is put away.
    async fn settles(&self, workers: usize) {
        let data = self.stage.core_data();
        eventually("everything is delivered", async || {
            let own = files_in(&data.join("outbox")).len() == workers;
            (own && files_in(&data.join("recordings")).is_empty()).then_some(())
        })
        .await;
        // The sockets of killed workers are nobody's.
        let sockets = data.join("sockets");
        for path in files_in(&sockets).into_iter().map(|name| sockets.join(name)) {
            if UnixStream::connect(&path).is_err() {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

/// Which of them has a call.
async fn who_has(workers: &[&Worker]) -> usize {
    eventually("somebody goes on", async || {
        for (place, worker) in workers.iter().enumerate() {
            let health: Value = reqwest::get(worker.http("/health")).await.ok()?.json().await.ok()?;
            if health["worker_calls"] == 1 {
                return Some(place);
            }
        }
        None
    })
    .await
}

/// How long the caller, who hears nothing now, waits for the bot.
async fn dead_air(visitor: &mut Person) -> Duration {
    let killed = Instant::now();
    visitor.hears_speech().await;
    killed.elapsed()
}

/// A record whose lines of the bot end with their last word: a busy machine knows later that a line was heard.
fn to_the_last_word(mut record: Value) -> Value {
    for line in
        record["transcript"].as_array_mut().into_iter().flatten().filter(|line| line["speaker"] == "bot")
    {
        let last =
            line["words"].as_array().and_then(|words| words.last()).map(|word| word["ended_ms"].clone());
        if let Some(last) = last {
            line["ended_ms"] = last;
        }
    }
    record
}

/// Of the record.
fn recovered(record: &Value) -> &[Value] {
    record["recovered"].as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_hears_the_bot_go_on_with_what_was_said_before() {
    let mut rooms = Rooms::start(Scripts::new([ASKS, "Thank you."], model([GOES_ON, LAST]))).await;
    let (bot, _orders) = rooms.bot_with_orders().await;
    // Two are idle: one goes on.
    let (second, third) = (rooms.another().await, rooms.another().await);
    let call =
        rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1", "caller_id": "visitor"})).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_reply().await;
    visitor.says(&speech(5));
    visitor.hears_speech().await;
    visitor.reads(FOUND).await;
    visitor.hears_silence().await;
    let supervisor = rooms.stage.bridge.supervisor().await;
    // What was recorded by now is on disk.
    visitor.listens(Duration::from_secs(4)).await;

    drop(rooms.dies(second));
    let silent = dead_air(&mut visitor).await;
    println!("kill to the bot's voice, heard in the room: {} ms", silent.as_millis());
    assert!(silent < DEAD_AIR, "{silent:?}");
    visitor.reads(BACK).await;
    visitor.reads(GOES_ON).await;
    visitor.hears_silence().await;
    let has_it = who_has(&[&rooms.stage.worker, &third]).await;
    // Where it is now, orders reach it.
    let url = format!("{}/api/v1/calls/{call}/say", rooms.stage.bridge.url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    eventually("an order reaches the worker that went on", async || {
        let request = http.post(&url).bearer_auth(&supervisor).json(&json!({"text": "One more thing."}));
        request.send().await.unwrap().status().is_success().then_some(())
    })
    .await;
    visitor.reads("One more thing.").await;
    visitor.hears_silence().await;
    visitor.says(&speech(4));
    visitor.reads(LAST).await;
    visitor.hears_silence().await;
    visitor.leaves().await;

    let record = rooms.stage.record("visitor").await;
    assert_eq!((&record["session_id"], &record["disconnected_by"]), (&json!(call), &json!("customer")));
    assert_eq!(rooms.stage.bridge.calls().await.len(), 1, "one record");
    assert_eq!(texts(&record, "bot"), [GREETING, FOUND, BACK, GOES_ON, "One more thing.", LAST]);
    assert_eq!(texts(&record, "caller"), [ASKS, ASKS], "a recogniser's script begins anew");
    let [by] = recovered(&record) else { panic!("{record}") };
    assert_eq!(by["worker_id"], record["worker_id"]);
    assert!(record["latency_samples"].as_array().is_some_and(|samples| samples.len() >= 2), "of both parts");
    let asked = rooms.stage.vendors.asked();
    let told = asked[2]["messages"].to_string();
    assert!(told.contains("Asha") && told.contains("A-7") && told.contains(FOUND), "{told}");
    let recording = Recording::fetch(&rooms.stage, &record).await;
    recording.assert_holds(&to_the_last_word(record));
    rooms.settles(2).await;
    let mut third = third;
    println!("worker {has_it} of 2 went on");
    third.stop().await;
    rooms.stage.end().await;
}

/// The second worker dies too, and the host has no free one: the one that is started then goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_death_is_got_over_by_a_worker_that_is_started_again() {
    let mut rooms = Rooms::start(Scripts::new([ASKS], model([GOES_ON, LAST]))).await;
    let (bot, _orders) = rooms.bot_with_orders().await;
    let second = rooms.another().await;
    rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1", "caller_id": "visitor"})).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_reply().await;
    visitor.says(&speech(5));
    visitor.hears_speech().await;
    visitor.reads(FOUND).await;
    visitor.hears_silence().await;
    drop(rooms.dies(second));
    visitor.reads(GOES_ON).await;
    visitor.hears_silence().await;
    // A worker that dies within three seconds has died of the call.
    visitor.listens(Duration::from_secs(3)).await;
    rooms.stage.worker.kill();
    let third = rooms.another().await;
    rooms.stage.worker = third;
    let silent = dead_air(&mut visitor).await;
    println!("start of a worker to the bot's voice, heard in the room: {} ms", silent.as_millis());
    assert!(silent < DEAD_AIR, "{silent:?}");
    visitor.reads(LAST).await;
    visitor.hears_silence().await;
    visitor.leaves().await;

    let record = rooms.stage.record("visitor").await;
    assert_eq!(record["disconnected_by"], "customer");
    assert_eq!(texts(&record, "bot"), [GREETING, FOUND, BACK, GOES_ON, BACK, LAST]);
    assert_eq!((recovered(&record).len(), rooms.stage.bridge.calls().await.len()), (2, 1));
    rooms.settles(1).await;
    rooms.stage.end().await;
}

/// Nobody sits in the room any more: the record says that the worker was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_left_meanwhile_is_not_waited_for() {
    let mut rooms = Rooms::start(Scripts::default()).await;
    let bot = rooms.stage.bot(|_| {}).await;
    rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1", "caller_id": "visitor"})).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_reply().await;
    visitor.reads(GREETING).await;
    rooms.stage.worker.kill();
    visitor.leaves().await;
    let next = rooms.another().await;
    rooms.stage.worker = next;
    let record = rooms.stage.record("visitor").await;
    assert_eq!(record["disconnected_by"], "worker_lost");
    assert_eq!(texts(&record, "bot"), [GREETING]);
    assert!(recovered(&record).is_empty(), "{record}");
    let late = rooms.visitor("widget-1").await;
    assert!(late.guest.room.participants().await.is_empty(), "no bot sits there");
    late.leaves().await;
    rooms.settles(1).await;
    rooms.stage.end().await;
}

/// A worker that is asked to stop lets its call end, however many others are free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_to_stop_keeps_its_call() {
    let mut rooms = Rooms::start(Scripts::new([ASKS], model([]))).await;
    let (bot, _orders) = rooms.bot_with_orders().await;
    let second = rooms.another().await;
    rooms.takes(PATH, &json!({"bot_id": bot, "room_name": "widget-1", "caller_id": "visitor"})).await;
    let mut visitor = rooms.visitor("widget-1").await;
    visitor.hears_reply().await;
    rooms.stage.worker.terminate();
    visitor.says(&speech(5));
    visitor.reads(FOUND).await;
    visitor.leaves().await;
    rooms.stage.worker.ended().await;
    let record = rooms.stage.record("visitor").await;
    let worker = record["worker_id"].as_str().unwrap();
    assert!(recovered(&record).is_empty() && record["disconnected_by"] == "customer", "{record}");
    assert!(!second.whole_log().contains(worker), "the other one had nothing to do with it");
    rooms.stage.worker = second;
    rooms.stage.end().await;
}

/// A telephone that was rung: it is gone on with as a telephone, which can be handed over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_hears_the_bot_again() {
    let mut rooms = Rooms::start(Scripts::new([ASKS], model([GOES_ON]))).await;
    let (bot, _orders) = rooms.bot_with_orders().await;
    let second = rooms.another().await;
    let number = "+15550100";
    let mut phone = rooms.phone("call-1", &format!("sip-{number}"), &[("sip.callStatus", "active")]).await;
    rooms.takes("/attach", &json!({"bot_id": bot, "room_name": "call-1", "to_number": number})).await;
    phone.hears_reply().await;
    phone.says(&speech(5));
    phone.hears_speech().await;
    phone.reads(FOUND).await;
    phone.hears_silence().await;
    drop(rooms.dies(second));
    let silent = dead_air(&mut phone).await;
    println!("kill to the bot's voice, heard by a telephone: {} ms", silent.as_millis());
    assert!(silent < DEAD_AIR, "{silent:?}");
    phone.reads(GOES_ON).await;
    phone.leaves().await;
    let record = rooms.stage.record(number).await;
    assert_eq!(
        (&record["disconnected_by"], &record["call_direction"]),
        (&json!("customer"), &json!("outgoing"))
    );
    assert_eq!(recovered(&record).len(), 1);
    rooms.settles(1).await;
    rooms.stage.end().await;
}
