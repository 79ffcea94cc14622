//! Fills the store with calls that ended, spread over half a year, twenty bots and many callers.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use vox_bridge::store::Stamp;
use vox_bridge::store::calls::CALLS;
use vox_bridge::store::engine::{MAX_BATCH, New};
use vox_shared::clock::Clock;

use crate::bridge::Bridge;
use crate::report::Row;

pub const BOTS: usize = 20;
pub const CALLERS: u32 = 50_000;
const DAYS: i64 = 180;
const ENDS: [(&str, &str); 6] = [
    ("completed", "customer"),
    ("completed", "bot"),
    ("no_answer", "no_answer"),
    ("busy", "busy"),
    ("voicemail", "voicemail"),
    ("failed", "error"),
];

pub async fn fill(bridge: &Bridge, calls: usize) -> anyhow::Result<Row> {
    let began = Instant::now();
    let mut random = StdRng::seed_from_u64(8);
    let now = Clock::system().now();
    for first in (0..calls).step_by(MAX_BATCH) {
        let batch = (first..calls.min(first + MAX_BATCH))
            .map(|n| New { id: format!("seeded_{n:08}"), body: call(n, now, &mut random) });
        bridge.engine.insert_many(&CALLS, batch.collect()).await?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let figures = vec![("calls", calls as f64), ("per_second", calls as f64 / seconds)];
    Ok(Row { what: "calls put there, 500 at once".into(), figures, target: None })
}

fn call(n: usize, now: Timestamp, random: &mut StdRng) -> Map<String, Value> {
    let ago = SignedDuration::from_secs(random.random_range(0..DAYS * 86_400));
    let began = now.saturating_sub(ago).unwrap_or(now);
    let (status, end) = ENDS[random.random_range(0..ENDS.len())];
    let seconds = random.random_range(5..400);
    let turn = |t: i64| {
        json!({"turn": t, "speaker": if t % 2 == 0 { "bot" } else { "caller" }, "started_ms": t * 1000, "ended_ms": t * 1000 + 900,
            "text": "I would like to come on Tuesday in the afternoon, if there is a time."})
    };
    let body = json!({
        "tenant_id": "default",
        "bot_id": format!("bot-{}", n % BOTS),
        "status": status,
        "disconnected_by": end,
        "created_at": Stamp(began),
        "completed_at": Stamp(began.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(began)),
        "duration_seconds": seconds as f64,
        "caller_id": caller(random.random_range(0..CALLERS)),
        "direction": if n.is_multiple_of(3) { "outgoing" } else { "incoming" },
        "transport": "ws",
        "worker_id": "w1",
        "result": { "session_id": format!("seeded_{n:08}"), "transcript": (0..6).map(turn).collect::<Vec<_>>() },
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

pub fn caller(n: u32) -> String {
    format!("+4930{n:07}")
}
