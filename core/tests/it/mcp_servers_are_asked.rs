//! Servers of tools by the Model Context Protocol, over real HTTP against a strict one: what is listed, what a call says of every way in
//! which one can fail, what a server is told at the end, and a conversation with one that works and one that is down.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use vox_caller::{Protocol, Scenario, run};
use vox_core::call::tools::{Around, Tools};
use vox_core::provider::egress::Egress;
use vox_core::provider::llm::ToolCall;
use vox_core::session::event::{Event, ToolAnswer, ToolStatus};
use vox_core::session::sources::Source;
use vox_harness::free_address;
use vox_shared::clock::Clock;
use vox_shared::egress::{AllowList, Policy};
use vox_shared::model::bot::McpServer;
use vox_shared::wire::config::RuntimeConfig;
use vox_testkit::mcp::{Manner, ScriptedMcp, says, tool};
use vox_testkit::vendor::openai::{self, Rule, Script, When};

use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, assert_clean, eventually, speech, texts};

const KEY: &str = "k-0123456789abcdef";
const CALLER: &str = "+919800000052";
const ARRIVES: &str = "It arrives tomorrow.";

fn settings(url: &str) -> McpServer {
    let settings = json!({
        "name": "crm", "url": url, "allow": ["find_order", "orders.list", "gone"], "timeout_secs": 3.0,
        "headers": [{"name": "Authorization", "secret": format!("Bearer {KEY}")}],
    });
    serde_json::from_value(settings).unwrap()
}

fn pages() -> Vec<Vec<Value>> {
    let bare = json!({"name": "orders.list"});
    vec![vec![tool("find_order", "id"), tool("drop_all", "id")], vec![bare]]
}

fn tools(servers: Vec<McpServer>, allow: &str) -> Tools {
    let config =
        json!({"session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": ""});
    let config: RuntimeConfig = serde_json::from_value(config).unwrap();
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let policy = Policy::new(AllowList::parse(allow).unwrap());
    let around = Around { egress: Arc::new(Egress::new(policy)), clock: Clock::system(), caller_id: None };
    Tools::new(&RuntimeConfig { mcp_servers: servers, ..config }, around)
}

async fn next(tools: &mut Tools) -> Event {
    timeout(PATIENCE, tools.next()).await.expect("something comes")
}

async fn source(tools: &mut Tools) -> Source {
    match next(tools).await {
        Event::Source(source) => source,
        other => panic!("{other:?}"),
    }
}

fn call(name: &str, arguments: Value) -> ToolCall {
    ToolCall { id: "c1".into(), name: name.into(), arguments }
}

async fn answered(tools: &mut Tools) -> ToolAnswer {
    assert!(tools.run(1, call("crm__find_order", json!({"id": "A-7"}))).is_none(), "it is asked");
    match next(tools).await {
        Event::ToolDone { answer, .. } => answer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_bot_allows_is_listed_and_called() {
    let server = ScriptedMcp::start(KEY, pages(), Manner::Json(says("It is sent."))).await.unwrap();
    let mut own = tools(vec![settings(&server.url())], "127.0.0.1");
    let Source { name, found, left_out, .. } = source(&mut own).await;
    let found = found.unwrap();
    let names: Vec<&str> = found.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!((name.as_str(), names), ("crm", vec!["crm__find_order", "crm__orders_list"]));
    assert_eq!(left_out, ["gone: the server has no such tool"]);
    assert_eq!(found[0].description, "Does find_order.");
    let answer = answered(&mut own).await;
    assert_eq!(answer, json!("It is sent.").into());
    let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.method).collect();
    let listing = ["initialize", "notifications/initialized", "tools/list", "tools/list", "tools/call"];
    assert_eq!(asked, listing);
    let called = server.asked().pop().unwrap().params;
    assert_eq!(called, json!({"name": "find_order", "arguments": {"id": "A-7"}}));
    // What nobody allowed has no name here.
    let unknown = own.run(2, call("crm__drop_all", json!({"id": "1"}))).unwrap();
    assert_eq!(unknown.status, ToolStatus::Failed);
    own.close().await;
    assert_eq!((server.count("DELETE"), server.faults()), (1, Vec::new()));
}

#[tokio::test]
async fn every_way_to_fail_leaves_the_call_going() {
    let server = ScriptedMcp::start(KEY, pages(), Manner::Json(says("It is sent."))).await.unwrap();
    let mut own = tools(vec![settings(&server.url())], "127.0.0.1");
    source(&mut own).await.found.unwrap();
    let refusal = json!({"content": [{"type": "text", "text": "no such order"}], "isError": true});
    for (manner, status, code, told) in [
        (Manner::Events(says("It is sent.")), ToolStatus::Ok, None, "It is sent."),
        (Manner::Json(refusal), ToolStatus::Refused, None, "no such order"),
        (Manner::Error(-32_602, "id is wrong".into()), ToolStatus::Refused, None, "id is wrong"),
        (Manner::Error(-32_603, "out of order".into()), ToolStatus::Failed, None, "out of order"),
        (Manner::Refuse(500), ToolStatus::Failed, Some(500), "Tell the caller"),
        (Manner::Refuse(302), ToolStatus::Failed, Some(302), "Tell the caller"),
        (Manner::Refuse(429), ToolStatus::Refused, Some(429), "Tell the caller"),
        (Manner::Refuse(401), ToolStatus::Refused, Some(401), "Tell the caller"),
        (Manner::Page, ToolStatus::Failed, None, "Tell the caller"),
        (Manner::Cut, ToolStatus::Failed, None, "Tell the caller"),
        (Manner::Large(300 * 1_024), ToolStatus::TooLarge, None, "too large"),
        (Manner::Silent, ToolStatus::TimedOut, None, "in time"),
    ] {
        server.then(manner.clone());
        let answer = answered(&mut own).await;
        assert_eq!((answer.status, answer.code), (status, code), "{manner:?}: {}", answer.result);
        assert!(answer.result.to_string().contains(told), "{manner:?}: {}", answer.result);
    }
    assert_eq!(server.unanswered(), 0, "a ping is answered");
    // A server that has forgotten the session did nothing: a new one is begun, and it is asked again.
    server.then(Manner::Forget(says("It is sent.")));
    assert_eq!(answered(&mut own).await.status, ToolStatus::Ok);
    assert_eq!(server.count("initialize"), 2);
    own.close().await;
    assert_eq!(server.faults(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_server_is_told_what_nobody_waits_for() {
    let server = ScriptedMcp::start(KEY, pages(), Manner::Silent).await.unwrap();
    let mut own = tools(vec![settings(&server.url())], "127.0.0.1");
    source(&mut own).await.found.unwrap();
    for run in 1..=2 {
        assert!(own.run(run, call("crm__find_order", json!({"id": run.to_string()}))).is_none());
    }
    eventually("requests", async || (server.open() == 2).then_some(())).await;
    own.cancel(1);
    let given_up = async |n: usize| {
        let told = async || (server.count("notifications/cancelled") == n).then_some(());
        eventually("what was given up", told).await;
    };
    given_up(1).await;
    eventually("the request is gone", async || (server.open() == 1).then_some(())).await;
    own.close().await;
    given_up(2).await;
    assert_eq!((server.count("DELETE"), server.faults()), (1, Vec::new()));
}

#[tokio::test]
async fn a_server_that_cannot_be_had_is_told_with_the_reason() {
    let server = ScriptedMcp::start(KEY, pages(), Manner::Silent).await.unwrap();
    let why = async |settings: McpServer, allow: &str| {
        let mut own = tools(vec![settings], allow);
        source(&mut own).await.found.unwrap_err()
    };
    assert_eq!(why(settings(&server.url()), "").await, "its address may not be used");
    let mut stranger = settings(&server.url());
    stranger.headers.clear();
    assert_eq!(why(stranger, "127.0.0.1").await, "it does not let us in (401)");
    // An older revision is spoken, one that nobody knows is not.
    server.speak("2025-03-26");
    let mut own = tools(vec![settings(&server.url())], "127.0.0.1");
    assert!(source(&mut own).await.found.is_ok());
    server.speak("1999-01-01");
    assert!(why(settings(&server.url()), "127.0.0.1").await.contains("no revision"));
    let gone = server.url();
    drop((server, own));
    eventually("the port is free", async || {
        (why(settings(&gone), "127.0.0.1").await == "it cannot be reached").then_some(())
    })
    .await;
}

/// Two servers of tools, of which one is down, and a model that calls the other one's.
#[tokio::test]
async fn a_conversation_goes_on_with_a_server_that_works_and_one_that_is_down() {
    let when = |result: Option<&str>| When {
        contains: Some("order".into()),
        tool_result: result.map(str::to_owned),
        ..When::default()
    };
    let asks = openai::ToolCall { name: "crm__find_order".into(), arguments: json!({"id": "A-7"}) };
    let script = Script {
        rules: vec![
            Rule { when: when(Some("crm__find_order")), say: ARRIVES.into(), ..Rule::default() },
            Rule { when: when(None), tool_calls: vec![asks], ..Rule::default() },
        ],
        ..Script::default()
    };
    let stage = Stage::start(Scripts::new(["Where is my order?"], script)).await;
    let server =
        ScriptedMcp::start(KEY, pages(), Manner::Events(says(r#"{"state": "sent"}"#))).await.unwrap();
    let url = server.url();
    let down = format!("http://{}/mcp", free_address());
    let bot = stage
        .bot(|bot| {
            bot.mcp_servers = vec![settings(&url), McpServer { name: "stock".into(), ..settings(&down) }];
        })
        .await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let quiet = Duration::from_millis(700);
    let scenario = Scenario::new().await_reply(quiet).say(speech(4)).await_reply(quiet);
    let done = run(call, scenario).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    assert_eq!(texts(&record, "bot").last().map(String::as_str), Some(ARRIVES), "{}", record["events"]);
    let events = record["events"].as_array().unwrap();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    let found = of("tools_found");
    assert_eq!(found.len(), 1, "{events:?}");
    assert_eq!(found[0]["data"]["tools"], json!(["crm__find_order", "crm__orders_list"]));
    assert_eq!(of("tools_missing")[0]["why"], "stock: it cannot be reached");
    let run = of("tool_called")[0];
    assert_eq!((&run["data"]["tool"], &run["data"]["status"]), (&json!("crm__find_order"), &json!("ok")));
    assert_eq!(
        (&run["data"]["input"], &run["data"]["output"]),
        (&json!({"id": "A-7"}), &json!({"state": "sent"}))
    );
    let asked = stage.vendors.asked().last().unwrap().clone();
    assert!(asked["messages"].to_string().contains("The tools of 'stock' are not available"), "{asked}");
    assert!(asked["tools"].to_string().contains("crm__find_order"), "{asked}");
    eventually("the session is over", async || (server.count("DELETE") == 1).then_some(())).await;
    assert_eq!(server.faults(), [] as [&str; 0]);
    stage.end().await;
}
