//! Two bridges, as programs of their own, behind nginx, over one store of documents and one Redis: what is limited is limited over both,
//! what is changed is changed for both, and a call is followed at either.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_shared::wire::SECRET_HEADER;

use crate::harness::pair::{LOOK_AGAIN, PER_MINUTE, Pair, SECRET};
use crate::harness::{json, result};
use crate::running_calls_are_followed::{Follower, turn};

/// A change that nobody hears of is seen when what is remembered is forgotten, 2 s after it was read; it was read just before it.
const HEARD_WITHIN: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn bridges_share_the_limit_of_a_key() {
    let pair = Pair::start().await;
    let key = pair.key().await;
    let mut remaining = Vec::new();
    let mut refused = 0;
    for _ in 0..PER_MINUTE + 20 {
        let answer = pair.request(Method::GET, "/api/v1/bots").bearer_auth(&key).send().await.unwrap();
        assert_eq!(answer.headers()["x-ratelimit-limit"], PER_MINUTE.to_string().as_str());
        let left: usize = answer.headers()["x-ratelimit-remaining"].to_str().unwrap().parse().unwrap();
        match answer.status() {
            StatusCode::OK => remaining.push(left),
            StatusCode::TOO_MANY_REQUESTS => {
                let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                assert!(left == 0 && (1..=60).contains(&wait));
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    let expected: Vec<usize> = (0..PER_MINUTE).rev().collect();
    assert_eq!((remaining, refused), (expected, 20), "one count, whoever is asked");
    let [one, two] = &pair.replicas;
    let answered = [
        one.answered(&pair.http, "/api/v1/bots", 200).await,
        two.answered(&pair.http, "/api/v1/bots", 200).await,
    ];
    assert_eq!(answered.iter().sum::<usize>(), PER_MINUTE);
    assert!(answered.iter().all(|n| *n >= PER_MINUTE / 4), "both were asked: {answered:?}");
}

/// A bot that is changed at one bridge is the new one in the next config of the other, which remembers it.
async fn a_change_is_heard(pair: &Pair) {
    let [one, two] = pair.replicas.each_ref().map(|replica| format!("http://{}", replica.address()));
    let token = pair.admin().await;
    let prompt = async || {
        let asked = pair.http.get(format!("{two}/api/v1/config/faq")).header(SECRET_HEADER, SECRET);
        json(asked.send().await.unwrap(), StatusCode::OK).await["system_prompt"].clone()
    };
    for n in 0..5 {
        prompt().await;
        let change = pair.http.patch(format!("{one}/api/v1/bots/faq")).bearer_auth(&token);
        let change = change.json(&json!({"system_prompt": format!("Number {n}.")})).send().await.unwrap();
        json(change, StatusCode::OK).await;
        let changed = Instant::now();
        while prompt().await != format!("Number {n}.") {
            assert!(changed.elapsed() < HEARD_WITHIN, "the other bridge forgot it, and did not hear of it");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Whichever bridge a worker tells and whichever one a client reaches, the client sees each event of the call once and in order; when it
/// comes again, it goes on where it was.
async fn a_call_is_followed(pair: &Pair) {
    const EVENTS: &str = "/api/v1/calls/{session_id}/events";
    let token = pair.admin().await;
    pair.worker(Method::GET, "/api/v1/config/faq?session_id=call_1&worker_id=w1", Value::Null).await;
    let follow = async |last: Option<&str>| {
        let request =
            pair.request(Method::GET, &EVENTS.replace("{session_id}", "call_1")).bearer_auth(&token);
        let request = last.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        Follower::of(request.send().await.unwrap())
    };
    // nginx asks the two in turn.
    let mut followers = [follow(None).await, follow(None).await];
    for seq in 1..=4 {
        let report = json!({"version": 1, "worker_id": "w1", "dropped": 0, "events": [turn(seq)]});
        pair.worker(Method::POST, "/api/v1/internal/calls/call_1/events", report).await;
        for follower in &mut followers {
            assert_eq!(follower.ids(1).await, [seq.to_string()]);
        }
    }
    drop(followers);
    let mut again = [follow(Some("2")).await, follow(Some("2")).await];
    pair.worker(Method::POST, "/api/v1/call-results", result("call_1", "customer")).await;
    for follower in &mut again {
        assert_eq!(follower.ids(3).await, ["3", "4", "end"]);
        assert_eq!(follower.next().await, None, "the stream ends with the call");
    }
    for replica in &pair.replicas {
        assert_eq!(replica.answered(&pair.http, EVENTS, 200).await, 2, "both were asked");
    }
}

/// A vendor's key serves two calls at once, whichever bridge they and their workers come to.
async fn a_vendors_limit_is_shared(pair: &Pair) {
    let [one, two] = pair.replicas.each_ref().map(|replica| format!("http://{}", replica.address()));
    let token = pair.admin().await;
    let send = async |method: Method, url: String, body: Value| {
        let request = pair.http.request(method, url).bearer_auth(&token).json(&body);
        json(request.send().await.unwrap(), StatusCode::OK).await
    };
    let limits = json!({"items": [{"service": "stt", "provider": "deepgram", "streams": 2}]});
    send(Method::PUT, format!("{one}/api/v1/settings/vendor-limits"), limits).await;
    let stt = json!({"provider": "deepgram", "api_key": "dg-0123456789abcdef", "fallbacks": [{"provider": "pocketsphinx"}]});
    send(Method::PATCH, format!("{one}/api/v1/bots/faq"), json!({"stt": stt})).await;
    let worker = async |method: Method, url: String, body: Value| {
        let request = pair.http.request(method, url).header(SECRET_HEADER, SECRET).json(&body);
        json(request.send().await.unwrap(), StatusCode::OK).await
    };
    // What a bridge heard of late it knows soon: calls before that have no permits.
    let began = Instant::now();
    let config = async |bridge: &str, n: usize| {
        let url = format!("{bridge}/api/v1/config/faq?session_id=limited_{n}&worker_id=l{n}");
        worker(Method::GET, url, Value::Null).await
    };
    let permit = loop {
        let config = config(&two, 1).await;
        if let Some(permit) = config["permits"].as_array().and_then(|permits| permits.first()) {
            break permit["name"].clone();
        }
        assert!(began.elapsed() < Duration::from_secs(5), "the other bridge did not hear of the limit");
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    assert_eq!(config(&one, 2).await["stt"]["provider"], "deepgram");
    assert_eq!(config(&two, 3).await["stt"]["provider"], "pocketsphinx");
    let says = async |bridge: &str, session: Value, permits: Value| {
        let report = json!({
            "worker_id": "l1", "host": "h", "address": "http://127.0.0.1:9", "slots": 1, "calls": 1, "build": "t", "draining": false,
            "pid": 7, "session_id": session, "permits": permits,
        });
        worker(Method::POST, format!("{bridge}/api/v1/fleet/workers"), report).await;
    };
    // Its worker reaches the other bridge, and ends.
    says(&one, json!("limited_1"), json!([permit])).await;
    assert_eq!(config(&two, 4).await["stt"]["provider"], "pocketsphinx");
    says(&one, Value::Null, json!([])).await;
    assert_eq!(config(&two, 5).await["stt"]["provider"], "deepgram");
}

#[tokio::test]
async fn bridges_share_what_changes_running_calls_and_the_limit_of_logins() {
    let pair = Pair::start().await;
    a_change_is_heard(&pair).await;
    a_call_is_followed(&pair).await;
    a_vendors_limit_is_shared(&pair).await;
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(pair.log_in("nobody@test", "wrong").await.status().as_u16());
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 429, 429, 429]);
    let [one, two] = &pair.replicas;
    let path = "/api/v1/auth/login";
    let refused = [one.answered(&pair.http, path, 401).await, two.answered(&pair.http, path, 401).await];
    assert!(refused.iter().all(|n| *n > 0), "both were asked: {refused:?}");
}
