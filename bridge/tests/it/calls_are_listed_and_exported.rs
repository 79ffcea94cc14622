//! Lists of calls: filters, pages, and the whole of one.

use jiff::SignedDuration;
use reqwest::StatusCode;
use reqwest::header::CONTENT_DISPOSITION;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, result, with_query, wrong_fields};

/// Twelve calls, one a minute: six to each of two bots, every third without a result.
async fn with_calls(bridge: &TestBridge) -> String {
    for n in 0..12 {
        let session = format!("call_{n:02}");
        let bot = if n % 2 == 0 { "faq" } else { "survey" };
        let caller = format!("+49{}", n % 4);
        bridge.fetch_config(bot, &[("session_id", &session), ("caller_id", &caller)]).await;
        if n % 3 != 0 {
            let mut result = result(&session, if n % 2 == 0 { "bot" } else { "RNR" });
            result["bot_id"] = json!(bot);
            assert_eq!(bridge.deliver(&result).await.status(), StatusCode::OK);
        }
        bridge.clock.advance(SignedDuration::from_mins(1));
    }
    bridge.token(Role::Agent).await
}

async fn list(bridge: &TestBridge, token: &str, query: &[(&str, &str)]) -> Value {
    json(
        bridge.get(&with_query("/api/v1/calls", query)).bearer_auth(token).send().await.unwrap(),
        StatusCode::OK,
    )
    .await
}

fn numbers(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|c| c["session_id"].as_str().unwrap().trim_start_matches("call_").to_owned()).collect()
}

#[tokio::test]
async fn filters_narrow_alone_and_together() {
    let bridge = TestBridge::start().await;
    let token = with_calls(&bridge).await;
    for (query, expected) in [
        (vec![("bot_id", "faq")], vec!["10", "08", "06", "04", "02", "00"]),
        (vec![("status", "started")], vec!["09", "06", "03", "00"]),
        (vec![("caller", "+491")], vec!["09", "05", "01"]),
        (vec![("disconnected_by", "RNR")], vec!["11", "07", "05", "01"]),
        (vec![("from", "2026-11-20T10:03:00Z"), ("to", "2026-11-20T10:06:00Z")], vec!["05", "04", "03"]),
        (
            vec![("bot_id", "faq"), ("status", "completed"), ("from", "2026-11-20T10:05:00Z")],
            vec!["10", "08"],
        ),
        (vec![("caller", "+491"), ("bot_id", "survey"), ("status", "no_answer")], vec!["05", "01"]),
        (vec![("direction", "outgoing")], vec![]),
    ] {
        assert_eq!(numbers(&list(&bridge, &token, &query).await), expected, "{query:?}");
    }
    for (name, value) in [("limit", "0"), ("limit", "201"), ("status", "asleep"), ("from", "monday")] {
        let refused = bridge
            .get(&with_query("/api/v1/calls", &[(name, value)]))
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(wrong_fields(refused).await, [name]);
    }
}

/// An empty list that means "you misspelt it" looks like one that means "there are none".
#[tokio::test]
async fn a_question_that_nothing_can_answer_is_refused_by_name() {
    let bridge = TestBridge::start().await;
    let token = with_calls(&bridge).await;
    let ask = |path: String| bridge.get(&path).bearer_auth(&token).send();
    for (query, name) in [
        ("calller=%2B491", "calller"),
        ("bot=faq", "bot"),
        ("Limit=5", "Limit"),
        ("status[]=started", "status[]"),
        ("status=started&status=failed", "status"),
        ("direction=sideways", "direction"),
        ("caller=", "caller"),
        ("caller=+", "caller"),
        ("from=2026-11-20T10:05:00Z&to=2026-11-20T10:05:00Z", "to"),
        ("from=2026-11-20T10:00:00+x", "from"),
        ("=x", ""),
    ] {
        let refused = ask(format!("/api/v1/calls?{query}")).await.unwrap();
        assert_eq!(wrong_fields(refused).await, [name], "{query}");
    }
    for path in ["/api/v1/bots?name=x", "/api/v1/bots?limit=1&page=2"] {
        assert_eq!(ask(path.into()).await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    for understood in ["caller=+491", "caller=%2B491", "caller=%20491"] {
        let page = json(ask(format!("/api/v1/calls?{understood}")).await.unwrap(), StatusCode::OK).await;
        assert_eq!(numbers(&page), ["09", "05", "01"], "{understood}");
    }
    let page = ask("/api/v1/calls?from=2026-11-20T15:33:00+05:30&to=2026-11-20T10:05:00+00:00".into());
    assert_eq!(numbers(&json(page.await.unwrap(), StatusCode::OK).await), ["04", "03"]);
    // A worker of another version may say more than this bridge knows.
    let newer = bridge.fetch_config("faq", &[("session_id", "call_newer"), ("a_newer_field", "x")]).await;
    assert_eq!(newer.status(), StatusCode::OK);
    let bare =
        bridge.internal(reqwest::Method::GET, "/api/v1/config/faq?session_id=call_bare&caller_id=+4930");
    assert_eq!(bare.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(bridge.call("call_bare").await["caller_id"], "+4930");
}

#[tokio::test]
async fn pages_follow_each_other_while_calls_come_in() {
    let bridge = TestBridge::start().await;
    let token = with_calls(&bridge).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut query = vec![("limit", "5")];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let page = list(&bridge, &token, &query).await;
        seen.extend(numbers(&page));
        let session = format!("call_new{}", seen.len());
        bridge.fetch_config("faq", &[("session_id", &session)]).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = (0..12).rev().map(|n| format!("{n:02}")).collect();
    assert_eq!(seen, expected, "each once, none twice, new ones before the first page");
    let other = [("cursor", cursor.as_str()), ("bot_id", "faq")];
    let refused = bridge.get(&with_query("/api/v1/calls", &other)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn lists_are_lean_details_whole_and_exports_a_file() {
    let bridge = TestBridge::start().await;
    let token = with_calls(&bridge).await;
    let page = list(&bridge, &token, &[("limit", "2")]).await;
    assert!(page["items"][0].get("transcript").is_none(), "{page}");

    let get = |path: &'static str| bridge.get(path).bearer_auth(&token).send();
    let detail = json(get("/api/v1/calls/call_02").await.unwrap(), StatusCode::OK).await;
    assert_eq!(detail["transcript"][0]["text"], "Hello.");
    assert_eq!((&detail["status"], &detail["caller_id"]), (&json!("completed"), &json!("+492")));
    assert_eq!(get("/api/v1/calls/call_99").await.unwrap().status(), StatusCode::NOT_FOUND);

    let export = get("/api/v1/calls/call_02/export.json").await.unwrap();
    assert_eq!(export.headers()[CONTENT_DISPOSITION], "attachment; filename=\"call_02.json\"");
    let export = json(export, StatusCode::OK).await;
    assert_eq!(export["call"], detail);
    assert!(export["bot"]["name"].is_string() && export["format"] == "vox.call/1");
}

#[tokio::test]
async fn a_call_is_found_by_the_name_that_its_carrier_gave_it_while_it_runs_and_after() {
    let bridge = TestBridge::start().await;
    let (token, event) =
        (bridge.token(Role::Agent).await, json!({"callSid": "CA77", "did": "+918000000001"}));
    for (session, event) in [("call_a", event.to_string()), ("call_b", "{}".into())] {
        let query = [("session_id", session), ("connected_event", event.as_str())];
        assert_eq!(bridge.fetch_config("faq", &query).await.status(), StatusCode::OK);
    }
    let find = async || list(&bridge, &token, &[("external_call_id", "CA77")]).await["items"].clone();
    let running = find().await;
    assert_eq!((running.as_array().unwrap().len(), &running[0]["session_id"]), (1, &json!("call_a")));
    assert_eq!(
        (&running[0]["to_number"], &running[0]["answered_at"]),
        (&json!("+918000000001"), &Value::Null)
    );
    let mut ended = result("call_a", "bot");
    (ended["answered_at"], ended["room_name"]) = (json!("2026-11-20T10:00:07Z"), json!("call-7"));
    assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
    let call = &find().await[0];
    assert_eq!((&call["room_name"], &call["external_call_id"]), (&json!("call-7"), &json!("CA77")));
    assert!(call["answered_at"].as_str().unwrap().starts_with("2026-11-20T10:00:07"), "{call}");
    let both = [("external_call_id", "CA77"), ("text", "yes")];
    let asked = bridge.get(&with_query("/api/v1/calls", &both)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(wrong_fields(asked).await, ["external_call_id"]);
}
