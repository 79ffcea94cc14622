//! Tools of a bot at names that lead elsewhere each time they are asked for (DNS rebinding). A real DNS server tells them, the
//! system's resolver asks, and the worker is the program: the address that was judged is the one that is connected to.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use vox_caller::{Protocol, Scenario, run};
use vox_harness::free_address;
use vox_testkit::vendor::openai::{self, Rule, Script, When};

use crate::harness::vendors::Scripts;
use crate::harness::{Stage, assert_clean, speech, texts};
use crate::names_server::{Door, Names, lies, own_address};

const CALLER: &str = "+919800000051";
/// The operator allows it, and the address of the scripted vendors.
const ALLOWED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// An address of this machine that nobody allowed.
const INNER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// What the model calls when the caller has spoken the first time; then those that are never honest.
const FIRST: [&str; 6] = ["flip", "both", "flip", "flip", "both", "flip"];
const SECOND: [&str; 4] = ["inner", "metadata", "mapped", "six"];

/// The model calls these tools, and then says that it is done.
fn rules(heard: &str, tools: &[&str], done: &str) -> [Rule; 2] {
    let when = |result: Option<&str>| When {
        contains: Some(heard.into()),
        tool_result: result.map(str::to_owned),
        ..When::default()
    };
    let call = |(n, name): (usize, &&str)| openai::ToolCall {
        name: (*name).into(),
        // The same call is not made twice.
        arguments: json!({"id": format!("{heard}-{n}")}),
    };
    let calls = tools.iter().enumerate().map(call).collect();
    [
        Rule { when: when(Some("*")), say: done.into(), ..Rule::default() },
        Rule { when: when(None), tool_calls: calls, ..Rule::default() },
    ]
}

fn tool(name: &str, port: u16) -> Value {
    json!({
        "name": name, "description": "Looks up an order.",
        "parameters": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
        "http": {"method": "GET", "url": format!("http://{name}.test:{port}/{{{{id}}}}"), "timeout_secs": 5.0},
    })
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_when_it_is_used_is_never_followed() {
    let nameserver = own_address();
    let names = Names::start(nameserver, lies(ALLOWED, INNER)).await;
    // One that is free at both addresses.
    let port = free_address().port();
    let (allowed, _) = Door::open((ALLOWED, port)).await;
    let (inner, _) = Door::open((INNER, port)).await;

    let [first, second] = ["That is the first.", "That is the second."];
    let script = Script {
        rules: [rules("first", &FIRST, first), rules("second", &SECOND, second)].concat(),
        ..Script::default()
    };
    let scripts = Scripts::new(["Where is my first order?", "And the second?"], script);
    let settings = [("VOX_EGRESS_ALLOW", "127.0.0.1,127.0.0.2")];
    let stage = Stage::start_with_names(scripts, nameserver, &settings).await;
    let bot = stage
        .bot(|bot| {
            let tools = ["flip", "both"].iter().chain(&SECOND).map(|name| tool(name, port));
            bot.tools.extend(tools.map(|tool| serde_json::from_value(tool).unwrap()));
        })
        .await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let quiet = Duration::from_millis(700);
    let scenario = Scenario::new().await_reply(quiet);
    let scenario = scenario.say(speech(4)).await_reply(quiet).say(speech(4)).await_reply(quiet);
    let done = run(call, scenario).await;
    let record = stage.record(CALLER).await;
    assert_clean(&done.call);
    assert_eq!(texts(&record, "bot")[1..], [first, second], "{}", record["events"]);

    let mut runs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in record["events"].as_array().unwrap().iter().filter(|e| e["event"] == "tool_called") {
        let status = event["data"]["status"].as_str().unwrap();
        runs.entry(event["why"].as_str().unwrap()).or_default().push(status);
    }
    let of = |name: &str, status: &str| runs[name].iter().filter(|found| **found == status).count();
    assert_eq!((of("flip", "ok"), runs["flip"].len()), (2, 4), "as often as the name was honest: {runs:?}");
    assert_eq!(of("both", "ok"), 2, "the allowed of two is taken: {runs:?}");
    for name in SECOND {
        assert_eq!((of(name, "ok"), runs[name].len()), (0, 1), "{name}: {runs:?}");
    }
    assert_eq!(names.asked("flip.test"), 4, "the name is asked for once in each request");
    assert_eq!((allowed.came(), inner.came()), (4, 0), "nobody came where nobody may go");
    stage.end().await;
}
