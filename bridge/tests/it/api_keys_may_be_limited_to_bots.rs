//! What a key does not open stays out of sight: other bots with their calls, and what another scope is for.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::scope::Scope;
use vox_shared::ids::BotId;
use vox_shared::model::bot::BotSettings;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, with_query};
use crate::recordings_are_stored_and_served::{call_with, upload};

async fn limited(bridge: &TestBridge, bots: &[&str]) -> TestKey {
    let bots: Vec<BotId> = bots.iter().map(|bot| bot.parse().unwrap()).collect();
    bridge.insert_key(&bridge.tenant(), Scope::ALL, |key| key.bots = Some(bots)).await
}

fn ids(page: &Value, name: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

/// Every page of a list.
async fn all(bridge: &TestBridge, key: &TestKey, (path, name): (&str, &str)) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let asked = match cursor.as_str() {
            "" => with_query(path, &[("limit", "2")]),
            cursor => with_query(path, &[("limit", "2"), ("cursor", cursor)]),
        };
        let page = key.reads(bridge, &asked).await;
        let items = ids(&page, name);
        assert!(items.len() <= 2);
        found.extend(items);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return found,
        }
    }
}

/// Calls to three bots in turn; two of each bot's begin at the same instant as others do.
async fn calls_of_three_bots(bridge: &TestBridge) {
    for n in 0..12 {
        let bot = ["faq", "survey", "appointment-reminder"][n % 3];
        if n == 0 || n == 6 {
            bridge.clock.advance(SignedDuration::from_mins(1));
        }
        let (session, caller) = (format!("call_{n:02}"), format!("+49{}", n % 2));
        let query = [("session_id", session.as_str()), ("caller_id", &caller)];
        assert_eq!(bridge.fetch_config(bot, &query).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn lists_hold_the_keys_own_bots_only() {
    let bridge = TestBridge::start().await;
    let mut own = Vec::new();
    for _ in 0..5 {
        own.push(bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await.to_string());
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
    bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let mut named: Vec<&str> = own.iter().map(String::as_str).collect();
    named.push("deleted");
    let key = limited(&bridge, &named).await;
    own.reverse();
    assert_eq!(all(&bridge, &key, ("/api/v1/bots", "id")).await, own);
    assert_eq!(ids(&key.reads(&bridge, "/api/v1/bots").await, "id"), own);
    let wrong = key.sign(bridge.get("/api/v1/bots?cursor=bnVsbA")).send().await.unwrap();
    assert_eq!(refusal(wrong, StatusCode::BAD_REQUEST).await, "bad_cursor");
}

#[tokio::test]
async fn calls_of_several_bots_are_one_list() {
    let bridge = TestBridge::start().await;
    calls_of_three_bots(&bridge).await;
    let own = |bots: &[usize]| -> Vec<String> {
        (0..12).rev().filter(|n| bots.contains(&(n % 3))).map(|n| format!("call_{n:02}")).collect()
    };
    for (bots, places) in [(vec!["faq", "appointment-reminder"], vec![0, 2]), (vec!["survey"], vec![1])] {
        let key = limited(&bridge, &bots).await;
        assert_eq!(all(&bridge, &key, ("/api/v1/calls", "session_id")).await, own(&places));
        let page = key.reads(&bridge, "/api/v1/calls").await;
        assert_eq!((ids(&page, "session_id"), &page["next_cursor"]), (own(&places), &Value::Null));
    }
    let key = limited(&bridge, &["faq", "appointment-reminder"]).await;
    let filtered = async |query: &[(&str, &str)]| {
        ids(&key.reads(&bridge, &with_query("/api/v1/calls", query)).await, "session_id")
    };
    assert_eq!(filtered(&[("bot_id", "faq")]).await, own(&[0]));
    assert!(filtered(&[("bot_id", "survey")]).await.is_empty(), "another bot's");
    assert_eq!(filtered(&[("caller", "+491")]).await, ["call_11", "call_09", "call_05", "call_03"]);
    assert_eq!(
        filtered(&[("status", "started"), ("to", "2026-11-20T10:02:00Z")]).await,
        ["call_05", "call_03", "call_02", "call_00"]
    );
    assert!(filtered(&[("status", "failed")]).await.is_empty());
}

#[tokio::test]
async fn another_bot_does_not_exist_for_a_limited_key() {
    let bridge = TestBridge::start().await;
    upload(&bridge, "call_1.wav", vec![7; 1_000], None).await;
    call_with(&bridge, "call_1", "call_1.wav").await;
    let (own, other) = (limited(&bridge, &["faq"]).await, limited(&bridge, &["survey"]).await);
    for path in [
        "/api/v1/bots/faq",
        "/api/v1/calls/call_1",
        "/api/v1/calls/call_1/export.json",
        "/api/v1/recordings/call_1",
    ] {
        assert_eq!(own.status(&bridge, path).await, StatusCode::OK, "{path}");
        assert_eq!(other.status(&bridge, path).await, StatusCode::NOT_FOUND, "{path}");
    }
    let send = |key: &TestKey, method: Method, path: &str, body: Value| {
        key.sign(bridge.request(method, path)).json(&body).send()
    };
    let ticket = json!({"bot_id": "faq"});
    let asked = send(&other, Method::POST, "/api/v1/talk/tickets", ticket.clone()).await.unwrap();
    assert_eq!(asked.status(), StatusCode::NOT_FOUND);
    let asked = send(&own, Method::POST, "/api/v1/talk/tickets", ticket).await.unwrap();
    assert_eq!(asked.status(), StatusCode::CREATED);
    let named = json!({"name": "Mine"});
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let changed = send(&other, method, "/api/v1/bots/faq", named.clone()).await.unwrap();
        assert_eq!(changed.status(), StatusCode::NOT_FOUND);
    }
    let patched = send(&own, Method::PATCH, "/api/v1/bots/faq", named.clone()).await.unwrap();
    assert_eq!(json(patched, StatusCode::OK).await["name"], "Mine");
    let made = send(&own, Method::POST, "/api/v1/bots", named).await.unwrap();
    assert_eq!(refusal(made, StatusCode::FORBIDDEN).await, "key_limited_to_bots");
    let deleted = send(&own, Method::DELETE, "/api/v1/bots/faq", json!({})).await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
}

/// A call's detail holds the link that opens its recording, and its export the bot.
#[tokio::test]
async fn one_answer_gives_away_nothing_that_another_scope_is_for() {
    let bridge = TestBridge::start().await;
    upload(&bridge, "call_1.wav", vec![7; 1_000], None).await;
    let call = call_with(&bridge, "call_1", "call_1.wav").await;
    let link = call["recording_access_token"].as_str().unwrap();
    let (path, file) = ("/api/v1/calls/call_1", "/api/v1/calls/call_1/export.json");
    let (calls, more) =
        (bridge.key(&[Scope::CallsRead]).await, bridge.key(&[Scope::CallsRead, Scope::RecordingsRead]).await);
    for path in [path, file] {
        assert!(!calls.reads(&bridge, path).await.to_string().contains(link), "{path}");
        assert!(more.reads(&bridge, path).await.to_string().contains(link), "{path}");
    }
    assert_eq!(calls.reads(&bridge, file).await["bot"], Value::Null);
    let with_bots = bridge.key(&[Scope::CallsRead, Scope::BotsRead]).await;
    assert_eq!(with_bots.reads(&bridge, file).await["bot"]["name"].as_str().map(str::is_empty), Some(false));
}

/// A key makes what a person makes, and a repeat of its request finds it.
#[tokio::test]
async fn a_key_makes_bots_and_repeats_itself_safely() {
    let bridge = TestBridge::start().await;
    let key = bridge.key(&[Scope::BotsWrite]).await;
    let body = json!({"name": "Made", "system_prompt": "p", "opening_message": "o"});
    let make = |key: &TestKey| {
        let request = bridge.request(Method::POST, "/api/v1/bots").header("idempotency-key", "same");
        key.sign(request).json(&body).send()
    };
    let first = json(make(&key).await.unwrap(), StatusCode::CREATED).await;
    assert_eq!(json(make(&key).await.unwrap(), StatusCode::CREATED).await["id"], first["id"]);
    let other = bridge.key(&[Scope::BotsWrite]).await;
    assert_ne!(json(make(&other).await.unwrap(), StatusCode::CREATED).await["id"], first["id"]);
}
