//! A guarded line lets in whoever shows the bot's token, in any of the ways that carriers have, or calls from an address of
//! its list; nobody else.

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use vox_shared::model::bot::{ApiKey, LineAccess};

use crate::harness::Stage;
use crate::harness::raw::{Raw, text, ws_handshake};
use crate::harness::vendors::Scripts;

const TOKEN: &str = "line-token-0123456789";

/// How the line is closed for a caller: 1000 when it was let in and hung up, else what it is told.
async fn closed(stage: &Stage, address: &str, header: Option<(&'static str, &str)>) -> (u16, String) {
    let mut request = format!("{}{address}", stage.worker.url()).into_client_request().unwrap();
    if let Some((name, value)) = header {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let mut raw = Raw::request(request).await;
    raw.send_all(ws_handshake("guarded")).await;
    raw.send(text(serde_json::json!({"event": "hangup-call", "disconnectedBy": "customer"}))).await;
    raw.until_closed(None).await.close.expect("the worker says why it closes")
}

#[tokio::test]
async fn with_the_token_in_every_form() {
    let stage = Stage::start_with(Scripts::default(), &[("VOX_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let guard = LineAccess { token: ApiKey::new(TOKEN), addresses: vec!["203.0.113.0/24".into()] };
    let bot = stage.bot(|bot| bot.line_access = guard).await;
    let plain = format!("/ws/{bot}");
    let forbidden = (1008, "line_forbidden".to_owned());
    for (address, header) in [
        (plain.clone(), None),
        (format!("{plain}?token=wrong"), None),
        (plain.clone(), Some(("authorization", "Bearer wrong"))),
        (plain.clone(), Some(("x-forwarded-for", "203.0.113.7, 198.51.100.1"))),
        (plain.clone(), Some(("x-real-ip", "198.51.100.1"))),
    ] {
        assert_eq!(closed(&stage, &address, header).await, forbidden, "{address} {header:?}");
    }
    assert!(stage.bridge.calls().await.is_empty(), "none of them was a call");
    // The last is `key:` and the token in base64.
    for (address, header) in [
        (format!("{plain}?token={TOKEN}"), None),
        (format!("{plain}%3Ftoken={TOKEN}"), None),
        (plain.clone(), Some(("authorization", "Bearer line-token-0123456789"))),
        (plain.clone(), Some(("x-line-token", TOKEN))),
        (plain.clone(), Some(("x-forwarded-for", "198.51.100.1, 203.0.113.7"))),
        (plain.clone(), Some(("x-real-ip", "203.0.113.7"))),
        (plain.clone(), Some(("authorization", "Basic a2V5OmxpbmUtdG9rZW4tMDEyMzQ1Njc4OQ=="))),
    ] {
        assert_ne!(closed(&stage, &address, header).await, forbidden, "{address} {header:?}");
    }
    assert!(!stage.worker.log().contains(TOKEN), "a token is in the log");
    stage.end().await;
}
