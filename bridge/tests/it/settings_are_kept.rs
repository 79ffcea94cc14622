//! Settings of the deployment and of a tenant: who sees what, and what they do.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::store::engine::Which;
use vox_bridge::store::settings::SETTINGS;

use crate::harness::{TestBridge, json, wrong_fields};

const TENANT_KEY: &str = "sk-tenant-0123456789abcdef";
const DEPLOYMENT_KEY: &str = "sk-deployment-0123456789abcdef";

async fn put(bridge: &TestBridge, token: &str, path: &str, body: &Value) -> reqwest::Response {
    bridge
        .request(Method::PUT, &format!("/api/v1/settings/{path}"))
        .bearer_auth(token)
        .json(body)
        .send()
        .await
        .unwrap()
}

async fn get(bridge: &TestBridge, token: &str, path: &str) -> Value {
    json(
        bridge.get(&format!("/api/v1/settings{path}")).bearer_auth(token).send().await.unwrap(),
        StatusCode::OK,
    )
    .await
}

fn bot(llm: Value) -> Value {
    json!({"name": "b", "system_prompt": "p", "opening_message": "o", "llm": llm})
}

#[tokio::test]
async fn a_bot_without_a_key_uses_that_of_its_tenant_and_else_that_of_the_deployment() {
    let bridge = TestBridge::start().await;
    let (root, admin) = (bridge.token(Role::SuperAdmin).await, bridge.token(Role::Admin).await);
    let make =
        |llm: Value| bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&admin).json(&bot(llm)).send();
    let llm = json!({"provider": "openai", "model": "gpt-5-mini"});
    assert_eq!(wrong_fields(make(llm.clone()).await.unwrap()).await, ["llm.api_key"], "nobody has one");
    json(
        put(&bridge, &root, "api-keys?of=deployment", &json!({"openai": DEPLOYMENT_KEY})).await,
        StatusCode::OK,
    )
    .await;
    let made = json(make(llm).await.unwrap(), StatusCode::CREATED).await;
    assert_eq!(made["llm"]["api_key"], "", "the bot has none of its own");
    let id = made["id"].as_str().unwrap();
    let key =
        || async { json(bridge.fetch_config(id, &[]).await, StatusCode::OK).await["llm"]["api_key"].clone() };
    assert_eq!(key().await, DEPLOYMENT_KEY);
    json(put(&bridge, &root, "api-keys", &json!({"openai": TENANT_KEY})).await, StatusCode::OK).await;
    assert_eq!(key().await, TENANT_KEY);
    let doctor = bridge.get("/api/v1/vendor-keys").bearer_auth(&root).send().await.unwrap();
    assert!(
        json(doctor, StatusCode::OK).await.to_string().contains(TENANT_KEY),
        "vox doctor tries what calls use"
    );
    json(put(&bridge, &root, "api-keys", &json!({"openai": null})).await, StatusCode::OK).await;
    assert_eq!(key().await, DEPLOYMENT_KEY);
    // It goes to the vendor and to no server that an admin names.
    let own = json!({"provider": "openai", "model": "m", "extra": {"base_url": "https://own.example/v1"}});
    let own = json(make(own).await.unwrap(), StatusCode::CREATED).await;
    let config = json(bridge.fetch_config(own["id"].as_str().unwrap(), &[]).await, StatusCode::OK).await;
    assert_eq!(config["llm"]["api_key"], "");
    bridge.stop().await;
}

#[tokio::test]
async fn keys_are_masked_and_a_mask_is_not_taken_back() {
    let bridge = TestBridge::start().await;
    let root = bridge.token(Role::SuperAdmin).await;
    let set = json!({"openai": TENANT_KEY, "deepgram": "dg-0123456789abcdef"});
    json(put(&bridge, &root, "api-keys", &set).await, StatusCode::OK).await;
    let seen = get(&bridge, &root, "").await;
    assert_eq!(seen["tenant"]["api_keys"], json!({"openai": "sk-t…cdef", "deepgram": "dg-0…cdef"}));
    assert_eq!(seen["deployment"]["api_keys"], json!({}));
    let back = put(&bridge, &root, "api-keys", &seen["tenant"]["api_keys"]).await;
    assert_eq!(wrong_fields(back).await, ["deepgram", "openai"]);
    for (body, field) in [
        (json!({"no-such-vendor": "k"}), "no-such-vendor"),
        (json!({"flite": "k"}), "flite"),
        // Its key is kept under the company's own name.
        (json!({"deepgram_flux": "k"}), "deepgram_flux"),
        (json!({"openai": "two words"}), "openai"),
        (json!({"openai": 7}), "openai"),
        (json!({"openai": "x".repeat(513)}), "openai"),
    ] {
        assert_eq!(wrong_fields(put(&bridge, &root, "api-keys", &body).await).await, [field]);
    }
    let changed = put(&bridge, &root, "api-keys", &json!({"deepgram": ""})).await;
    assert_eq!(
        json(changed, StatusCode::OK).await["api_keys"],
        json!({"openai": "sk-t…cdef"}),
        "the other one stays"
    );
    let kept = bridge.engine.list_by_id(&SETTINGS, Which::All, None).await.unwrap();
    let text = format!("{kept:?}");
    assert!(text.contains("sealed:1:default~") && !text.contains("0123456789"), "{text}");
    bridge.stop().await;
}

#[tokio::test]
async fn everybody_sees_the_time_zone_and_only_the_highest_rank_the_rest() {
    let bridge = TestBridge::start().await;
    let (root, agent) = (bridge.token(Role::SuperAdmin).await, bridge.token(Role::Agent).await);
    assert_eq!(get(&bridge, &agent, "/display").await, json!({"display_timezone": "UTC"}));
    let zone = |name: &str| json!({"display_timezone": name});
    json(put(&bridge, &root, "timezone?of=deployment", &zone("Europe/Berlin")).await, StatusCode::OK).await;
    assert_eq!(get(&bridge, &agent, "/display").await, zone("Europe/Berlin"));
    json(put(&bridge, &root, "timezone", &zone("Asia/Kolkata")).await, StatusCode::OK).await;
    assert_eq!(get(&bridge, &agent, "/display").await, zone("Asia/Kolkata"));
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.token_of(&other, Role::Agent).await;
    assert_eq!(get(&bridge, &stranger, "/display").await, zone("Europe/Berlin"), "its own says nothing");
    assert_eq!(
        wrong_fields(put(&bridge, &root, "timezone", &zone("Mars/Base")).await).await,
        ["display_timezone"]
    );
    assert_eq!(wrong_fields(put(&bridge, &root, "timezone?of=moon", &zone("UTC")).await).await, ["of"]);
    let admin = bridge.token(Role::Admin).await;
    let refused = bridge.get("/api/v1/settings").bearer_auth(&admin).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    bridge.stop().await;
}

#[tokio::test]
async fn the_hosts_that_are_polled_are_set_at_once_and_wrong_ones_are_named() {
    let bridge = TestBridge::start().await;
    let root = bridge.token(Role::SuperAdmin).await;
    let host = |name: &str, port: u16| json!({"name": name, "url": format!("http://10.0.0.5:{port}")});
    let set = |hosts: Value| {
        let (bridge, root) = (&bridge, root.as_str());
        async move { put(bridge, root, "fleet", &json!({"hosts": hosts})).await }
    };
    let two = json!([host("voice-1", 1), host("voice-2", 2)]);
    assert_eq!(json(set(two.clone()).await, StatusCode::OK).await, json!({"hosts": two}));
    bridge.app.fleet.drain("voice-2").await.unwrap();
    let moved = json!([host("voice-2", 3), host("voice-3", 4)]);
    assert_eq!(json(set(moved.clone()).await, StatusCode::OK).await, json!({"hosts": moved}));
    assert_eq!(get(&bridge, &root, "").await["fleet"]["hosts"], moved);
    let kept = bridge.app.stores.hosts().find_host("voice-2").await.unwrap().unwrap();
    assert!(kept.value.draining, "one that stays is not made anew");
    let wrong = json!([host("voice-1", 1), {"name": "voice-1", "url": "ftp://x"}]);
    assert_eq!(wrong_fields(set(wrong).await).await, ["hosts.1.url", "hosts.1.name"]);
    let many: Vec<Value> = (0..201).map(|n| host(&format!("h{n}"), 1)).collect();
    assert_eq!(wrong_fields(set(json!(many)).await).await, ["hosts"]);
    assert_eq!(get(&bridge, &root, "").await["fleet"]["hosts"], moved, "nothing of what is refused is done");
    assert_eq!(json(set(json!([])).await, StatusCode::OK).await, json!({"hosts": []}));
}
