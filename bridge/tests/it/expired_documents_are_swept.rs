//! The janitor removes what expired, and nothing else.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use vox_bridge::jobs::janitor::{Swept, sweep};
use vox_bridge::store::tickets::Ticket;
use vox_bridge::store::{SWEPT, Stamp};

use crate::harness::TestBridge;

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
