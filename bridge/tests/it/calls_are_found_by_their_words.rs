//! Calls that have ended are found by what was said in them and by how they are known, on both engines alike; what is deleted is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::jobs::digests::Digester;
use vox_bridge::jobs::fresh::Fresh;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::digests::CALL_DIGESTS;
use vox_bridge::store::engine::{Collection, EngineError, Which};
use vox_bridge::store::settings::SETTINGS;
use vox_bridge::store::{Reach, Stamp, Stores};
use vox_shared::model::bot::{ApiKey, BotSettings, LineAccess};

use crate::harness::interposed::{Documents, Step};
use crate::harness::{TestBridge, json, result, with_query, wrong_fields};

struct Finder {
    bridge: TestBridge,
    token: String,
    bot: String,
}

impl Finder {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let line_access = LineAccess { token: ApiKey::new("lt-0123456789abcdef"), ..LineAccess::default() };
        let bot =
            bridge.insert_bot(&bridge.tenant(), BotSettings { line_access, ..BotSettings::default() }).await;
        let token = bridge.token(Role::Agent).await;
        Self { bridge, token, bot: bot.to_string() }
    }

    /// A call in which this was said, one second after the one before.
    async fn call(&self, session: &str, text: &str, end: &str) {
        self.bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        let event =
            json!({"_campaign_id": "spring", "callDirection": "outgoing", "to_number": "+91 98765 43210"});
        let query = [
            ("session_id", session),
            ("caller_id", "0091 91234 56789"),
            ("line_token", "lt-0123456789abcdef"),
            ("transport", "ws"),
            ("connected_event", &event.to_string()),
        ];
        assert_eq!(self.bridge.fetch_config(&self.bot, &query).await.status(), StatusCode::OK);
        self.end(session, text, end).await;
    }

    async fn end(&self, session: &str, text: &str, end: &str) {
        let mut ended = result(session, end);
        (ended["transcript"][0]["text"], ended["bot_id"]) = (json!(text), json!(self.bot));
        assert_eq!(self.bridge.deliver(&ended).await.status(), StatusCode::OK);
    }

    async fn digest(&self) {
        while self.bridge.app.digester.round().await.unwrap() > 0 {}
    }

    async fn page(&self, query: &[(&str, &str)]) -> Value {
        let asked = self.bridge.get(&with_query("/api/v1/calls", query)).bearer_auth(&self.token);
        json(asked.send().await.unwrap(), StatusCode::OK).await
    }

    async fn found(&self, query: &[(&str, &str)]) -> Vec<String> {
        let page = self.page(query).await;
        let items = page["items"].as_array().unwrap();
        items.iter().map(|call| call["session_id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn words_in_any_case_and_script_and_the_keys_of_a_call_find_it() {
    let finder = Finder::start().await;
    finder.call("call_1", "I would like an APPOINTMENT on Tuesday, please.", "customer").await;
    finder.call("call_2", "Kein Termin im Café am Tuesday", "busy").await;
    finder.call("call_3", "नमस्ते, मुझे मंगलवार को अपॉइंटमेंट चाहिए।", "customer").await;
    finder.digest().await;
    for (query, expected) in [
        (&[("text", "tuesday")][..], &["call_2", "call_1"][..]),
        (&[("text", "Tuesday appointment")], &["call_1"]),
        (&[("text", "appoint*")], &["call_1"]),
        (&[("text", "tues* cafe")], &["call_2"]),
        (&[("text", "मंगलवार नमस्ते")], &["call_3"]),
        (&[("text", "अपॉइं*")], &["call_3"]),
        (&[("text", "appoint")], &[]),
        (&[("text", "tuesday"), ("status", "busy")], &["call_2"]),
        (&[("text", "tuesday"), ("disconnected_by", "customer"), ("bot_id", &finder.bot)], &["call_1"]),
        (&[("text", "tuesday"), ("bot_id", "faq")], &[]),
        (&[("text", "tuesday"), ("from", "2026-11-20T10:00:02Z")], &["call_2"]),
        (&[("text", "tuesday"), ("to", "2026-11-20T10:00:02Z")], &["call_1"]),
        (&[("text", "tuesday"), ("direction", "incoming")], &[]),
        (&[("campaign_id", "spring")], &["call_3", "call_2", "call_1"]),
        (&[("campaign_id", "autumn")], &[]),
        (&[("campaign_id", "spring"), ("status", "completed")], &["call_3", "call_1"]),
        (&[("to_number", "9876543210"), ("text", "tuesday")], &["call_2", "call_1"]),
        (&[("from_number", "+919123456789")], &["call_3", "call_2", "call_1"]),
        (&[("from_number", "+919876543210")], &[]),
    ] {
        assert_eq!(finder.found(query).await, expected, "{query:?}");
    }
    finder.bridge.clock.advance(jiff::SignedDuration::from_hours(24 * 40));
    finder.call("call_4", "Tuesday", "customer").await;
    finder.digest().await;
    let token = finder.bridge.token(Role::Agent).await;
    let finder = Finder { token, ..finder };
    assert_eq!(
        finder.found(&[("text", "tuesday")]).await,
        ["call_4", "call_2", "call_1"],
        "however long ago"
    );
    let newest = finder.page(&[("text", "tuesday"), ("limit", "1")]).await;
    let next = newest["next_cursor"].as_str().unwrap();
    let rest = [("text", "tuesday"), ("limit", "2"), ("cursor", next)];
    assert_eq!(finder.found(&rest).await, ["call_2", "call_1"]);
    let first = finder.page(&[("text", "tuesday"), ("to", "2026-11-21T00:00:00Z"), ("limit", "1")]).await;
    assert_eq!(first["items"][0]["call_direction"], "outgoing", "{first}");
    let next = first["next_cursor"].as_str().unwrap();
    let rest = [("text", "tuesday"), ("to", "2026-11-21T00:00:00Z"), ("limit", "1"), ("cursor", next)];
    assert_eq!(finder.found(&rest).await, ["call_1"]);

    // A key of one bot, and another tenant.
    let app = &finder.bridge.app;
    let sought = vox_bridge::store::digests::Sought {
        words: vox_bridge::search::words::asked("tuesday").unwrap(),
        now: Stamp(finder.bridge.now()),
        from: Some(Stamp("2026-11-20T10:00:00Z".parse().unwrap())),
        to: Some(Stamp("2026-11-21T00:00:00Z".parse().unwrap())),
    };
    let limited =
        Reach::limited(finder.bridge.tenant(), &["faq".parse().unwrap(), finder.bot.parse().unwrap()]);
    let found = app.stores.digests(&limited).search(&sought, 1, None).await.unwrap();
    assert_eq!((found.items[0].id.as_str(), found.next_cursor.is_some()), ("call_2", true));
    let after = vox_bridge::store::Cursor::parse(&found.next_cursor.unwrap()).unwrap();
    let rest = app.stores.digests(&limited).search(&sought, 1, Some(after)).await.unwrap();
    assert_eq!((rest.items[0].id.as_str(), rest.next_cursor), ("call_1", None));
    let foreign = Reach::limited(finder.bridge.tenant(), &["faq".parse().unwrap()]);
    assert!(app.stores.digests(&foreign).search(&sought, 1, None).await.unwrap().items.is_empty());
    let other = finder.bridge.insert_tenant("elsewhere").await;
    assert!(app.stores.digests(&other).search(&sought, 1, None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_by_name() {
    let finder = Finder::start().await;
    for (query, field) in [
        (&[("text", "?!")][..], "text"),
        (&[("text", "ab*")], "text"),
        (&[("text", "a b c d e f g h i")], "text"),
        (&[("to_number", "nobody")], "to_number"),
        (&[("text", "hello"), ("caller", "x")], "caller"),
        (&[("text", "hello"), ("from", "2026-11-20T10:00:02Z"), ("to", "2026-11-20T10:00:02Z")], "to"),
    ] {
        let asked = finder.bridge.get(&with_query("/api/v1/calls", query)).bearer_auth(&finder.token);
        assert_eq!(wrong_fields(asked.send().await.unwrap()).await, [field], "{query:?}");
    }
}

#[tokio::test]
async fn a_later_result_is_found_anew_and_a_deleted_call_no_more() {
    let finder = Finder::start().await;
    finder.call("call_1", "", "worker_lost").await;
    finder.digest().await;
    assert_eq!(finder.found(&[("campaign_id", "spring"), ("status", "failed")]).await, ["call_1"]);
    finder.end("call_1", "canaryword was said", "customer").await;
    finder.digest().await;
    assert_eq!(finder.found(&[("text", "canaryword")]).await, ["call_1"]);
    assert_eq!(finder.found(&[("campaign_id", "spring"), ("status", "failed")]).await, [""; 0]);

    let bridge = &finder.bridge;
    let stale =
        bridge.app.stores.all_digests().find_digest(&"call_1".parse().unwrap()).await.unwrap().unwrap();
    let admin = bridge.token(Role::Admin).await;
    let deleted = bridge.request(Method::DELETE, "/api/v1/calls/call_1").bearer_auth(&admin);
    assert_eq!(deleted.send().await.unwrap().status(), StatusCode::OK);
    // Somebody who read the call before that is late.
    bridge.app.stores.all_digests().keep(vec![(stale.id, stale.value)]).await.unwrap();
    assert_eq!(finder.found(&[("text", "canaryword")]).await, [""; 0]);
    let left = bridge.engine.list_by_id(&CALL_DIGESTS, Which::All, None).await.unwrap();
    assert_eq!((left.len(), &left[0].document.body["words"]), (1, &json!([])));
    while bridge.app.counting.round().await.unwrap() > 0 {}
    bridge.clock.advance(jiff::SignedDuration::from_hours(2));
    vox_bridge::jobs::janitor::sweep(&bridge.app.stores, &bridge.clock).await.unwrap();
    assert!(bridge.engine.list_by_id(&CALL_DIGESTS, Which::All, None).await.unwrap().is_empty());
}

/// One document that made no sense stopped the searches, sums and reports of everybody.
#[tokio::test]
async fn damage_of_settings_or_of_a_call_hides_no_other() {
    let finder = Finder::start().await;
    let (bridge, owner) = (&finder.bridge, finder.bridge.token(Role::SuperAdmin).await);
    let zone = json!({"display_timezone": "Pacific/Kiritimati"});
    let set = bridge.send(Method::PUT, "/api/v1/settings/timezone", &owner, zone).await;
    assert_eq!(set.status(), StatusCode::OK);
    finder.call("call_1", "tuesday", "worker_lost").await;
    finder.call("call_2", "tuesday", "customer").await;
    let day = async |session: &str| {
        let id = session.parse().unwrap();
        bridge.app.stores.all_digests().find_digest(&id).await.unwrap().unwrap().value.fact.unwrap().day
    };
    bridge.damage(&SETTINGS, "default", "vendor_keys", json!([{"provider": "openai", "api_key": {}}])).await;
    finder.digest().await;
    assert_eq!(day("call_2").await, "2026-11-21", "where it is midnight: a key is no part of that");
    bridge.damage(&SETTINGS, "default", "display_timezone", json!(7)).await;
    finder.end("call_1", "tuesday", "customer").await;
    finder.digest().await;
    assert_eq!(day("call_1").await, "2026-11-20");
    assert_eq!(finder.found(&[("text", "tuesday")]).await, ["call_2", "call_1"]);
    bridge.damage(&CALLS, "call_2", "verdict", json!(7)).await;
    assert_eq!(finder.found(&[("text", "tuesday")]).await, ["call_1"]);
}

#[tokio::test]
async fn a_call_that_cannot_be_read_now_keeps_no_other_from_being_found() {
    let finder = Finder::start().await;
    finder.call("call_1", "An appointment, please.", "customer").await;
    finder.call("call_2", "An appointment, please.", "customer").await;
    let is_first = AtomicBool::new(true);
    // As of an archived call while the object store is away.
    let before = move |step, of: &'static Collection| {
        let fails = step == Step::Get && of.name == CALLS.name && is_first.swap(false, Ordering::Relaxed);
        let answer = if fails { Err(EngineError::Unavailable("away".into())) } else { Ok(()) };
        async move { answer }.boxed()
    };
    let bridge = &finder.bridge;
    let documents = Documents { inner: bridge.engine.clone(), before: Box::new(before) };
    let stores = Stores::open(Arc::new(documents)).await.unwrap();
    let digester = Digester { stores, clock: bridge.clock.clone(), fresh: Fresh::default() };
    digester.round().await.unwrap_err();
    assert_eq!(finder.found(&[("text", "appointment")]).await.len(), 1);
    assert_eq!(digester.round().await.unwrap(), 1, "it stays due");
    assert_eq!(finder.found(&[("text", "appointment")]).await.len(), 2);
}
