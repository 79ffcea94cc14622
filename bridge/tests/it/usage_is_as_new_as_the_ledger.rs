//! What a tenant used is told as new as the ledger, though most of it comes from sums that were made before.

use jiff::SignedDuration;
use serde_json::Value;
use vox_bridge::store::Stamp;
use vox_bridge::store::engine::Which;
use vox_bridge::store::ledger::{Entry, LEDGER};

use crate::calls_are_charged::used;
use crate::harness::TestBridge;

/// Entries of a bridge whose clock was more than a minute behind were told the day after.
#[tokio::test]
async fn usage_is_as_new_as_the_ledger_whatever_the_clocks_of_bridges_say() {
    let bridge = TestBridge::start().await;
    bridge.fetch_config("faq", &[("session_id", "call_1")]).await;
    bridge.deliver(&used("call_1", "customer")).await;
    bridge.move_and_add_up().await;
    bridge.clock.advance(SignedDuration::from_hours(24));
    bridge.fetch_config("faq", &[("session_id", "call_2")]).await;
    bridge.move_and_add_up().await;
    assert_eq!(bridge.usage("").await["total"]["conversations"], 2);
    let page = bridge.engine.list_by_id(&LEDGER, Which::All, None).await.unwrap();
    let began = page.iter().find(|kept| kept.document.body["entry"] == "conversation").unwrap();
    let mut late: Entry = serde_json::from_value(Value::Object(began.document.body.clone())).unwrap();
    late.recorded_at = Stamp(bridge.now() - SignedDuration::from_hours(3));
    for (n, day) in ["2026-11-20", "2026-11-21"].into_iter().enumerate() {
        late.line.day = day.into();
        let entries = vec![(format!("late_{n}"), late.clone())];
        bridge.app.stores.all_ledger().insert_entries(entries).await.unwrap();
    }
    assert_eq!(bridge.usage("").await["total"]["conversations"], 4);
    for by in ["day", "bot", "vendor"] {
        let told = bridge.usage(&format!("?group_by={by}")).await;
        assert_eq!(told["total"]["conversations"], 4, "{by}");
    }
}
