//! Tools of a bot's own, over real HTTP: what their servers get, what the model is told of every way in which one can fail, and a call
//! in which one works and one does not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use vox_caller::{EndedBy, Protocol, Scenario, Step, run};
use vox_core::call::tools::{Around, Tools};
use vox_core::provider::egress::Egress;
use vox_core::provider::llm::ToolCall;
use vox_core::session::event::{Event, ToolAnswer, ToolStatus};
use vox_shared::clock::Clock;
use vox_shared::egress::{AllowList, Policy};
use vox_shared::model::bot::Tool;
use vox_shared::wire::config::RuntimeConfig;
use vox_testkit::tool::{Manner, ScriptedTool};
use vox_testkit::vendor::openai::{self, Rule, Script, When};

use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, assert_clean, eventually, speech, texts};

const KEY: &str = "k-0123456789abcdef";
const CALLER: &str = "+919800000050";
const ARRIVES: &str = "It arrives tomorrow.";
/// What the caller gives away, and a tool is to check.
const CODE: &str = "482913";
const SORRY: &str = "I cannot look that up right now.";

fn tool(name: &str, method: &str, url: String) -> Tool {
    let tool = json!({
        "name": name, "description": "Looks up an order.",
        "parameters": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
        "http": {"method": method, "url": url, "timeout_secs": 3.0,
            "headers": [{"name": "Authorization", "secret": format!("Bearer {KEY}")}]},
    });
    serde_json::from_value(tool).unwrap()
}

fn tools(of: Vec<Tool>, allow: &str) -> Tools {
    let config =
        json!({"session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": ""});
    let config: RuntimeConfig = serde_json::from_value(config).unwrap();
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let policy = Policy::new(AllowList::parse(allow).unwrap());
    let around = Around { egress: Arc::new(Egress::new(policy)), clock: Clock::system(), caller_id: None };
    Tools::new(&RuntimeConfig { tools: of, ..config }, around)
}

fn call(id: &str) -> ToolCall {
    ToolCall { id: "c1".into(), name: "find_order".into(), arguments: json!({"id": id}) }
}

async fn answered(tools: &mut Tools, id: &str) -> ToolAnswer {
    assert!(tools.run(1, call(id)).is_none(), "it is asked");
    match timeout(PATIENCE, tools.next()).await.expect("there is an answer") {
        Event::ToolDone { answer, .. } => answer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_way_to_fail_is_told_to_the_model_in_words_that_let_the_call_go_on() {
    let server = ScriptedTool::start(KEY, Manner::Json(json!({"state": "sent"}))).await.unwrap();
    let url = server.url("/orders/{{id}}");
    let mut own = tools(vec![tool("find_order", "GET", url)], "127.0.0.1");
    let answer = answered(&mut own, "A 7/..").await;
    assert_eq!(
        answer,
        ToolAnswer { status: ToolStatus::Ok, code: Some(200), result: json!({"state": "sent"}) }
    );
    let asked = server.asked().remove(0);
    assert_eq!((asked.path.as_str(), asked.body), ("/orders/A%207%2F..", Value::Null));
    assert_eq!(asked.idempotency_key.as_deref(), Some("call_1-1"));
    for (manner, status, code, told) in [
        (Manner::Text("It is sent.".into()), ToolStatus::Ok, Some(200), "It is sent."),
        (Manner::Refuse(404, json!({"detail": "unknown"})), ToolStatus::Refused, Some(404), "unknown"),
        (
            Manner::Refuse(401, json!({"detail": "unknown"})),
            ToolStatus::Refused,
            Some(401),
            "Tell the caller",
        ),
        (Manner::Refuse(429, json!({})), ToolStatus::Refused, Some(429), "Tell the caller"),
        (Manner::Refuse(500, json!({})), ToolStatus::Failed, Some(500), "Tell the caller"),
        (Manner::Redirect("http://127.0.0.1/".into()), ToolStatus::Failed, Some(302), "Tell the caller"),
        (Manner::Cut, ToolStatus::Failed, Some(200), "Tell the caller"),
        (Manner::Large(300 * 1_024), ToolStatus::TooLarge, Some(200), "too large"),
        (Manner::Silent, ToolStatus::TimedOut, None, "in time"),
    ] {
        server.then(manner.clone());
        let answer = answered(&mut own, "A-7").await;
        assert_eq!((answer.status, answer.code), (status, code), "{manner:?}: {}", answer.result);
        assert!(answer.result.to_string().contains(told), "{manner:?}: {}", answer.result);
    }
    server.then(Manner::Text("y".repeat(200 * 1_024)));
    let answer = answered(&mut own, "A-7").await;
    assert_eq!(answer.status, ToolStatus::Ok);
    assert!(answer.result.as_str().unwrap().ends_with("[cut off here]"), "the model gets the beginning");
    // Values that lead elsewhere, an address of this machine where it is not allowed, and a server that is gone.
    assert_eq!(answered(&mut own, "..").await.status, ToolStatus::Refused);
    let mut forbidden = tools(vec![tool("find_order", "GET", server.url("/{{id}}"))], "");
    assert_eq!(answered(&mut forbidden, "A-7").await.status, ToolStatus::Forbidden);
    let asked = server.asked().len();
    assert_eq!(asked, 11, "nothing was sent for these, and nothing twice");
    let gone = server.url("/{{id}}");
    drop(server);
    let mut gone = tools(vec![tool("find_order", "GET", gone)], "127.0.0.1");
    eventually("the port is free", async || {
        (answered(&mut gone, "A-7").await.status == ToolStatus::Failed).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_runs_is_given_up_with_its_run_and_with_the_call() {
    let server = ScriptedTool::start(KEY, Manner::Silent).await.unwrap();
    let mut own = tools(vec![tool("find_order", "POST", server.url("/{{id}}"))], "127.0.0.1");
    for run in 1..=2 {
        assert!(own.run(run, call("A-7")).is_none());
    }
    let open = async |n: usize| eventually("requests", async || (server.open() == n).then_some(())).await;
    open(2).await;
    own.cancel(1);
    open(1).await;
    drop(own);
    open(0).await;
}

/// The caller asks twice, and the server works once.
#[tokio::test]
async fn a_call_goes_on_with_a_tool_that_works_and_with_one_that_does_not() {
    let rule = |contains: Option<&str>, result: Option<&str>, say: &str, id: Option<&str>| Rule {
        when: When {
            contains: contains.map(str::to_owned),
            tool_result: result.map(str::to_owned),
            ..When::default()
        },
        say: say.into(),
        tool_calls: id
            .map(|id| openai::ToolCall { name: "find_order".into(), arguments: json!({"id": id}) })
            .into_iter()
            .collect(),
        usage: None,
    };
    let script = Script {
        rules: vec![
            rule(Some("first"), Some("find_order"), ARRIVES, None),
            rule(Some("second"), Some("find_order"), SORRY, None),
            rule(Some("first"), None, "", Some("A-7")),
            rule(Some("second"), None, "", Some(CODE)),
        ],
        ..Script::default()
    };
    let said = ["Where is my first order?", "And the second? My one time password is 482913."];
    let stage = Stage::start(Scripts::new(said, script)).await;
    let server = ScriptedTool::start(KEY, Manner::Refuse(500, json!({}))).await.unwrap();
    server.then(Manner::Json(json!({"state": "sent", "card": "4111 1111 1111 1111"})));
    let url = server.url("/orders/{{id}}?caller={{call.caller_id}}");
    let bot = stage
        .bot(|bot| {
            bot.tools.push(tool("find_order", "GET", url));
            // The tool is to have what it checks, and the model writes it.
            let hides = json!({"kinds": ["card", "otp"], "sinks": ["transcript", "events", "live", "log"]});
            bot.redaction = serde_json::from_value(hides).unwrap();
        })
        .await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let quiet = Duration::from_millis(700);
    let scenario = Scenario::new()
        .await_reply(quiet)
        .say(speech(4))
        .await_reply(quiet)
        .say(speech(4))
        .await_reply(quiet);
    let done = run(call, scenario).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    let said = texts(&record, "bot");
    assert_eq!(said[1..], [ARRIVES, SORRY], "{}", record["events"]);
    let asked = server.asked();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    let caller = "caller=%2B919800000050";
    assert_eq!(paths, [format!("/orders/A-7?{caller}"), format!("/orders/{CODE}?{caller}")]);
    assert!(asked.iter().all(|asked| asked.faults.is_empty()), "{asked:?}");
    let runs: Vec<&Value> =
        record["events"].as_array().unwrap().iter().filter(|e| e["event"] == "tool_called").collect();
    assert_eq!(runs.len(), 2, "{runs:?}");
    let of = |run: &Value| (run["why"].clone(), run["data"]["input"].clone(), run["data"]["status"].clone());
    assert_eq!(of(runs[0]), (json!("find_order"), json!({"id": "A-7"}), json!("ok")));
    assert_eq!(runs[0]["data"]["output"], json!({"state": "sent", "card": "[card]"}), "redacted by rule");
    assert!(runs[0]["data"]["duration_ms"].is_u64());
    assert_eq!(of(runs[1]), (json!("find_order"), json!({"id": "[otp]"}), json!("failed")));
    assert!(!record.to_string().contains(CODE), "a field's name does not say that it is a secret: {record}");
    assert_eq!(runs[1]["data"]["http_status"], 500);
    let told = stage.vendors.asked().last().unwrap()["messages"].to_string();
    assert!(told.contains("Tell the caller in your own words"), "{told}");
    stage.end().await;
}

/// A budget that the voice's characters use up: counted by the worker, by the prices that the bridge hands out.
#[tokio::test]
async fn a_call_whose_money_is_spent_is_ended_with_the_bots_words() {
    const TIME_UP: &str = "That is all for today. Good bye.";
    let stage = Stage::start(Scripts::default()).await;
    let price = json!({"service": "tts", "vendor": "elevenlabs", "unit": "characters", "money": 1_000, "per": 1,
        "effective_from": "2020-01-01T00:00:00Z"});
    stage.bridge.price(&price).await;
    let bot = stage
        .bot(|bot| {
            bot.limits.max_cost_micros = Some(20_000);
            bot.phrases.time_up = TIME_UP.into();
        })
        .await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let done = run(call, Scenario::new().then(Step::AwaitHangup { within: PATIENCE })).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    assert_eq!(done.call.end.by, EndedBy::Bot, "{:?}", done.call.end);
    assert_eq!(record["disconnected_by"], "timeout");
    assert_eq!(texts(&record, "bot").last().map(String::as_str), Some(TIME_UP));
    let events = record["events"].as_array().unwrap();
    let reached = events.iter().find(|e| e["event"] == "limit_reached").expect("it is told");
    assert_eq!(
        (&reached["data"]["limit"], &reached["data"]["of"]),
        (&json!("max_cost_micros"), &json!(20_000))
    );
    assert!(reached["data"]["used"].as_u64().unwrap() >= 20_000, "{reached}");
    let why = record["why"].as_array().unwrap();
    assert!(why.iter().any(|w| w["why"] == "goodbye: max_cost_micros"), "{why:?}");
    stage.end().await;
}
