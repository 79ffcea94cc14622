//! Calls go for good when somebody deletes them, whatever comes late; a legal hold keeps them; links to recordings end.

use futures_util::StreamExt;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::objects::{ByteStream, Expected, Key};
use vox_bridge::store::Stamp;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::engine::Order;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, refusal, result};
use crate::recordings_are_stored_and_served::upload;

const CALLER: &str = "+49 151 5550142";
const WORDS: &str = "canary-words-77";
const NOTE: &str = r#"{"note": "canary-words-77"}"#;

/// An ended call with a recording, of a bot that the bridge knows.
async fn ended(bridge: &TestBridge, session: &str) -> Value {
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let query = [("session_id", session), ("caller_id", CALLER), ("connected_event", NOTE)];
    assert_eq!(bridge.fetch_config(bot.as_str(), &query).await.status(), StatusCode::OK);
    let key = format!("{session}.wav");
    assert_eq!(upload(bridge, &key, b"RIFF canary".to_vec(), None).await.status(), StatusCode::OK);
    let mut ended = result(session, "bot");
    (ended["recording_key"], ended["caller_id"], ended["bot_id"]) = (json!(key), json!(CALLER), json!(bot));
    ended["transcript"][0]["text"] = json!(WORDS);
    assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
    bridge.app.relay.move_all().await.unwrap();
    ended
}

fn pieces(content: &'static [u8]) -> ByteStream {
    futures_util::stream::iter([Ok(content.into())]).boxed()
}

fn unchecked() -> Expected {
    Expected { max_bytes: 1_000, sha256: None }
}

async fn has_object(bridge: &TestBridge, session: &str) -> bool {
    let key = Key::of_recording(&format!("{session}.wav")).unwrap();
    bridge.app.custodian.objects.head(key).await.unwrap().is_some()
}

async fn send(bridge: &TestBridge, method: Method, path: &str, token: &str) -> reqwest::Response {
    bridge.request(method, path).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_deleted_call_is_gone_and_nothing_late_brings_it_back() {
    let bridge = TestBridge::start().await;
    let late = ended(&bridge, "call_1").await;
    let link = bridge.call("call_1").await["recording_access_token"].as_str().unwrap().to_owned();
    let admin = bridge.token(Role::Admin).await;
    let path = "/api/v1/calls/call_1";
    let before =
        bridge.app.stores.ledger(&bridge.tenant()).list_of_call(&"call_1".parse().unwrap(), 50, None).await;
    let agent = bridge.token(Role::Supervisor).await;
    assert_eq!(send(&bridge, Method::DELETE, path, &agent).await.status(), StatusCode::FORBIDDEN);

    let gone = json(send(&bridge, Method::DELETE, path, &admin).await, StatusCode::OK).await;
    assert_eq!(gone, json!({"session_id": "call_1", "status": "gone"}));
    // Its worker delivers and uploads again, and is told that it need not once more.
    let receipt = json(bridge.deliver(&late).await, StatusCode::OK).await;
    assert_eq!(receipt["status"], "deleted");
    assert_eq!(upload(&bridge, "call_1.wav", b"RIFF canary".to_vec(), None).await.status(), StatusCode::OK);
    assert!(!has_object(&bridge, "call_1").await);
    // One that was stored while its call was deleted, and could not be removed then.
    let object = Key::of_recording("call_1.wav").unwrap();
    bridge.app.custodian.objects.put(object, pieces(b"RIFF canary"), unchecked()).await.unwrap();
    assert_eq!(upload(&bridge, "call_1.wav", b"RIFF canary".to_vec(), None).await.status(), StatusCode::OK);
    assert!(!has_object(&bridge, "call_1").await);
    for path in [
        path,
        "/api/v1/recordings/call_1",
        &format!("/api/v1/public/recordings/{link}"),
        "/api/v1/calls/call_1/export.json",
    ] {
        assert_eq!(send(&bridge, Method::GET, path, &admin).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(send(&bridge, Method::DELETE, path, &admin).await.status(), StatusCode::NOT_FOUND, "again");
    let page = json(send(&bridge, Method::GET, "/api/v1/calls", &admin).await, StatusCode::OK).await;
    assert_eq!(page["items"], json!([]));
    let page =
        json(bridge.tools(Method::GET, "/api/v1/internal/calls").send().await.unwrap(), StatusCode::OK).await;
    assert!(!page.to_string().contains("call_1"), "{page}");
    // A new call of that name is another one's.
    assert_eq!(bridge.fetch_config("faq", &[("session_id", "call_1")]).await.status(), StatusCode::CONFLICT);

    let stored = bridge.app.stores.all_calls().find_with_deleted(&"call_1".parse().unwrap()).await.unwrap();
    let left = serde_json::to_string(&stored.unwrap().value).unwrap();
    assert!(!left.contains(WORDS) && !left.contains("5550142"), "{left}");
    let events =
        bridge.app.stores.events(&bridge.tenant()).list_events(Order::Ascending, 50, None).await.unwrap();
    assert!(events.items.len() >= 3);
    for event in events.items {
        assert_eq!(Value::Object(event.value.data), json!({"call_id": "call_1", "deleted": true}));
    }
    let after =
        bridge.app.stores.ledger(&bridge.tenant()).list_of_call(&"call_1".parse().unwrap(), 50, None).await;
    assert_eq!(format!("{before:?}"), format!("{after:?}"), "the ledger holds no personal data and stays");
    bridge.stop().await;
}

/// The relay had read the call before it was deleted, and put its event where nobody looked any more.
#[tokio::test]
async fn an_event_that_comes_after_the_cleaning_is_blanked_a_minute_later() {
    let bridge = TestBridge::start().await;
    ended(&bridge, "call_1").await;
    let events = bridge.app.stores.events(&bridge.tenant());
    let mut late = events.list_of_call("call_1", 50).await.unwrap().remove(0).value;
    let admin = bridge.token(Role::Admin).await;
    let deleted = send(&bridge, Method::DELETE, "/api/v1/calls/call_1", &admin).await;
    assert_eq!(deleted.status(), StatusCode::OK);
    late.data.insert("text".into(), json!(WORDS));
    late.follows = None;
    bridge.app.stores.all_events().insert_events(vec![("evt_late".into(), late)]).await.unwrap();
    assert_eq!(bridge.app.custodian.clean_due(50).await, Ok(0), "not yet");
    bridge.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(bridge.app.custodian.clean_due(50).await, Ok(1));
    let left = events.list_events(Order::Ascending, 50, None).await.unwrap().items;
    let late = left.iter().find(|event| event.id == "evt_late").unwrap();
    assert_eq!(Value::Object(late.value.data.clone()), json!({"call_id": "call_1", "deleted": true}));
    assert_eq!(bridge.app.custodian.clean_due(50).await, Ok(0), "once");
}

#[tokio::test]
async fn a_running_call_and_one_on_hold_are_not_deleted() {
    let bridge = TestBridge::start().await;
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    bridge.fetch_config(bot.as_str(), &[("session_id", "call_2")]).await;
    let admin = bridge.token(Role::Admin).await;
    let refused = send(&bridge, Method::DELETE, "/api/v1/calls/call_2", &admin).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "call_running");

    ended(&bridge, "call_3").await;
    let (path, hold) = ("/api/v1/calls/call_3", "/api/v1/calls/call_3/hold");
    let held = json(send(&bridge, Method::PUT, hold, &admin).await, StatusCode::OK).await;
    bridge.clock.advance(SignedDuration::from_secs(60));
    let again =
        json(send(&bridge, Method::PUT, hold, &bridge.token(Role::Admin).await).await, StatusCode::OK).await;
    assert_eq!(held, again, "the first one counts");
    assert_eq!(
        refusal(send(&bridge, Method::DELETE, path, &admin).await, StatusCode::CONFLICT).await,
        "call_held"
    );
    assert_eq!(json(send(&bridge, Method::GET, path, &admin).await, StatusCode::OK).await["hold"], held);
    assert_eq!(send(&bridge, Method::DELETE, hold, &admin).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(send(&bridge, Method::DELETE, path, &admin).await.status(), StatusCode::OK);

    let other = bridge.insert_tenant("elsewhere").await;
    let stranger = bridge.token_of(&other, Role::Admin).await;
    ended(&bridge, "call_4").await;
    for (method, path) in
        [(Method::DELETE, "/api/v1/calls/call_4"), (Method::PUT, "/api/v1/calls/call_4/hold")]
    {
        assert_eq!(send(&bridge, method, path, &stranger).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    bridge.stop().await;
}

#[tokio::test]
async fn a_key_deletes_with_its_own_scope_only() {
    let bridge = TestBridge::start().await;
    ended(&bridge, "call_5").await;
    let key = bridge.key(&[Scope::CallsControl, Scope::CallsRead]).await;
    let refused = send(&bridge, Method::DELETE, "/api/v1/calls/call_5", &key.token).await;
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "scope_missing");
    let key = bridge.key(&[Scope::CallsDelete]).await;
    assert_eq!(
        send(&bridge, Method::DELETE, "/api/v1/calls/call_5", &key.token).await.status(),
        StatusCode::OK
    );
    bridge.stop().await;
}

#[tokio::test]
async fn a_link_is_revoked_made_again_and_ends() {
    let bridge = TestBridge::start().await;
    ended(&bridge, "call_6").await;
    let admin = bridge.token(Role::SuperAdmin).await;
    let path = "/api/v1/calls/call_6/recording-link";
    let opens = async |token: &str| {
        bridge.get(&format!("/api/v1/public/recordings/{token}")).send().await.unwrap().status()
            == StatusCode::OK
    };
    let first = bridge.call("call_6").await["recording_access_token"].as_str().unwrap().to_owned();
    assert!(opens(&first).await);
    assert_eq!(send(&bridge, Method::DELETE, path, &admin).await.status(), StatusCode::NO_CONTENT);
    assert!(!opens(&first).await);
    assert_eq!(bridge.call("call_6").await["recording_access_token"], Value::Null);

    let made = json(send(&bridge, Method::POST, path, &admin).await, StatusCode::CREATED).await;
    let second = made["recording_access_token"].as_str().unwrap();
    assert!(opens(second).await && !opens(&first).await && made["recording_link_ends_at"].is_null());
    assert_eq!(
        bridge.call("call_6").await["recording_access_token"],
        json!(second),
        "the same for everybody"
    );

    let setting = "/api/v1/settings/recording-links";
    for bad in [json!({"expires_after_days": 0}), json!({"expires_after_days": 4000}), json!({"days": 1})] {
        assert_eq!(
            bridge.send(Method::PUT, setting, &admin, bad).await.status(),
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let set = bridge.send(Method::PUT, setting, &admin, json!({"expires_after_days": 2})).await;
    assert_eq!(json(set, StatusCode::OK).await["recording_links_expire_after_days"], 2);
    assert_eq!(bridge.call("call_6").await["recording_link_ends_at"], "2026-11-22T10:00:00.000000Z");
    bridge.clock.advance(SignedDuration::from_hours(48) - SignedDuration::from_secs(1));
    assert!(opens(second).await);
    bridge.clock.advance(SignedDuration::from_secs(1));
    assert!(!opens(second).await);
    assert_eq!(bridge.call("call_6").await["recording_access_token"], Value::Null);
    bridge.stop().await;
}

/// More than one batch of them, which stand before the other.
#[tokio::test]
async fn what_is_left_of_one_call_and_cannot_be_removed_keeps_no_other_from_its_turn() {
    const BROKEN: usize = 12;
    let bridge = TestBridge::start().await;
    let (admin, tenant) = (bridge.token(Role::Admin).await, bridge.tenant());
    let bury = async |session: &str| {
        let mut call = bridge.app.stores.calls(&tenant).get_call(&session.parse().unwrap()).await.unwrap();
        call.value.bury(session, Stamp(bridge.now()));
        bridge.app.stores.calls(&tenant).replace_call(call).await.unwrap();
    };
    for n in 0..BROKEN {
        let session = format!("call_broken_{n}");
        ended(&bridge, &session).await;
        bury(&session).await;
        bridge.damage(&CALLS, &session, "result", 7.into()).await;
    }
    bridge.clock.advance(SignedDuration::from_secs(1));
    ended(&bridge, "call_sound").await;
    bury("call_sound").await;
    assert_eq!(bridge.app.custodian.clean_due(10).await.unwrap(), 1);
    assert!(!has_object(&bridge, "call_sound").await);
    let path = "/api/v1/calls/call_sound";
    assert_eq!(send(&bridge, Method::GET, path, &admin).await.status(), StatusCode::NOT_FOUND);
    bridge.stop().await;
}
