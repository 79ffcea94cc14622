//! A fall-back whose key serves as many calls as it may is passed over in the middle of a call, and used again when there is room.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_caller::{Protocol, Scenario, run};
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::vendor::openai::{self, Script};
use vox_testkit::vendor::{Faults, Server};

use crate::harness::bridge::secret;
use crate::harness::vendors::Scripts;
use crate::harness::{Stage, client, speech, texts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_fall_back_is_passed_over_and_used_when_there_is_room() {
    let stage =
        Stage::start(Scripts::new(["Tell me more.", "Tell me more."], Script::saying("The third."))).await;
    let away: openai::Server = Server::start(Script::saying("Never.")).await;
    away.set_faults(Faults { status: Some(503), ..Faults::default() });
    let second: openai::Server = Server::start(Script::saying("The second.")).await;
    let at = |server: &openai::Server| json!(format!("{}/v1", server.url()));
    let bot = stage
        .bot(|bot| {
            let third = bot.llm.clone();
            let mut behind = third.clone();
            behind.extra.insert("base_url".into(), at(&second));
            // Of this one no limit is stated.
            bot.llm.provider = "groq".into();
            bot.llm.extra.insert("base_url".into(), at(&away));
            bot.llm.fallbacks = vec![behind, third];
        })
        .await;
    let other = stage.bot(|bot| drop(bot.llm.extra.insert("base_url".into(), at(&second)))).await;
    let ask = async |method: Method, path: &str, header: (&str, &str), body: Value| -> Value {
        let url = format!("{}{path}", stage.bridge.url());
        let asked = client().request(method, url).header(header.0, header.1).json(&body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    };
    let operator = format!("Bearer {}", stage.bridge.person(Role::SuperAdmin).await);
    let limits = json!({"items": [{"service": "llm", "provider": "openai", "streams": 1}]});
    let path = "/api/v1/settings/vendor-limits";
    ask(Method::PUT, path, ("authorization", &operator), limits).await;
    // Another worker has a call with the second model.
    let secret = secret();
    let inside = (SECRET_HEADER, secret.as_str());
    let path = format!("/api/v1/config/{other}?session_id=call_holder&worker_id=holder");
    let held = ask(Method::GET, &path, inside, Value::Null).await;
    assert_eq!(held["permits"][0]["held"], true, "{}", held["permits"]);

    let called = async |caller: &str, expected: &str| {
        let call = stage.dial(Protocol::Ws, &bot, caller).await;
        let quiet = Duration::from_millis(700);
        let scenario = Scenario::new().await_reply(quiet).say(speech(4)).await_reply(quiet).hangup();
        let done = run(call, scenario).await;
        let record = stage.record(caller).await;
        assert!(done.is_complete(), "{caller}: {:?} {}", done.steps, record["events"]);
        let said = texts(&record, "bot");
        assert!(said.iter().any(|text| text == expected), "{said:?} {}", record["events"]);
    };
    called("first", "The third.").await;
    assert_eq!(second.observed().on_path("/chat/completions").count(), 0, "its key was full");
    // That worker has no call any more.
    let report = json!({
        "worker_id": "holder", "host": "h", "address": "http://127.0.0.1:9", "slots": 1, "calls": 0, "build": "t", "draining": false,
        "pid": 7,
    });
    ask(Method::POST, "/api/v1/fleet/workers", inside, report).await;
    called("next", "The second.").await;
    for server in [away, second] {
        server.assert_no_leftovers().await;
    }
    stage.end().await;
}
