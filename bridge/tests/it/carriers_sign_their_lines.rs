//! A bot's accounts with carriers: a signature made with one opens that carrier's line, the worker gets the one of the call's carrier
//! for a caller who is known, and nobody is shown a secret.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_shared::model::bot::Carrier;
use vox_testkit::carrier::{APPLICATION_KEY, signed};

use crate::harness::{TestBridge, json, refusal, with_query, wrong_fields};

const TOKEN: &str = "lt-0123456789abcdef";
const SECRET: &str = "tw-0123456789abcdef";
const PUBLIC_URL: &str = "https://vox.example.org";

struct Accounts {
    bridge: TestBridge,
    admin: String,
    bot: String,
}

impl Accounts {
    /// A bot with an account at every carrier.
    async fn with(access: Value) -> Self {
        let bridge =
            TestBridge::start_with(|config| config.server.public_url = Some(PUBLIC_URL.into())).await;
        let admin = bridge.token(Role::Admin).await;
        let carriers = json!({
            "twilio": {"account": "AC1", "secret": SECRET}, "plivo": {"account": "MA1", "secret": SECRET},
            "telnyx": {"secret": "KEY-0123456789abcdef"}, "vonage": {"account": "app-1", "secret": APPLICATION_KEY},
        });
        let body = json!({"name": "a", "line_access": access, "carriers": carriers});
        let made = bridge.send(Method::POST, "/api/v1/bots", &admin, body).await;
        let bot = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        Self { bridge, admin, bot }
    }

    /// Ask for the config of a call over a carrier's line, with what it shows.
    async fn asked(&self, transport: &str, shown: Value) -> reqwest::Response {
        let mut body = json!({"transport": transport});
        body.as_object_mut().unwrap().extend(shown.as_object().unwrap().clone());
        let path = format!("/api/v1/config/{}", self.bot);
        self.bridge.internal(Method::POST, &path).json(&body).send().await.unwrap()
    }

    async fn change(&self, body: Value) -> reqwest::Response {
        self.bridge.send(Method::PATCH, &format!("/api/v1/bots/{}", self.bot), &self.admin, body).await
    }
}

/// The carrier's signature of the line's address, as a worker passes it on.
fn signature(carrier: Carrier, secret: &str, host: &str) -> Value {
    let target = format!("/{}/faq", carrier.name());
    let headers = signed(carrier, secret, &format!("wss://{host}{target}"));
    let text = |at: usize| headers.get(at).map(|(_, value)| value.clone()).unwrap_or_default();
    json!({"signature": {"value": text(0), "nonce": text(1), "host": host, "target": target}})
}

#[tokio::test]
async fn a_signature_opens_the_line_of_the_carrier_that_made_it() {
    let accounts = Accounts::with(json!({"token": TOKEN})).await;
    for carrier in [Carrier::Twilio, Carrier::Plivo] {
        let name = carrier.name();
        let good = signature(carrier, SECRET, "vox.example.org");
        let config = json(accounts.asked(name, good.clone()).await, StatusCode::OK).await;
        assert_eq!(config["carrier"]["secret"], SECRET, "{name}");
        let mut elsewhere = good.clone();
        elsewhere["signature"]["target"] = format!("/{name}/other").into();
        for wrong in [json!({}), signature(carrier, "another", "vox.example.org"), elsewhere] {
            let refused = accounts.asked(name, wrong.clone()).await;
            assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "line_forbidden", "{name} {wrong}");
        }
        // Of no other line.
        for other in ["ws", "telnyx", "vonage"] {
            let refused = accounts.asked(other, good.clone()).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{name} on {other}");
        }
        let by_token = accounts.asked(name, json!({"line_token": TOKEN})).await;
        assert_eq!(by_token.status(), StatusCode::OK, "or the bot's token");
    }
}

#[tokio::test]
async fn a_worker_gets_the_account_of_the_calls_carrier_and_no_other() {
    let accounts = Accounts::with(json!({"token": TOKEN})).await;
    let of = async |transport: &str| {
        let config = accounts.asked(transport, json!({"line_token": TOKEN})).await;
        json(config, StatusCode::OK).await["carrier"].clone()
    };
    assert_eq!(of("twilio").await, json!({"account": "AC1", "secret": SECRET, "base_url": ""}));
    let dial_url = format!("{PUBLIC_URL}/api/v1/public/plivo/dial");
    assert_eq!(of("plivo").await["dial_url"], json!(dial_url));
    assert_eq!(of("telnyx").await["secret"], "KEY-0123456789abcdef");
    assert_eq!(of("vonage").await["account"], "app-1");
    for none in ["ws", "exotel"] {
        assert_eq!(of(none).await, Value::Null, "{none}");
    }
}

/// An address list lets in whom it lets in; a line that the carrier signs is open to nobody else, guarded or not.
#[tokio::test]
async fn an_account_guards_the_line_of_a_carrier_that_signs() {
    let accounts = Accounts::with(json!({"addresses": ["203.0.113.0/24"]})).await;
    let only_twilio = json!({"line_access": null, "carriers": {"telnyx": null, "vonage": null}});
    assert_eq!(accounts.change(only_twilio).await.status(), StatusCode::OK);
    assert_eq!(accounts.asked("twilio", json!({})).await.status(), StatusCode::FORBIDDEN);
    // Nor is there another carrier's line beside it.
    for other in ["telnyx", "vonage"] {
        let refused = accounts.asked(other, json!({})).await;
        assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "line_forbidden", "{other}");
    }
    let open = json(accounts.asked("ws", json!({})).await, StatusCode::OK).await;
    assert_eq!(open["carrier"], Value::Null);
    // Nothing is asked of a carrier in the bot's name for a stranger, so an account that nobody can use is refused.
    let unguarded =
        accounts.change(json!({"carriers": {"telnyx": {"secret": "KEY-0123456789abcdef"}}})).await;
    assert_eq!(wrong_fields(unguarded).await, ["carriers.telnyx"]);
}

#[tokio::test]
async fn secrets_are_masked_and_kept_and_go_to_no_other_account() {
    let accounts = Accounts::with(json!({"token": TOKEN})).await;
    let shown = json(accounts.change(json!({"name": "b"})).await, StatusCode::OK).await;
    assert_eq!(shown["carriers"]["twilio"], json!({"account": "AC1", "secret": "tw-0…cdef", "base_url": ""}));
    assert!(!shown.to_string().contains("0123456789"), "{shown}");
    for moved in [json!({"account": "AC2"}), json!({"base_url": "https://twilio.example.org"})] {
        let refused = accounts.change(json!({"carriers": {"twilio": moved}})).await;
        assert_eq!(wrong_fields(refused).await, ["carriers.twilio.secret"]);
    }
    let masked = accounts.change(json!({"carriers": {"twilio": {"secret": "tw-0…cdef"}}})).await;
    assert_eq!(wrong_fields(masked).await, ["carriers.twilio.secret"]);
    let taken = accounts.change(json!({"carriers": {"twilio": {"secret": null}}})).await;
    assert_eq!(json(taken, StatusCode::OK).await["carriers"]["twilio"]["secret"], "");
    let config = accounts.asked("twilio", json!({"line_token": TOKEN})).await;
    assert_eq!(json(config, StatusCode::OK).await["carrier"], Value::Null);
}

#[tokio::test]
async fn plivo_is_told_whom_to_dial_and_nothing_else() {
    let bridge = TestBridge::start().await;
    let asked = async |whom: &str| {
        let path = with_query("/api/v1/public/plivo/dial", &[("dial", whom), ("To", "1")]);
        bridge.get(&path).send().await.unwrap()
    };
    let answer = asked("+4930123456").await;
    assert_eq!(answer.headers()["content-type"], "application/xml; charset=utf-8");
    let document = answer.text().await.unwrap();
    assert!(
        document.ends_with("<Response><Dial><Number>4930123456</Number></Dial></Response>"),
        "{document}"
    );
    for whom in ["", "</Number><Play>http://x</Play>", "sip:a@b;x=y", "nobody"] {
        let refused = asked(whom).await;
        assert_eq!(wrong_fields(refused).await, ["dial"], "{whom}");
    }
}
