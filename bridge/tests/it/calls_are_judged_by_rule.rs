//! What came of a call is decided by rule, stored with its result, and shown wherever calls are.

use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, result, with_query, wrong_fields};

/// Lines `c: text` of the caller and `b: text` of the bot, three seconds each, a second apart.
pub fn transcript(lines: &[&str]) -> Value {
    let line = |(n, line): (usize, &&str)| {
        let (who, text) = line.split_once(": ").unwrap();
        let speaker = match who {
            "c" => "caller",
            "a" => "agent",
            _ => "bot",
        };
        json!({"turn": n / 2, "speaker": speaker, "text": text, "started_ms": n * 4_000, "ended_ms": n * 4_000 + 3_000})
    };
    lines.iter().enumerate().map(line).collect()
}

/// A result with this transcript.
pub fn said(session: &str, bot: &BotId, disconnected_by: &str, lines: &[&str]) -> Value {
    let mut result = result(session, disconnected_by);
    (result["bot_id"], result["transcript"]) = (json!(bot), transcript(lines));
    result["worker_id"] = json!("wrk_1");
    result
}

async fn bridge_with_bot(settings: Value) -> (TestBridge, BotId) {
    let bridge = TestBridge::start().await;
    let mut all = serde_json::to_value(BotSettings { name: "b".into(), ..BotSettings::default() }).unwrap();
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let bot = bridge.insert_bot(&bridge.tenant(), serde_json::from_value(all).unwrap()).await;
    (bridge, bot)
}

async fn listed(bridge: &TestBridge, query: &[(&str, &str)]) -> Vec<(String, Value, Value)> {
    let token = bridge.token(Role::Agent).await;
    let asked = bridge.get(&with_query("/api/v1/calls", query)).bearer_auth(token).send().await.unwrap();
    let page = json(asked, StatusCode::OK).await;
    let items = page["items"].as_array().unwrap().iter();
    let mut found: Vec<_> = items
        .map(|call| {
            (
                call["session_id"].as_str().unwrap().to_owned(),
                call["disposition"].clone(),
                call["reached"].clone(),
            )
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[tokio::test]
async fn every_result_has_a_disposition_and_lists_are_narrowed_by_it() {
    let words = json!({"auto_dispositions": {"no_customer_message": "Nobody spoke", "timeout": "Half way"}});
    let (bridge, bot) = bridge_with_bot(words).await;
    let hello = "b: Hello, this is Maya.";
    let cases: [(&str, &str, &[&str], &str, &str); 7] = [
        ("call_1", "customer", &[hello, "c: Yes, who is it?"], "Connected", "yes"),
        ("call_2", "customer", &[hello], "Nobody spoke", "no"),
        ("call_3", "RNR", &[hello], "RNR", "no"),
        ("call_4", "voicemail", &[hello, "c: Leave a message."], "IVR/MAIN_MESSAGE", "no"),
        ("call_5", "timeout", &[hello], "Half way", "no"),
        ("call_6", "error", &[hello, "c: Yes?"], "Failed", "yes"),
        ("call_7", "bot", &[hello, "c: The number you have dialled is switched off."], "Nobody spoke", "no"),
    ];
    for (session, by, lines, ..) in cases {
        assert_eq!(bridge.deliver(&said(session, &bot, by, lines)).await.status(), StatusCode::OK);
    }
    let expected: Vec<_> =
        cases.iter().map(|case| (case.0.to_owned(), json!(case.3), json!(case.4))).collect();
    assert_eq!(listed(&bridge, &[]).await, expected);
    let of = |word: &'static str| [("disposition", word)];
    let sessions =
        |found: Vec<(String, Value, Value)>| found.into_iter().map(|call| call.0).collect::<Vec<_>>();
    assert_eq!(sessions(listed(&bridge, &of("Nobody spoke")).await), ["call_2", "call_7"]);
    assert_eq!(
        sessions(listed(&bridge, &[("disposition", "Connected"), ("bot_id", bot.as_str())]).await),
        ["call_1"]
    );
    assert_eq!(sessions(listed(&bridge, &of("Unknown")).await), [""; 0]);
    let token = bridge.token(Role::Agent).await;
    let refused = bridge.get("/api/v1/calls?disposition=").bearer_auth(&token).send().await.unwrap();
    assert_eq!(wrong_fields(refused).await, ["disposition"]);

    let call = bridge.call("call_7").await;
    assert_eq!((&call["reached_because"], &call["disposition_by"]), (&json!("announcement"), &json!("bot")));
    let file = bridge.get("/api/v1/calls/call_7/export.json").bearer_auth(token).send().await.unwrap();
    assert_eq!(json(file, StatusCode::OK).await["call"]["disposition"], "Nobody spoke");
}

#[tokio::test]
async fn a_result_that_takes_the_place_of_a_guess_is_judged_anew_and_one_that_is_repeated_changes_nothing() {
    let (bridge, bot) = bridge_with_bot(json!({})).await;
    let lost = said("call_1", &bot, "worker_lost", &["b: Hello."]);
    bridge.deliver(&lost).await;
    let seen = |call: &Value| (call["disposition"].clone(), call["reached"].clone());
    assert_eq!(seen(&bridge.call("call_1").await), (json!("Unknown"), json!("no")));
    let own = said("call_1", &bot, "customer", &["b: Hello.", "c: Yes, I am listening."]);
    bridge.deliver(&own).await;
    assert_eq!(seen(&bridge.call("call_1").await), (json!("Connected"), json!("yes")));
    bridge.deliver(&lost).await;
    bridge.deliver(&said("call_1", &bot, "customer", &[])).await;
    assert_eq!(seen(&bridge.call("call_1").await), (json!("Connected"), json!("yes")));
}

#[tokio::test]
async fn a_bot_whose_model_cannot_judge_says_so() {
    let settings = json!({"post_call_analysis_prompt": "What was the mood?", "outcomes": [{"name": "paid", "needs": ["pay"]}]});
    let (bridge, bot) = bridge_with_bot(settings).await;
    bridge.deliver(&said("call_1", &bot, "customer", &["b: Hello.", "c: Yes, I will pay."])).await;
    bridge.deliver(&said("call_2", &bot, "error", &["b: Hello.", "c: Yes, I will pay."])).await;
    bridge.app.relay.move_all().await.unwrap();
    let call = bridge.call("call_1").await;
    assert_eq!(call["analysis"]["status"], "skipped");
    assert!(call["analysis"]["reason"].as_str().unwrap().contains("`scripted`"), "{}", call["analysis"]);
    assert_eq!((&call["qc"]["status"], &call["outcomes"]["status"]), (&json!("off"), &json!("skipped")));
    assert_eq!(call["qc"]["reason"], "the bot has no `qc_prompt`");
    assert_eq!(bridge.call("call_2").await["analysis"]["reason"], "the call ended as `error`");
    let jobs = bridge.app.stores.jobs(&bridge.tenant()).list_jobs((None, None), 10, None).await.unwrap();
    assert!(jobs.items.is_empty(), "nobody is asked");
}
