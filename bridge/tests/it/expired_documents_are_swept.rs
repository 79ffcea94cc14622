//! The janitor removes what expired, and nothing else.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use vox_bridge::jobs::janitor::{Swept, sweep};
use vox_bridge::store::engine::{Collection, EngineError};
use vox_bridge::store::refresh_tokens::Family;
use vox_bridge::store::tickets::{TICKETS, Ticket};
use vox_bridge::store::{SWEPT, Stamp, Stores};
use vox_shared::clock::Clock;
use vox_shared::ids::UserId;

use crate::harness::interposed::{Documents, Step};
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
        let ticket = Ticket {
            tenant_id: bridge.tenant(),
            bot_id: "faq".parse().unwrap(),
            expires_at,
            spent_by: None,
            of_page: None,
        };
        bridge.app.stores.tickets().insert_ticket(&format!("ticket-{n}"), &ticket).await.unwrap();
    }
    bridge.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), Swept { gone: SWEPT, more: true });
    assert_eq!(sweep(&bridge.app.stores, &bridge.clock).await.unwrap(), Swept { gone: 20, more: false });
}

#[tokio::test]
async fn a_kind_that_cannot_be_swept_keeps_no_other_from_its_turn() {
    let (_data, engine) = temp_engine();
    let before = |step, of: &'static Collection| {
        let is_stuck = step == Step::DeleteMany && of.name == TICKETS.name;
        let answer = if is_stuck { Err(EngineError::Unavailable("stuck".into())) } else { Ok(()) };
        async move { answer }.boxed()
    };
    let stuck = Documents { inner: engine, before: Box::new(before) };
    let stores = Stores::open(Arc::new(stuck)).await.unwrap();
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
    let unswept = sweep(&stores, &clock).await.unwrap_err();
    assert_eq!(unswept.swept, Swept { gone: 1, more: false }, "what the others did counts");
    assert!(stores.refresh_tokens().find_family("fam_1").await.unwrap().is_none());
}
