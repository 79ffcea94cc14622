//! The addresses that a tenant sets lead to public places, and to the hosts that its rules allow: when they are set, and again when
//! they are used.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_shared::egress::Policy;
use vox_testkit::receiver::Receiver;
use vox_testkit::vendor::gemini::service_account;

use crate::harness::{TestBridge, json, refusal, wrong_fields};
use crate::s3_server::eventually;

#[path = "../../../shared/tests/it/refused_urls.rs"]
mod refused_urls;

use refused_urls::REFUSED_URLS;

const SOON: Duration = Duration::from_secs(20);

struct Stage {
    bridge: TestBridge,
    admin: String,
    operator: String,
    bot: String,
}

impl Stage {
    /// A bridge that may connect to this machine too, where the tests' servers are.
    async fn start() -> Self {
        Self::of(TestBridge::start().await).await
    }

    async fn of(bridge: TestBridge) -> Self {
        let (admin, operator) = (bridge.token(Role::Admin).await, bridge.token(Role::SuperAdmin).await);
        let made = bridge.send(Method::POST, "/api/v1/bots", &admin, json!({"name": "a"})).await;
        let bot = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        Self { bridge, admin, operator, bot }
    }

    async fn rules(&self, egress: Value) -> Response {
        let path = "/api/v1/tenants/default";
        self.bridge.send(Method::PATCH, path, &self.operator, json!({"egress": egress})).await
    }

    async fn ruled(&self, egress: Value) {
        assert_eq!(self.rules(egress).await.status(), StatusCode::OK);
    }

    async fn webhook(&self, url: &str) -> Response {
        self.bridge.send(Method::POST, "/api/v1/webhooks", &self.admin, json!({"url": url})).await
    }

    async fn crm(&self, url: &str) -> Response {
        let path = format!("/api/v1/bots/{}/crm", self.bot);
        self.bridge.send(Method::PUT, &path, &self.admin, json!({"prefetch": {"url": url}})).await
    }

    async fn tool(&self, url: &str) -> Response {
        let path = format!("/api/v1/bots/{}", self.bot);
        let tool = json!({"name": "find", "description": "Finds.", "http": {"url": url}});
        self.bridge.send(Method::PATCH, &path, &self.admin, json!({"tools": [tool]})).await
    }

    async fn vendor(&self, url: &str) -> Response {
        let path = format!("/api/v1/bots/{}", self.bot);
        let llm = json!({"provider": "openai", "model": "m", "api_key": "sk-0123456789abcdef", "extra": {"base_url": url}});
        self.bridge.send(Method::PATCH, &path, &self.admin, json!({"llm": llm})).await
    }
}

#[tokio::test]
async fn no_way_to_write_a_private_address_is_taken_for_a_webhook_a_crm_or_a_tool() {
    let bridge = TestBridge::start_with(|config| config.egress = Policy::default()).await;
    let stage = Stage::of(bridge).await;
    assert!(REFUSED_URLS.len() >= 150);
    for url in REFUSED_URLS {
        assert_eq!(wrong_fields(stage.webhook(url).await).await, ["url"], "{url}");
        assert_eq!(wrong_fields(stage.crm(url).await).await, ["prefetch.url"], "{url}");
        assert_eq!(wrong_fields(stage.tool(url).await).await, ["tools.0.http.url"], "{url}");
    }
}

#[tokio::test]
async fn an_address_outside_the_rules_is_refused_when_it_is_set() {
    let stage = Stage::start().await;
    stage
        .ruled(json!({"allow": ["*.example.com", "api.example.net:8443"], "deny": ["old.example.com"]}))
        .await;
    for good in ["https://crm.example.com/x", "https://api.example.net:8443/v1"] {
        assert_eq!(stage.webhook(good).await.status(), StatusCode::CREATED, "{good}");
        assert_eq!(stage.crm(good).await.status(), StatusCode::OK, "{good}");
        assert_eq!(stage.vendor(good).await.status(), StatusCode::OK, "{good}");
        assert_eq!(stage.tool(good).await.status(), StatusCode::OK, "{good}");
    }
    for bad in [
        "https://example.com/",
        "https://old.example.com/",
        "https://api.example.net/",
        "https://evil.test/v1",
    ] {
        assert_eq!(wrong_fields(stage.webhook(bad).await).await, ["url"], "{bad}");
        assert_eq!(wrong_fields(stage.crm(bad).await).await, ["prefetch.url"], "{bad}");
        assert_eq!(wrong_fields(stage.vendor(bad).await).await, ["llm.extra.base_url"], "{bad}");
        assert_eq!(wrong_fields(stage.tool(bad).await).await, ["tools.0.http.url"], "{bad}");
    }
    // A key file names the server that gives its tokens; Google's own is the vendor's, whatever the rules say.
    for (server, fields) in [
        ("https://tokens.example.com", &[][..]),
        ("https://oauth2.googleapis.com", &[][..]),
        ("https://evil.test", &["llm.api_key"][..]),
    ] {
        let llm = json!({"provider": "vertex", "api_key": service_account(server)});
        let path = format!("/api/v1/bots/{}", stage.bot);
        let saved = stage.bridge.send(Method::PATCH, &path, &stage.admin, json!({"llm": llm})).await;
        match fields {
            [] => assert_eq!(saved.status(), StatusCode::OK, "{server}"),
            fields => assert_eq!(wrong_fields(saved).await, *fields, "{server}"),
        }
    }
    let keys = async |server: &str| {
        let file = json!({"vertex": service_account(server)});
        stage.bridge.send(Method::PUT, "/api/v1/settings/api-keys", &stage.operator, file).await
    };
    assert_eq!(keys("https://tokens.example.com").await.status(), StatusCode::OK);
    assert_eq!(wrong_fields(keys("https://evil.test").await).await, ["vertex"]);
    let draft = format!("/api/v1/bots/{}/draft", stage.bot);
    let body = json!({"stt": {"provider": "deepgram", "api_key": "k-0123456789", "fallbacks": [
        {"provider": "deepgram", "api_key": "k-0123456789", "extra": {"base_url": "wss://evil.test/"}}]}});
    let drafted = stage.bridge.send(Method::PATCH, &draft, &stage.admin, body).await;
    assert_eq!(wrong_fields(drafted).await, ["stt.fallbacks.0.extra.base_url"]);

    // A rule that makes no sense, and who may set one.
    let wrong = stage.rules(json!({"allow": ["https://x.test"], "deny": ["fine.test", "x.test:0"]})).await;
    assert_eq!(wrong_fields(wrong).await, ["egress.allow.0", "egress.deny.1"]);
    let own = json!({"egress": {}});
    let own = stage.bridge.send(Method::PATCH, "/api/v1/tenant", &stage.admin, own).await;
    assert_eq!(wrong_fields(own).await, ["egress"]);
    let shown = stage.bridge.get("/api/v1/tenant").bearer_auth(&stage.admin).send().await.unwrap();
    assert_eq!(json(shown, StatusCode::OK).await["egress"]["deny"], json!(["old.example.com"]));
}

#[tokio::test]
async fn an_address_that_was_set_before_the_rules_is_refused_when_it_is_used() {
    let stage = Stage::start().await;
    let receiver = Receiver::start().await.unwrap();
    let url = receiver.url();
    let hook = json(stage.webhook(&url).await, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
    assert_eq!(stage.crm(&url).await.status(), StatusCode::OK);
    assert_eq!(stage.vendor(&url).await.status(), StatusCode::OK);
    stage.ruled(json!({"deny": ["127.0.0.1"]})).await;

    let refused = stage.bridge.fetch_config(&stage.bot, &[]).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "egress_forbidden");
    let tried = format!("/api/v1/bots/{}/crm/test", stage.bot);
    let tried = stage.bridge.send(Method::POST, &tried, &stage.admin, json!({"which": "prefetch"})).await;
    let attempt = json(tried, StatusCode::OK).await["attempt"].clone();
    assert!(attempt["error"].as_str().unwrap().contains("egress rules"), "{attempt}");

    let stop = CancellationToken::new();
    let sending = tokio::spawn(stage.bridge.app.webhooks.post.clone().run(stop.clone()));
    let sent = format!("/api/v1/webhooks/{hook}/test");
    let sent = stage.bridge.send(Method::POST, &sent, &stage.admin, json!({})).await;
    assert!(sent.status().is_success());
    let path = format!("/api/v1/webhooks/{hook}/deliveries");
    let (bridge, admin) = (&stage.bridge, &stage.admin);
    let log = || async { bridge.get(&path).bearer_auth(admin).send().await.unwrap().text().await.unwrap() };
    assert!(eventually(SOON, || async { log().await.contains("egress rules") }).await, "{}", log().await);
    assert!(receiver.received().is_empty(), "nothing was sent");
    stop.cancel();
    sending.await.unwrap();

    // A bot can still be changed in what the rules do not refuse anew, and is mended by another address.
    let path = format!("/api/v1/bots/{}", stage.bot);
    let renamed = stage.bridge.send(Method::PATCH, &path, &stage.admin, json!({"name": "b"})).await;
    assert_eq!(renamed.status(), StatusCode::OK);
    assert_eq!(stage.vendor("https://api.example.com/v1").await.status(), StatusCode::OK);
    assert_eq!(stage.bridge.fetch_config(&stage.bot, &[]).await.status(), StatusCode::OK);
}

/// The vendors of a pinned tenant's bots are where its data may be: when a bot is made, changed, drafted, brought in, brought back, and
/// when a call begins.
#[tokio::test]
async fn a_tenants_data_stays_in_its_region() {
    let stage = Stage::start().await;
    let (bridge, admin) = (&stage.bridge, &stage.admin);
    let pin = async |body: Value| {
        bridge.send(Method::PATCH, "/api/v1/tenants/default", &stage.operator, body).await
    };
    let stt = |more: Value| {
        let mut stt = json!({"provider": "deepgram", "api_key": "k-0123456789"});
        stt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stt
    };
    let eu = |provider: &str, url: &str| json!({"provider": provider, "api_key": "k-0123456789", "extra": {"base_url": url}});
    for (bad, field) in [
        (json!({"data_residency": "mars"}), "data_residency"),
        (json!({"data_residency_hosts": ["llm.example.net"]}), "data_residency_hosts"),
        (json!({"data_residency": "eu", "data_residency_hosts": ["a b"]}), "data_residency_hosts.0"),
    ] {
        assert_eq!(wrong_fields(pin(bad).await).await, [field]);
    }
    let path = format!("/api/v1/bots/{}", stage.bot);
    let changed = bridge.send(Method::PATCH, &path, admin, json!({"stt": stt(json!({}))})).await;
    assert_eq!(changed.status(), StatusCode::OK, "before anybody pins it");
    let exported = bridge.get(&format!("{path}/export")).bearer_auth(admin).send().await.unwrap();
    let mut parcel = json(exported, StatusCode::OK).await;
    let pinned = json!({"data_residency": "eu", "data_residency_hosts": ["llm.example.net"]});
    let pinned = json(pin(pinned).await, StatusCode::OK).await;
    assert_eq!(pinned["data_residency"], "eu");

    let refused = bridge.fetch_config(&stage.bot, &[]).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "residency_forbidden");
    let made = async |body: Value| bridge.send(Method::POST, "/api/v1/bots", admin, body).await;
    for (bad, field) in [
        (json!({"name": "b", "stt": stt(json!({}))}), "stt.provider"),
        (json!({"name": "b", "stt": eu("deepgram", "wss://api.in.deepgram.com")}), "stt.extra.base_url"),
        (json!({"name": "b", "llm": eu("openai", "https://llm.example.com/v1")}), "llm.extra.base_url"),
        (
            json!({"name": "b", "llm": {"provider": "scripted", "fallbacks": [eu("openai", "https://api.openai.com/v1")]}}),
            "llm.fallbacks.0.extra.base_url",
        ),
    ] {
        assert_eq!(wrong_fields(made(bad).await).await, [field]);
    }
    for good in [
        json!({"name": "b", "stt": eu("deepgram", "wss://api.eu.deepgram.com")}),
        json!({"name": "b", "llm": eu("openai", "https://llm.example.net/v1")}),
    ] {
        assert_eq!(made(good).await.status(), StatusCode::CREATED);
    }
    parcel["secrets"] = json!({"stt.api_key": "k-0123456789"});
    let brought = bridge.send(Method::POST, "/api/v1/bots/import", admin, parcel).await;
    assert_eq!(wrong_fields(brought).await, ["stt.provider"]);
    let mended = bridge.send(Method::PATCH, &path, admin, json!({"stt": {"provider": "pocketsphinx"}})).await;
    assert_eq!(mended.status(), StatusCode::OK);
    let drafted =
        bridge.send(Method::PATCH, &format!("{path}/draft"), admin, json!({"stt": stt(json!({}))})).await;
    assert_eq!(wrong_fields(drafted).await, ["stt.provider"]);
    let back = bridge.send(Method::POST, &format!("{path}/versions/2/restore"), admin, json!({})).await;
    assert_eq!(wrong_fields(back).await, ["stt.provider"]);
    assert_eq!(bridge.fetch_config(&stage.bot, &[]).await.status(), StatusCode::OK);
    let free = json!({"data_residency": null, "data_residency_hosts": []});
    assert_eq!(json(pin(free).await, StatusCode::OK).await["data_residency"], Value::Null);
    assert_eq!(made(json!({"name": "b", "stt": stt(json!({}))})).await.status(), StatusCode::CREATED);
}
