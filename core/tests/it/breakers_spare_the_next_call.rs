//! What one call of a worker sees of a vendor the next one begins with, and the bridge learns it.

use std::time::Duration;

use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_caller::{Protocol, Scenario, run};
use vox_testkit::vendor::openai::{self, Script};
use vox_testkit::vendor::{Faults, Server};

use crate::harness::vendors::Scripts;
use crate::harness::{Stage, client, eventually, speech};

const ANSWER: &str = "With pleasure.";

/// The model's row of the record's usage.
fn usage(record: &Value) -> (u64, u64) {
    let rows = record["usage_metrics"].as_array().unwrap();
    let row = rows.iter().find(|row| row["kind"] == "llm").unwrap_or_else(|| panic!("{record}"));
    (row["requests"].as_u64().unwrap(), row["failures"].as_u64().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_refused_is_not_tried_by_the_next_call() {
    let stage = Stage::start(Scripts::new(["Tell me more.", "Tell me more."], Script::saying(ANSWER))).await;
    let refuses: openai::Server = Server::start(Script::saying("Never.")).await;
    refuses.set_faults(Faults { status: Some(401), ..Faults::default() });
    let bot = stage
        .bot(|bot| {
            let good = bot.llm.clone();
            bot.llm.extra.insert("base_url".into(), json!(format!("{}/v1", refuses.url())));
            bot.llm.fallbacks = vec![good];
        })
        .await;
    for (caller, expected) in [("first", (2, 1)), ("next", (1, 0))] {
        let call = stage.dial(Protocol::Ws, &bot, caller).await;
        let quiet = Duration::from_millis(700);
        let scenario = Scenario::new().await_reply(quiet).say(speech(4)).await_reply(quiet).hangup();
        let done = run(call, scenario).await;
        let record = stage.record(caller).await;
        assert!(done.is_complete(), "{caller}: {:?} {}", done.steps, record["events"]);
        assert_eq!(usage(&record), expected, "{caller}: {}", record["events"]);
    }
    assert_eq!(refuses.observed().on_path("/chat/completions").count(), 1);

    let metrics = reqwest::get(stage.worker.http("/metrics")).await.unwrap().text().await.unwrap();
    let told = r#"circuit_breaker_state{service="openai",kind="llm"} 2"#;
    assert!(metrics.contains(told), "{metrics}");
    // The refused key and the good one are told apart, by the worker and by the bridge.
    let token = stage.bridge.person(Role::Admin).await;
    let ask = async |path: &str| -> Value {
        let url = format!("{}{path}", stage.bridge.url());
        client().get(url).bearer_auth(&token).send().await.unwrap().json().await.unwrap()
    };
    let shown = async || {
        let fleet = ask("/api/v1/fleet/status").await;
        let rows = fleet["hosts"][0]["workers"][0]["vendors"].as_array()?.clone();
        let mut models: Vec<_> = rows.iter().filter(|row| row["service"] == "llm").collect();
        models.sort_by_key(|row| row["samples"].as_u64());
        let told: Vec<_> = models.iter().map(|row| row["breaker"].as_str().unwrap().to_owned()).collect();
        (told == ["open", "closed"] && models[1]["p50_ms"].is_f64()).then_some(())
    };
    eventually("the worker registers what it knows", shown).await;
    let vendors = ask("/api/v1/vendors").await;
    let open = vendors["items"].as_array().unwrap().iter().filter(|item| item["workers_open"] == 1).count();
    assert_eq!(open, 1, "{vendors}");
    refuses.assert_no_leftovers().await;
    stage.end().await;
}
