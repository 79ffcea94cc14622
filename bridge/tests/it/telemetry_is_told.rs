//! How a tenant's calls go now, and plainly nothing where nobody knows.

use reqwest::StatusCode;
use serde_json::{Value, json};
use vox_bridge::auth::scope::Scope;
use vox_shared::model::bot::BotSettings;

use crate::harness::TestBridge;
use crate::jobs_come_by_the_calendar::Calendar;

#[tokio::test]
async fn calls_of_now_and_of_today_are_told_and_what_nobody_knows_is_null() {
    let calendar = Calendar::start().await;
    let bridge: &TestBridge = &calendar.bridge;
    bridge.insert_large_worker().await;
    calendar.call("call_1", "customer").await;
    let other = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    for (session, bot) in
        [("call_2", calendar.bot.as_str()), ("call_3", calendar.bot.as_str()), ("call_4", other.as_str())]
    {
        assert_eq!(bridge.fetch_config(bot, &[("session_id", session)]).await.status(), StatusCode::OK);
    }
    let told = calendar.get("/v1/telemetry").await;
    assert_eq!(
        (&told["conversations"], &told["conversations_today"], &told["available_slots"]),
        (&json!(3), &json!(1), &json!(1_000_000)),
        "{told}"
    );
    for unknown in ["service_level", "average_wait_seconds", "available_agents"] {
        assert_eq!(told.get(unknown), Some(&Value::Null), "{unknown}");
    }
    let key =
        bridge.insert_key(&bridge.tenant(), &[Scope::CallsRead], |key| key.bots = Some(vec![other])).await;
    let told = key.reads(bridge, "/v1/telemetry").await;
    assert_eq!((&told["conversations"], &told["conversations_today"]), (&json!(1), &json!(0)), "{told}");
    bridge.clock.advance(jiff::SignedDuration::from_hours(24));
    assert_eq!(calendar.get("/v1/telemetry").await["conversations_today"], 0);
}
