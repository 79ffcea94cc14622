//! The widget's files go to any page, and a page of our own shows a bot's widget.

use std::path::Path;

use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{TestBridge, json as body, refusal};

/// What a build leaves, as far as the bridge knows it.
fn build(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    for (name, content) in [
        ("vox-widget.js", "export {};"),
        ("vox-livekit-5QX7ZK2A.js", "export {};"),
        ("demo.css", "p {}"),
        ("notes.md", "not for pages"),
    ] {
        std::fs::write(directory.join(name), content).unwrap();
    }
    std::fs::write(directory.parent().unwrap().join("secret.js"), "secret").unwrap();
}

fn header(answer: &Response, name: reqwest::header::HeaderName) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn without_a_build_it_is_said_how_to_make_one() {
    let bridge = TestBridge::start().await;
    for path in ["/widget/vox-widget.js", "/demo/faq"] {
        let answer = body(bridge.get(path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
        assert_eq!(answer["error"]["code"], "widget_not_built", "{path}");
        let detail = answer["error"]["detail"].as_str().unwrap();
        assert!(detail.contains("scripts/widget/build.sh") && detail.contains("VOX_WIDGET_DIR"), "{detail}");
    }
}

#[tokio::test]
async fn files_of_a_build_are_for_any_page_and_others_are_not() {
    let bridge = TestBridge::start().await;
    build(&bridge.app.config.server.widget_dir);
    let script = bridge.get("/widget/vox-widget.js").send().await.unwrap();
    assert_eq!(script.status(), StatusCode::OK);
    assert_eq!(header(&script, CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert_eq!(header(&script, ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert!(header(&script, CACHE_CONTROL).contains("max-age=300"));
    assert_eq!(script.text().await.unwrap(), "export {};");
    let chunk = bridge.get("/widget/vox-livekit-5QX7ZK2A.js").send().await.unwrap();
    assert!(header(&chunk, CACHE_CONTROL).contains("max-age=31536000"));
    for name in ["notes.md", "nothing.js", "..%2fsecret.js", "%2e%2e%2fsecret.js", ".parts", "%00.js"] {
        let answer = bridge.get(&format!("/widget/{name}")).send().await.unwrap();
        assert_eq!(refusal(answer, StatusCode::NOT_FOUND).await, "not_found", "{name}");
    }
}

#[tokio::test]
async fn the_page_of_a_bot_shows_its_widget_under_a_strict_policy() {
    let bridge = TestBridge::start_with(|c| c.server.media_url = Some("wss://calls.example".into())).await;
    build(&bridge.app.config.server.widget_dir);
    let off = bridge.get("/demo/faq").send().await.unwrap();
    assert_eq!(refusal(off, StatusCode::NOT_FOUND).await, "widget_off");
    let none = bridge.get("/demo/nobody").send().await.unwrap();
    assert_eq!(refusal(none, StatusCode::NOT_FOUND).await, "widget_off", "as if it were there");

    let token = bridge.token(Role::Admin).await;
    let change =
        json!({"name": "A <b>bot</b>", "widget": {"enabled": true, "allowed_origins": [bridge.url]}});
    let changed = bridge.request(Method::PATCH, "/api/v1/bots/faq").bearer_auth(&token).json(&change);
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
    let keyless = bridge.get("/demo/faq").send().await.unwrap();
    assert_eq!(refusal(keyless, StatusCode::NOT_FOUND).await, "widget_off");
    let renewed =
        bridge.request(Method::POST, "/api/v1/bots/faq/widget-key").bearer_auth(&token).json(&json!({}));
    let key = body(renewed.send().await.unwrap(), StatusCode::OK).await["widget_key"].clone();

    let page = bridge.get("/demo/faq?mode=inline").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let policy = header(&page, CONTENT_SECURITY_POLICY);
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("connect-src 'self' wss://calls.example"), "{policy}");
    let page = page.text().await.unwrap();
    let shown = format!("<vox-widget bot=\"faq\" api-key={key} mode=\"inline\">");
    assert!(page.contains(&shown) && !page.contains("<b>bot"), "{page}");
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains(" onclick"), "{page}");
    let change = async |change: Value| {
        let path = "/api/v1/bots/faq";
        let changed =
            bridge.request(Method::PATCH, path).bearer_auth(&token).json(&change).send().await.unwrap();
        assert_eq!(changed.status(), StatusCode::OK);
    };
    change(json!({"enabled": false})).await;
    let disabled = bridge.get("/demo/faq").send().await.unwrap();
    assert_eq!(refusal(disabled, StatusCode::NOT_FOUND).await, "widget_off");
    change(json!({"enabled": true})).await;
    assert_eq!(bridge.get("/demo/faq").send().await.unwrap().status(), StatusCode::OK);
    let wrong = bridge.get("/demo/faq?colour=red").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
