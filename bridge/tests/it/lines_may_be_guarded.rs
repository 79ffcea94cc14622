//! A bot's carrier lines: open to anybody, or to those with its token or one of its addresses; and what only those may say.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

const TOKEN: &str = "lt-0123456789abcdef";

struct Guarded {
    bridge: TestBridge,
    admin: String,
    bot: String,
}

impl Guarded {
    async fn with(access: Value) -> Self {
        let bridge = TestBridge::start().await;
        let admin = bridge.token(Role::Admin).await;
        let body = json!({"name": "a", "line_access": access});
        let made = bridge
            .request(Method::POST, "/api/v1/bots")
            .bearer_auth(&admin)
            .json(&body)
            .send()
            .await
            .unwrap();
        let bot = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        Self { bridge, admin, bot }
    }

    async fn asked(&self, query: &[(&str, &str)]) -> reqwest::Response {
        self.bridge.fetch_config(&self.bot, query).await
    }

    async fn change(&self, body: &Value) -> reqwest::Response {
        let request = self
            .bridge
            .request(Method::PATCH, &format!("/api/v1/bots/{}", self.bot))
            .bearer_auth(&self.admin);
        request.json(body).send().await.unwrap()
    }
}

#[tokio::test]
async fn strangers_are_refused_and_leave_no_call() {
    let guarded = Guarded::with(json!({"token": TOKEN, "addresses": ["203.0.113.0/24"]})).await;
    for transport in ["ws", "exotel"] {
        for stranger in [
            &[("transport", transport)][..],
            &[("transport", transport), ("line_token", "wrong"), ("peer", "198.51.100.1")],
        ] {
            let refused = json(guarded.asked(stranger).await, StatusCode::FORBIDDEN).await;
            assert_eq!(refused["error"]["code"], "line_forbidden");
            assert!(!refused.to_string().contains(TOKEN));
        }
        assert_eq!(
            guarded.asked(&[("transport", transport), ("line_token", TOKEN)]).await.status(),
            StatusCode::OK
        );
        assert_eq!(
            guarded.asked(&[("transport", transport), ("peer", "203.0.113.9")]).await.status(),
            StatusCode::OK
        );
    }
    assert_eq!(
        refusal(guarded.asked(&[]).await, StatusCode::FORBIDDEN).await,
        "line_forbidden",
        "a line without a name too"
    );
    let refused = guarded.asked(&[("session_id", "call_stranger"), ("transport", "ws")]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let call =
        guarded.bridge.tools(Method::GET, "/api/v1/internal/calls/call_stranger").send().await.unwrap();
    assert_eq!(call.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn reserved_keys_count_only_from_a_known_caller() {
    let event = json!({"_campaign_session_id": "camp_7", "name": "Asha"}).to_string();
    let begins = |bot: &str, session: &str, token: Option<&str>| {
        let mut query = vec![("session_id", session.to_owned()), ("connected_event", event.clone())];
        query.extend(token.map(|t| ("line_token", t.to_owned())));
        (bot.to_owned(), query)
    };
    let guarded = Guarded::with(json!({"token": TOKEN})).await;
    let asked = |(bot, query): (String, Vec<(&'static str, String)>)| {
        let bridge = &guarded.bridge;
        async move {
            let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            json(bridge.fetch_config(&bot, &query).await, StatusCode::OK).await["session_id"].clone()
        }
    };
    assert_eq!(
        asked(begins("faq", "call_open", None)).await,
        "call_open",
        "an open line's caller is a stranger"
    );
    assert_eq!(
        asked(begins("faq", "call_open2", Some(TOKEN))).await,
        "call_open2",
        "whatever token it shows"
    );
    assert_eq!(asked(begins(&guarded.bot, "call_mine", Some(TOKEN))).await, "camp_7");
    let call = guarded.bridge.call("call_open").await;
    assert_eq!(call["connected_event"], json!({"name": "Asha"}), "they are no variables either");
}

#[tokio::test]
async fn the_token_is_masked_and_kept_like_a_key() {
    let guarded = Guarded::with(json!({"token": format!(" {TOKEN}\n")})).await;
    let shown = json(guarded.change(&json!({"name": "b"})).await, StatusCode::OK).await;
    assert_eq!(shown["line_access"]["token"], "lt-0…cdef");
    assert_eq!(
        guarded.asked(&[("line_token", TOKEN)]).await.status(),
        StatusCode::OK,
        "it was trimmed, and kept"
    );
    assert_eq!(
        wrong_fields(guarded.change(&json!({"line_access": {"token": "lt-0…cdef"}})).await).await,
        ["line_access.token"]
    );
    let opened = json(guarded.change(&json!({"line_access": null})).await, StatusCode::OK).await;
    assert_eq!(opened["line_access"], json!({"token": "", "addresses": []}));
    assert_eq!(guarded.asked(&[]).await.status(), StatusCode::OK);
    for bad in [
        json!({"token": "short"}),
        json!({"token": "two words of it"}),
        json!({"addresses": ["10.0.0.1/8"]}),
        json!({"addresses": ["example.com"]}),
    ] {
        let refused = guarded.change(&json!({"line_access": bad})).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}
