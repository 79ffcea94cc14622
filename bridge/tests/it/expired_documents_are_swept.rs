//! The janitor removes what expired, and nothing else.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use vox_bridge::jobs::janitor::{Swept, sweep};
use vox_bridge::store::engine::{
    Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Kept, New, Page, Place,
    Query, Totals, Update, Which,
};
use vox_bridge::store::refresh_tokens::Family;
use vox_bridge::store::tickets::{TICKETS, Ticket};
use vox_bridge::store::{SWEPT, Stamp, Stores};
use vox_shared::clock::Clock;
use vox_shared::ids::UserId;

use crate::harness::{NOW, TestBridge, temp_engine};

#[tokio::test]
async fn tickets_sessions_and_workers_go_when_their_time_is_over() {
    let bridge = TestBridge::start().await;
    let ticket = json!({"bot_id": "faq"});
    for _ in 0..3 {
        let made =
            bridge.tools(Method::POST, "/api/v1/internal/talk-tickets").json(&ticket).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
    }
    bridge.admin_session().await;
    let worker = json!({
        "worker_id": "w1", "host": "h", "address": "http://127.0.0.1:1", "slots": 1, "calls": 0, "build": "t",
        "draining": false, "pid": 1
    });
    bridge.internal(Method::POST, "/api/v1/fleet/workers").json(&worker).send().await.unwrap();
    let all = |gone| Swept { gone, more: false };
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), all(0));
    bridge.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), all(3), "the tickets");
    bridge.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), all(1), "the worker");
    bridge.clock.advance(SignedDuration::from_hours(24 * 15));
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), all(1), "the session");
    assert_eq!(bridge.fetch_config("faq", &[]).await.status(), StatusCode::OK, "bots stay");
}

#[tokio::test]
async fn the_janitor_goes_on_while_there_is_more() {
    let bridge = TestBridge::start().await;
    let expires_at = Stamp(bridge.now());
    for n in 0..SWEPT + 20 {
        let ticket =
            Ticket { tenant_id: bridge.tenant(), bot_id: "faq".parse().unwrap(), expires_at, spent_by: None };
        bridge.app.stores.tickets().insert_ticket(&format!("ticket-{n}"), &ticket).await.unwrap();
    }
    bridge.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), Swept { gone: SWEPT, more: true });
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), Swept { gone: 20, more: false });
}

/// An engine that cannot delete tickets.
struct Stuck(Arc<dyn Engine>);

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $type),*) -> Answer<'_, $answer> {
            self.0.$name($($argument),*)
        }
    )*};
}

impl Engine for Stuck {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn connections(&self) -> Connections {
        self.0.connections()
    }

    fn prepare<'a>(&'a self, collections: &'a [&'static Collection]) -> Answer<'a, ()> {
        self.0.prepare(collections)
    }

    fn delete_many(&self, query: Query) -> Answer<'_, usize> {
        if query.collection.name == TICKETS.name {
            return Box::pin(async { Err(EngineError::Unavailable("stuck".into())) });
        }
        self.0.delete_many(query)
    }

    passed_on! {
        insert(into: &'static Collection, id: String, body: Map<String, Value>) -> ();
        insert_many(into: &'static Collection, documents: Vec<New>) -> Vec<usize>;
        get(from: &'static Collection, id: String) -> Option<Document>;
        find(query: Query) -> Page;
        compare_and_set(into: &'static Collection, document: Document) -> u64;
        find_one_and_update(query: Query, update: Update) -> Option<Document>;
        delete(from: &'static Collection, id: String, version: u64) -> bool;
        count(query: Query) -> u64;
        sums(query: Query, group_by: Place, fields: Vec<Field<Integer>>) -> Vec<Totals>;
        list_by_id(of: &'static Collection, which: Which, after: Option<String>) -> Vec<Kept>;
        restore(into: &'static Collection, documents: Vec<Kept>) -> ();
        check_writable() -> ();
        scrub() -> ();
        settle() -> ();
        brought_up() -> ();
        close() -> ();
    }
}

#[tokio::test]
async fn a_kind_that_cannot_be_swept_keeps_no_other_from_its_turn() {
    let (_data, engine) = temp_engine();
    let stores = Stores::open(Arc::new(Stuck(engine))).await.unwrap();
    let clock = Clock::manual(NOW.parse().unwrap());
    let family = Family {
        tenant_id: "default".parse().unwrap(),
        user_id: UserId::generate(),
        email: "p@test".into(),
        current_hash: "x".into(),
        expires_at: Stamp(clock.now()),
        rotations: 0,
        tokens_valid_from: None,
    };
    stores.refresh_tokens().insert_family("fam_1", &family).await.unwrap();
    clock.advance(SignedDuration::from_mins(1));
    sweep(&stores, &clock).await.unwrap_err();
    assert!(stores.refresh_tokens().find_family("fam_1").await.unwrap().is_none());
}
