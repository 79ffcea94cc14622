//! Bots: what is refused, what is hidden, what races.

use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

const KEY: &str = "sk-0123456789abcdef";

struct Bots {
    bridge: TestBridge,
    token: String,
}

impl Bots {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let token = bridge.token(Role::Admin).await;
        Self { bridge, token }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self.bridge.request(method, &format!("/api/v1/bots{path}")).bearer_auth(&self.token);
        request.json(body).send().await.unwrap()
    }

    async fn made(&self) -> Value {
        let body = json!({"name": "a", "system_prompt": "p", "llm": {"provider": "openai", "api_key": KEY}});
        json(self.send(Method::POST, "", &body).await, StatusCode::CREATED).await
    }

    /// The key that core would get.
    async fn key_of(&self, id: &str) -> String {
        let body = json(self.bridge.fetch_config(id, &[]).await, StatusCode::OK).await;
        body["llm"]["api_key"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn all_faults_come_at_once() {
    let bots = Bots::start().await;
    let bad = json!({
        "name": "", "timezone": "Mars/Base", "colour": "red", "tools": [{"name": "search_knowledge"}],
        "llm": {"temperature": 9}, "stt": {"provider": "deepgram"}, "active_hours": {"start": "9"}
    });
    let paths = wrong_fields(bots.send(Method::POST, "", &bad).await).await;
    let expected = [
        "colour",
        "name",
        "timezone",
        "active_hours.start",
        "tools.0.name",
        "stt.api_key",
        "llm.temperature",
    ];
    assert_eq!(paths, expected);
    let tool = json(
        bots.send(Method::POST, "", &json!({"name": "a", "tools": [{"name": "x"}]})).await,
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await;
    assert!(tool["detail"].as_str().unwrap().contains("end_call"), "{tool}");
    assert_eq!(
        wrong_fields(bots.send(Method::POST, "", &json!({"name": {"$gt": ""}})).await).await,
        ["name"]
    );
}

#[tokio::test]
async fn keys_are_masked_and_masks_never_come_back() {
    let bots = Bots::start().await;
    let made = bots.made().await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/{id}");
    assert_eq!(made["llm"]["api_key"], "sk-0…cdef");
    let sent_back = wrong_fields(bots.send(Method::PUT, &path, &made).await).await;
    assert_eq!(sent_back, ["llm.api_key"]);

    let mut without = made.clone();
    without["llm"].as_object_mut().unwrap().remove("api_key");
    without["system_prompt"] = json!("changed");
    let kept = json(bots.send(Method::PUT, &path, &without).await, StatusCode::OK).await;
    assert_eq!((&kept["system_prompt"], &kept["llm"]["api_key"]), (&json!("changed"), &json!("sk-0…cdef")));
    assert_eq!(bots.key_of(id).await, KEY);

    let stolen = json!({"llm": {"extra": {"base_url": "https://evil.example/v1"}}});
    assert_eq!(wrong_fields(bots.send(Method::PATCH, &path, &stolen).await).await, ["llm.api_key"]);
    let renewed = json!({"llm": {"api_key": "sk-another-0123456789"}});
    assert_eq!(bots.send(Method::PATCH, &path, &renewed).await.status(), StatusCode::OK);
    assert_eq!(bots.key_of(id).await, "sk-another-0123456789");
}

/// A key that was pasted with a line feed was called "masked"; so was everything else that no key has.
#[tokio::test]
async fn pasted_keys_are_trimmed_or_refused_for_what_is_in_them() {
    let bots = Bots::start().await;
    let with = |key: &str| json!({"name": "a", "llm": {"provider": "openai", "api_key": key}});
    for pasted in ["\n", " ", "\t\r\n", "\u{feff}", "\u{200b}", "\u{a0}"] {
        for key in [format!("{KEY}{pasted}"), format!("{pasted}{KEY}"), format!("\"{KEY}\"{pasted}")] {
            let made = json(bots.send(Method::POST, "", &with(&key)).await, StatusCode::CREATED).await;
            assert_eq!(bots.key_of(made["id"].as_str().unwrap()).await, KEY, "{key:?}");
        }
    }
    for (key, word) in [
        (format!("{KEY}\n{KEY}"), "line feed"),
        (format!("{KEY} {KEY}"), "white space"),
        (format!("{KEY}\u{200b}{KEY}"), "white space"),
        (format!("ключ{KEY}"), "ASCII"),
        ("sk-0…cdef".to_owned(), "masked"),
        ("********".to_owned(), "masked"),
    ] {
        let refused =
            json(bots.send(Method::POST, "", &with(&key)).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        let fields = &refused["error"]["fields"];
        assert_eq!(fields[0]["path"], "llm.api_key", "{refused}");
        let told = fields[0]["message"].as_str().unwrap();
        assert!(told.contains(word) && told.contains("masked") == (word == "masked"), "{key:?}: {told}");
        assert!(!told.contains(KEY), "{told}");
    }
    let url = json!({"name": "a", "llm": {"provider": "openai", "api_key": KEY, "extra": {"base_url": "http://10.0.0.2 /v1"}}});
    assert_eq!(wrong_fields(bots.send(Method::POST, "", &url).await).await, ["llm.extra.base_url"]);
}

#[tokio::test]
async fn keys_follow_their_fallbacks_when_the_order_changes() {
    let bots = Bots::start().await;
    let llm = |model: &str, key: Option<&str>| json!({"provider": "openai", "model": model, "api_key": key.unwrap_or_default()});
    let mut first = llm("a", Some("key-a-0123456789"));
    first["fallbacks"] = json!([llm("b", Some("key-b-0123456789")), llm("c", Some("key-c-0123456789"))]);
    let made =
        json(bots.send(Method::POST, "", &json!({"name": "a", "llm": first})).await, StatusCode::CREATED)
            .await;
    let path = format!("/{}", made["id"].as_str().unwrap());
    let turned = json!({"llm": {"fallbacks": [llm("c", None), llm("b", None)]}});
    assert_eq!(bots.send(Method::PATCH, &path, &turned).await.status(), StatusCode::OK);
    let config = json(bots.bridge.fetch_config(&path[1..], &[]).await, StatusCode::OK).await;
    let keys: Vec<_> = (0..2).map(|n| config["llm"]["fallbacks"][n]["api_key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["key-c-0123456789", "key-b-0123456789"]);
    let unclear = json!({"llm": {"fallbacks": [llm("x", None), llm("y", None)]}});
    let refused = wrong_fields(bots.send(Method::PATCH, &path, &unclear).await).await;
    assert_eq!(&refused[..2], ["llm.fallbacks.0.api_key", "llm.fallbacks.1.api_key"]);
}

#[tokio::test]
async fn a_change_based_on_an_old_version_loses() {
    let bots = Bots::start().await;
    let made = bots.made().await;
    let path = format!("/{}", made["id"].as_str().unwrap());
    let with = |version: u64| json!({"name": "b", "version": version});
    let changed = bots.send(Method::PATCH, &path, &with(1)).await;
    assert_eq!(changed.headers()[ETAG], "\"2\"");
    assert_eq!(
        refusal(bots.send(Method::PATCH, &path, &with(1)).await, StatusCode::CONFLICT).await,
        "conflict"
    );
    let by_header =
        bots.bridge.request(Method::PATCH, &format!("/api/v1/bots{path}")).bearer_auth(&bots.token);
    let by_header = by_header.header(IF_MATCH, "\"1\"").json(&json!({"name": "c"})).send().await.unwrap();
    assert_eq!(by_header.status(), StatusCode::CONFLICT);
    let raced = (0..8).map(|n| {
        let body = json!({"name": format!("r{n}"), "version": 2});
        let path = path.clone();
        let bots = &bots;
        async move { bots.send(Method::PATCH, &path, &body).await.status() }
    });
    let outcomes = futures_util::future::join_all(raced).await;
    assert_eq!(outcomes.iter().filter(|s| **s == StatusCode::OK).count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn an_idempotency_key_makes_one_bot() {
    let bots = Bots::start().await;
    let create = |body: Value| {
        let request = bots.bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&bots.token);
        request.header("idempotency-key", "order-7").json(&body).send()
    };
    let tries = futures_util::future::join_all((0..6).map(|_| create(json!({"name": "a"})))).await;
    let mut ids = Vec::new();
    for answer in tries {
        ids.push(json(answer.unwrap(), StatusCode::CREATED).await["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let other = create(json!({"name": "b"})).await.unwrap();
    assert_eq!(refusal(other, StatusCode::UNPROCESSABLE_ENTITY).await, "idempotency_key_reused");
}

#[tokio::test]
async fn bots_are_listed_read_and_deleted() {
    let bots = Bots::start().await;
    let made = bots.made().await;
    let path = format!("/{}", made["id"].as_str().unwrap());
    let read = json(bots.send(Method::GET, &path, &Value::Null).await, StatusCode::OK).await;
    assert_eq!(read, made);
    let page = json(bots.send(Method::GET, "?limit=3", &Value::Null).await, StatusCode::OK).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = json(
        bots.send(Method::GET, &format!("?limit=3&cursor={cursor}"), &Value::Null).await,
        StatusCode::OK,
    )
    .await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(bots.send(Method::GET, &path, &Value::Null).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_demo_bots_are_good_by_the_same_rules() {
    let bots = Bots::start().await;
    for (id, text) in vox_bridge::first_start::DEMO_BOTS {
        let settings: Value = serde_json::from_str(text).unwrap();
        let answer = bots.send(Method::POST, "", &settings).await;
        let status = answer.status();
        assert_eq!(status, StatusCode::CREATED, "{id}: {}", answer.text().await.unwrap());
    }
}

/// Stored inside a document, 127 levels become 128, which the parser refuses: such a bot could be made and never be read,
/// replaced or deleted again, and it stopped the next start of the bridge.
#[tokio::test]
async fn a_bot_that_nests_too_deep_is_refused_and_any_other_can_be_used() {
    // The variables and the object that holds them are levels too.
    let deep = |levels: usize| {
        let inside = (0..levels - 2).fold(json!(1), |inside, _| json!([inside]));
        json!({"name": "deep", "variables": {"a": inside}})
    };
    let bots = Bots::start().await;
    for levels in [65, 127] {
        let refused = bots.send(Method::POST, "", &deep(levels)).await;
        let body = json(refused, StatusCode::BAD_REQUEST).await;
        assert_eq!(body["error"]["code"], "malformed_json");
        assert!(body["detail"].as_str().unwrap().contains("at most 64 levels"), "{body}");
    }
    let made = json(bots.send(Method::POST, "", &deep(60)).await, StatusCode::CREATED).await;
    let path = format!("/{}", made["id"].as_str().unwrap());
    let read = json(bots.send(Method::GET, &path, &Value::Null).await, StatusCode::OK).await;
    assert_eq!(read["variables"], deep(60)["variables"]);
    let list = json(bots.send(Method::GET, "", &Value::Null).await, StatusCode::OK).await;
    assert!(list.to_string().contains(r#""name":"deep""#), "{list}");
    assert_eq!(bots.send(Method::PUT, &path, &deep(64)).await.status(), StatusCode::OK);
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
}
