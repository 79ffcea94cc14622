//! What was published of a bot stays, and can be published again; work on the next version goes on beside it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::bots::{Bots, KEY};
use crate::harness::races::{By, rounds};
use crate::harness::servers::over_servers;
use crate::harness::{json, refusal, wrong_fields};

/// Who runs in each race.
/// Each write of a bot waits three seconds at most for its place in the audit log; servers on the same machine are slower.
fn runners() -> usize {
    if over_servers() { 8 } else { 20 }
}

#[tokio::test]
async fn calls_run_with_what_is_published_and_not_with_the_draft() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let draft = format!("{path}/draft");
    assert_eq!(bots.send(Method::GET, &draft, &Value::Null).await.status(), StatusCode::NOT_FOUND);
    let publish = format!("{path}/publish");
    let nothing = bots.send(Method::POST, &publish, &json!({})).await;
    assert_eq!(refusal(nothing, StatusCode::CONFLICT).await, "no_draft");

    let patched = bots.ok(Method::PATCH, &draft, json!({"system_prompt": "two"})).await;
    assert_eq!((&patched["system_prompt"], &patched["based_on"]), (&json!("two"), &json!(1)));
    assert_eq!(patched["llm"]["api_key"], "sk-0…cdef", "the key came along");
    let more = bots.ok(Method::PATCH, &draft, json!({"opening_message": "hello"})).await;
    assert_eq!((&more["system_prompt"], &more["opening_message"]), (&json!("two"), &json!("hello")));
    let wrong = bots.send(Method::PATCH, &draft, &json!({"timezone": "Mars/Base"})).await;
    assert_eq!(wrong_fields(wrong).await, ["timezone"]);
    let bot = bots.get(&path).await;
    assert_eq!(
        (&bot["system_prompt"], &bot["has_draft"], &bot["bot_version"]),
        (&json!("one"), &json!(true), &json!(1))
    );
    let config = bots.config(&path).await;
    assert_eq!((&config["system_prompt"], &config["bot_version"]), (&json!("one"), &json!(1)));
    let first_call = config["session_id"].as_str().unwrap().to_owned();

    let published = bots.ok(Method::POST, &publish, json!({"note": "politer"})).await;
    assert_eq!((&published["bot_version"], &published["has_draft"]), (&json!(2), &json!(false)));
    let config = bots.config(&path).await;
    assert_eq!((&config["system_prompt"], &config["bot_version"]), (&json!("two"), &json!(2)));
    assert_eq!((&config["opening_message"], &config["llm"]["api_key"]), (&json!("hello"), &json!(KEY)));
    let calls = [first_call.as_str(), config["session_id"].as_str().unwrap()];
    for (call, version) in calls.into_iter().zip([1, 2]) {
        assert_eq!(bots.bridge.call(call).await["bot_version"], version, "a call remembers its version");
    }
    let list = bots.get(&format!("{path}/versions")).await;
    assert_eq!((&list["items"][0]["number"], &list["items"][0]["note"]), (&json!(2), &json!("politer")));
    assert!(list["items"][1]["author"].as_str().unwrap().starts_with("usr_"), "{list}");
    let old = bots.get(&format!("{path}/versions/1")).await;
    assert_eq!(
        (&old["settings"]["system_prompt"], &old["settings"]["llm"]["api_key"]),
        (&json!("one"), &json!("sk-0…cdef"))
    );
    for missing in ["0", "3", "4294967295", "x"] {
        let asked = bots.send(Method::GET, &format!("{path}/versions/{missing}"), &Value::Null).await;
        assert_eq!(asked.status(), StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn a_simple_change_is_published_at_once_and_outdates_the_draft() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let draft = format!("{path}/draft");
    bots.ok(
        Method::PUT,
        &draft,
        json!({"name": "a", "system_prompt": "drafted", "llm": {"provider": "openai"}}),
    )
    .await;
    let changed = bots.ok(Method::PATCH, &path, json!({"system_prompt": "urgent"})).await;
    assert_eq!((&changed["bot_version"], &changed["has_draft"]), (&json!(2), &json!(true)));
    let refused =
        bots.send(Method::POST, &format!("{path}/publish"), &Value::Object(Default::default())).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "draft_outdated");
    // A patch keeps it outdated, written anew it is not.
    assert_eq!(bots.ok(Method::PATCH, &draft, json!({"name": "b"})).await["based_on"], 1);
    let mut anew = bots.get(&draft).await;
    anew["llm"].as_object_mut().unwrap().remove("api_key");
    assert_eq!(bots.ok(Method::PUT, &draft, anew).await["based_on"], 2);
    let published = bots.ok(Method::POST, &format!("{path}/publish"), json!({})).await;
    assert_eq!((&published["system_prompt"], &published["bot_version"]), (&json!("drafted"), &json!(3)));
    assert_eq!(bots.config(&path).await["llm"]["api_key"], KEY);

    // What changes nothing is no version.
    let same = bots.ok(Method::PATCH, &path, json!({"system_prompt": "drafted"})).await;
    assert_eq!(same["bot_version"], 3);
    let dropped = |version: Value| {
        let draft = draft.clone();
        let bots = &bots;
        async move {
            bots.send_for(&version, (&bots.bridge.url, Method::DELETE, &draft), &Value::Null).await.status()
        }
    };
    let written = bots.ok(Method::PATCH, &draft, json!({"name": "c"})).await;
    assert_eq!(dropped(json!(1)).await, StatusCode::CONFLICT);
    assert_eq!(dropped(written["version"].clone()).await, StatusCode::NO_CONTENT);
    assert_eq!(bots.get(&path).await["has_draft"], false);
}

#[tokio::test]
async fn an_old_version_is_published_again_as_a_new_one_with_the_present_keys() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let renewed = json!({"system_prompt": "two", "llm": {"api_key": "sk-another-0123456789"}});
    bots.ok(Method::PATCH, &path, renewed).await;
    let other_vendor = json!({"llm": {"provider": "scripted"}, "system_prompt": "three"});
    let replaced = bots
        .ok(Method::PUT, &path, json!({"name": "a", "system_prompt": "three", "llm": other_vendor["llm"]}))
        .await;
    assert_eq!((&replaced["bot_version"], &replaced["llm"]["api_key"]), (&json!(3), &json!("")));

    let restored = bots.ok(Method::POST, &format!("{path}/versions/2/restore"), json!({})).await;
    assert_eq!((&restored["bot_version"], &restored["system_prompt"]), (&json!(4), &json!("two")));
    assert_eq!(
        bots.config(&path).await["llm"]["api_key"],
        "sk-another-0123456789",
        "the vendor's entry was gone: its old key"
    );
    let restored =
        bots.ok(Method::POST, &format!("{path}/versions/1/restore"), json!({"note": "worse"})).await;
    assert_eq!((&restored["bot_version"], &restored["system_prompt"]), (&json!(5), &json!("one")));
    assert_eq!(
        bots.config(&path).await["llm"]["api_key"],
        "sk-another-0123456789",
        "the first key was taken back since"
    );
    let list = bots.get(&format!("{path}/versions")).await;
    let notes: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|v| v["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["worse", "version 2 again", "", "", ""]);
    assert_eq!(bots.numbers(&path, 2).await, [5, 4, 3, 2, 1]);
    assert_eq!(bots.numbers(&path, 1).await, [5, 4, 3, 2, 1]);

    let compared = bots.get(&format!("{path}/compare?from=3&to=5")).await;
    let paths: Vec<&str> =
        compared["differences"].as_array().unwrap().iter().map(|d| d["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["llm.api_key", "llm.provider", "system_prompt"]);
    let prompt = &compared["differences"][2];
    assert_eq!((&prompt["before"], &prompt["after"]), (&json!("three"), &json!("one")));
    assert!(!compared.to_string().contains("0123456789"), "{compared}");
    bots.ok(Method::PATCH, &format!("{path}/draft"), json!({"name": "z"})).await;
    let drafted = bots.get(&format!("{path}/compare")).await;
    assert_eq!(drafted["differences"], json!([{"path": "name", "before": "a", "after": "z"}]));
    let wrong = bots.send(Method::GET, &format!("{path}/compare?from=one"), &Value::Null).await;
    assert_eq!(wrong_fields(wrong).await, ["from"]);
    let long = json!({"note": "x".repeat(501)});
    let wrong = bots.send(Method::POST, &format!("{path}/versions/1/restore"), &long).await;
    assert_eq!(wrong_fields(wrong).await, ["note"]);
}

/// All publish the same draft at once: one wins, the others are told, and the number is the next one.
#[tokio::test]
async fn of_twenty_who_publish_a_draft_at_once_one_wins() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let urls = [bots.bridge.url.clone(), bots.bridge.serve_second().await];
    let rounds = rounds(By::Requests, 25, 10);
    for round in 0..rounds {
        let draft = json!({"system_prompt": format!("round {round}")});
        let version = bots.ok(Method::PATCH, &format!("{path}/draft"), draft).await["version"].clone();
        let publish = format!("{path}/publish");
        let tries = join_all((0..runners()).map(|n| {
            let (bots, urls, publish, version) = (&bots, &urls, &publish, &version);
            async move {
                let body = json!({"note": n.to_string()});
                bots.send_for(version, (&urls[n % 2], Method::POST, publish), &body).await
            }
        }))
        .await;
        let mut won = Vec::new();
        for answer in tries {
            match answer.status() {
                StatusCode::OK => won.push(json(answer, StatusCode::OK).await),
                _ => assert_eq!(refusal(answer, StatusCode::CONFLICT).await, "conflict"),
            }
        }
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(won[0]["bot_version"], round + 2);
    }
    let expected: Vec<u64> = (1..=rounds as u64 + 1).rev().collect();
    assert_eq!(bots.numbers(&path, 7).await, expected);
}

/// All change the bot at once, by different ways: each that was told a number finds its settings under it.
#[tokio::test]
async fn of_twenty_who_change_a_bot_at_once_each_number_has_one_winner() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let mut told = BTreeMap::from([(1, "one".to_owned())]);
    let urls = [bots.bridge.url.clone(), bots.bridge.serve_second().await];
    for round in 0..rounds(By::Requests, 25, 10) {
        let tries = join_all((0..runners()).map(|n| {
            let (bots, url, path) = (&bots, &urls[n % 2], &path);
            async move {
                let prompt = format!("{round}.{n}");
                let body = json!({"system_prompt": prompt});
                let rolled = format!("{path}/versions/1/restore");
                let answer = match n % 5 {
                    0 => bots.send_to(url, (Method::POST, &rolled), &json!({})).await,
                    _ => bots.send_to(url, (Method::PATCH, path), &body).await,
                };
                (if n % 5 == 0 { "one".to_owned() } else { prompt }, answer)
            }
        }))
        .await;
        for (prompt, answer) in tries {
            if answer.status() == StatusCode::CONFLICT {
                continue;
            }
            let number = json(answer, StatusCode::OK).await["bot_version"].as_u64().unwrap();
            // A roll-back to what is published already is the same version.
            let before = told.insert(number, prompt.clone());
            assert!(before.is_none_or(|before| before == prompt), "two winners of {number}");
        }
    }
    let numbers: Vec<u64> = told.keys().rev().copied().collect();
    let last = numbers[0];
    assert_eq!(numbers, (1..=last).rev().collect::<Vec<_>>(), "no gap");
    assert_eq!(bots.numbers(&path, 50).await, numbers);
    for (number, prompt) in told {
        let version = bots.get(&format!("{path}/versions/{number}")).await;
        assert_eq!(version["settings"]["system_prompt"], prompt, "{number}");
    }
}

#[tokio::test]
async fn a_bot_from_before_there_were_versions_is_in_its_first() {
    let bots = Bots::start().await;
    let faq = bots.get("/faq").await;
    assert_eq!(faq["bot_version"], 1);
    let list = bots.get("/faq/versions").await;
    assert_eq!(list["items"][0]["published_at"], faq["created_at"]);
    assert_eq!((&list["items"][0]["author"], &list["next_cursor"]), (&Value::Null, &Value::Null));
    bots.ok(Method::PATCH, "/faq", json!({"name": "other"})).await;
    assert_eq!(bots.get("/faq/versions/1").await["settings"]["name"], faq["name"]);
}
