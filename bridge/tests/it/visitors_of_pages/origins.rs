//! Whose page may ask, and what a visitor says afterwards.

use super::*;

#[tokio::test]
async fn browsers_may_ask_first_also_where_other_origins_are_set() {
    for desk in [None, Some("https://desk.example")] {
        let scene =
            Scene::with(|config| config.server.cors_origins.extend(desk.map(str::to_owned)), |_| {}).await;
        let asked = scene.bridge.request(Method::OPTIONS, TOKEN).header(ORIGIN, PAGE);
        let asked = asked.header(ACCESS_CONTROL_REQUEST_METHOD, "POST");
        let told = asked.header(ACCESS_CONTROL_REQUEST_HEADERS, "content-type").send().await.unwrap();
        assert_eq!((told.status(), allowed(&told)), (StatusCode::NO_CONTENT, Some(PAGE)));
        assert_eq!(told.headers()[ACCESS_CONTROL_ALLOW_METHODS], "POST");
        assert_eq!(told.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
        assert!(
            told.headers().contains_key(VARY)
                && !told.headers().contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS)
        );
        let answer = scene.ask(TICKET, &scene.body(), Some(PAGE)).await;
        assert_eq!(allowed(&answer), Some(PAGE));
        // Nothing else of the bridge is opened to pages.
        let other = scene.bridge.request(Method::OPTIONS, "/api/v1/bots").header(ORIGIN, PAGE);
        let other = other.header(ACCESS_CONTROL_REQUEST_METHOD, "GET").send().await.unwrap();
        assert_eq!(allowed(&other), None);
    }
}

#[tokio::test]
async fn a_page_of_the_bridge_itself_is_allowed() {
    let scene = Scene::new().await;
    let own = scene.bridge.url.clone();
    json(scene.ask(TICKET, &scene.body(), Some(&own)).await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn a_visitor_says_how_it_was_and_only_about_the_own_call() {
    let scene = Scene::with(
        |_| {},
        |bot| {
            bot.redaction = serde_json::from_value(json!({"kinds": ["card"]})).unwrap();
        },
    )
    .await;
    let ticket = json(scene.ask(TICKET, &scene.body(), Some(PAGE)).await, StatusCode::CREATED).await;
    let token = ticket["feedback_token"].as_str().unwrap();
    let good =
        json!({"feedback_token": token, "rating": "good", "comment": " My card is 4111 1111 1111 1111. "});
    let early = scene.ask(FEEDBACK, &good, Some(PAGE)).await;
    assert_eq!(refusal(early, StatusCode::NOT_FOUND).await, "not_found", "the call has not begun");
    let query =
        [("transport", "talk"), ("ticket", ticket["ticket"].as_str().unwrap()), ("session_id", "call_x")];
    let session = json(scene.config(&query).await, StatusCode::OK).await["session_id"].clone();
    let kept = scene.ask(FEEDBACK, &good, Some(PAGE)).await;
    assert_eq!((kept.status(), allowed(&kept)), (StatusCode::NO_CONTENT, Some(PAGE)));
    let visit = scene.shown(session.as_str().unwrap()).await["visit"].clone();
    assert_eq!((&visit["rating"], &visit["origin"]), (&json!("good"), &json!(PAGE)));
    let comment = visit["comment"].as_str().unwrap();
    assert!(comment.starts_with("My card is") && !comment.contains("4111"), "{comment}");
    let bad = json!({"feedback_token": token, "rating": "bad"});
    assert_eq!(scene.ask(FEEDBACK, &bad, Some(PAGE)).await.status(), StatusCode::NO_CONTENT);
    let visit = scene.shown(session.as_str().unwrap()).await["visit"].clone();
    assert_eq!((&visit["rating"], &visit["comment"]), (&json!("bad"), &Value::Null), "the later word stays");

    let elsewhere = scene.ask(FEEDBACK, &bad, Some("https://evil.example")).await;
    assert_eq!((elsewhere.status(), allowed(&elsewhere)), (StatusCode::FORBIDDEN, None));
    let forged = json!({"feedback_token": format!("{token}x"), "rating": "bad"});
    let forged = scene.ask(FEEDBACK, &forged, Some(PAGE)).await;
    assert_eq!(refusal(forged, StatusCode::UNAUTHORIZED).await, "bad_feedback_token");
    let long = json!({"feedback_token": token, "rating": "bad", "comment": "x".repeat(1_001)});
    assert_eq!(wrong_fields(scene.ask(FEEDBACK, &long, Some(PAGE)).await).await, ["comment"]);
    for word in ["great", "5"] {
        let odd = json!({"feedback_token": token, "rating": word});
        assert_eq!(wrong_fields(scene.ask(FEEDBACK, &odd, Some(PAGE)).await).await, ["rating"]);
    }
    scene.bridge.clock.advance(SignedDuration::from_hours(3));
    let late = scene.ask(FEEDBACK, &bad, Some(PAGE)).await;
    assert_eq!(refusal(late, StatusCode::UNAUTHORIZED).await, "bad_feedback_token");
}
