//! A call whose host is gone gets a terminal record, and a result that comes after all takes its place.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::jobs::lost_calls::close;
use vox_bridge::store::calls::CALLS;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, result};

struct Host {
    bridge: TestBridge,
    bot: String,
}

impl Host {
    /// A bot whose calls last two minutes at most.
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let settings =
            BotSettings { name: "b".into(), max_call_duration_seconds: 120, ..BotSettings::default() };
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await.to_string();
        Self { bridge, bot }
    }

    async fn call_begins(&self, session: &str) {
        let fetched =
            self.bridge.fetch_config(&self.bot, &[("session_id", session), ("transport", "ws")]).await;
        assert_eq!(fetched.status(), StatusCode::OK);
    }

    async fn worker_has(&self, session: Option<&str>) {
        let worker = json!({
            "worker_id": "w1", "host": "h", "address": "http://127.0.0.1:1", "slots": 1, "calls": u8::from(session.is_some()),
            "build": "t", "draining": false, "pid": 1, "session_id": session
        });
        let answer =
            self.bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&worker).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// Let time pass and the job run; answers where the call stands then.
    async fn after(&self, minutes: i64, session: &str) -> Value {
        self.bridge.clock.advance(SignedDuration::from_mins(minutes));
        close(&self.bridge.app.results).await.unwrap();
        self.bridge.call(session).await["status"].clone()
    }
}

#[tokio::test]
async fn a_call_that_no_worker_has_any_more_is_lost_after_its_longest_time() {
    let host = Host::start().await;
    host.call_begins("call_lost").await;
    assert_eq!(host.after(16, "call_lost").await, "started", "two minutes and the margin are not over");
    assert_eq!(host.after(2, "call_lost").await, "failed");
    let call = host.bridge.call("call_lost").await;
    assert_eq!(call["disconnected_by"], "worker_lost");
    assert!(call["error"].as_str().unwrap().contains("no worker"), "{call}");
    assert_eq!(close(&host.bridge.app.results).await.unwrap(), 0, "it is closed once");
}

#[tokio::test]
async fn a_late_result_takes_the_place_of_the_guess() {
    let host = Host::start().await;
    host.call_begins("call_late").await;
    assert_eq!(host.after(20, "call_late").await, "failed");
    assert_eq!(host.bridge.deliver(&result("call_late", "customer")).await.status(), StatusCode::OK);
    let call = host.bridge.call("call_late").await;
    assert_eq!((&call["status"], &call["disconnected_by"]), (&json!("completed"), &json!("customer")));
    assert_eq!(call["error"], Value::Null, "nothing is left of the guess");
}

/// A neighbour on the host delivers what the journal of the killed worker holds, transcript and recording included; it may
/// be slower than the bridge's own guess, and says `worker_lost` too.
#[tokio::test]
async fn a_neighbours_word_takes_the_place_of_the_guess_and_nothing_takes_its() {
    let host = Host::start().await;
    host.call_begins("call_adopted").await;
    assert_eq!(host.after(20, "call_adopted").await, "failed");
    let mut adopted = result("call_adopted", "worker_lost");
    adopted["worker_id"] = json!("w1");
    adopted["recording_key"] = json!("call_adopted.wav");
    adopted["transcript"] = json!([
        {"turn": 0, "speaker": "caller", "text": "I can come", "started_ms": 0, "ended_ms": 900}
    ]);
    assert_eq!(host.bridge.deliver(&adopted).await.status(), StatusCode::OK);
    let call = host.bridge.call("call_adopted").await;
    assert_eq!(call["transcript"][0]["text"], "I can come", "{call}");
    assert_eq!(call["recording_key"], "call_adopted.wav");
    assert_eq!(call["error"], Value::Null, "nothing is left of the guess");
    adopted["transcript"] = json!([]);
    host.bridge.deliver(&adopted).await;
    let call = host.bridge.call("call_adopted").await;
    assert_eq!(call["transcript"][0]["text"], "I can come", "one terminal record: {call}");
    let counted = host.bridge.metrics().await;
    let lines: Vec<&str> = counted.lines().filter(|l| l.starts_with("calls_total")).collect();
    assert!(lines.len() == 1 && lines[0].ends_with(" 1"), "a call is counted once: {lines:?}");
}

/// More than one batch of them.
#[tokio::test]
async fn calls_that_cannot_be_read_keep_no_other_from_being_closed() {
    const BROKEN: usize = 130;
    let host = Host::start().await;
    for n in 0..BROKEN {
        host.call_begins(&format!("call_broken_{n}")).await;
    }
    host.bridge.clock.advance(SignedDuration::from_mins(1));
    host.call_begins("call_sound").await;
    for n in 0..BROKEN {
        host.bridge.damage(&CALLS, &format!("call_broken_{n}"), "result", 7.into()).await;
    }
    assert_eq!(host.after(20, "call_sound").await, "failed");
}

#[tokio::test]
async fn a_call_that_a_worker_has_is_asked_for_later() {
    let host = Host::start().await;
    host.call_begins("call_long").await;
    host.bridge.clock.advance(SignedDuration::from_mins(20));
    host.worker_has(Some("call_long")).await;
    assert_eq!(host.after(0, "call_long").await, "started");
    host.worker_has(None).await;
    assert_eq!(host.after(5, "call_long").await, "started", "not looked at in every round");
    assert_eq!(host.after(6, "call_long").await, "failed");
}

#[tokio::test]
async fn a_call_with_a_result_is_left_alone() {
    let host = Host::start().await;
    host.call_begins("call_done").await;
    host.bridge.deliver(&result("call_done", "bot")).await;
    assert_eq!(host.after(600, "call_done").await, "completed");
}

#[tokio::test]
async fn many_lost_calls_are_closed_in_bounded_batches() {
    let host = Host::start().await;
    for n in 0..130 {
        host.call_begins(&format!("call_{n:03}")).await;
    }
    host.bridge.clock.advance(SignedDuration::from_mins(20));
    assert_eq!(close(&host.bridge.app.results).await.unwrap(), 100);
    assert_eq!(close(&host.bridge.app.results).await.unwrap(), 30);
    assert_eq!(close(&host.bridge.app.results).await.unwrap(), 0);
}
