//! Fills the store with calls that ended, spread evenly over half a year, twenty bots and many callers, with their digests; and has
//! them counted.

use std::pin::pin;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::unfold;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use vox_bridge::analytics::counting::Counting;
use vox_bridge::search::digest::digest;
use vox_bridge::store::calls::{CALLS, Call};
use vox_bridge::store::digests::CallDigest;
use vox_bridge::store::engine::{MAX_BATCH, New};
use vox_bridge::store::{Stamp, Stored};
use vox_shared::clock::Clock;

use crate::bridge::Bridge;
use crate::report::Row;

/// Batches that are written at the same time, and as many are made meanwhile.
const BATCHES_AT_ONCE: usize = 2;
pub const BOTS: usize = 20;
pub const CALLERS: u32 = 50_000;
pub const DAYS: i64 = 180;
/// Different words that are said.
pub const WORDS: usize = 4_000;
const ENDS: [(&str, &str); 6] = [
    ("completed", "customer"),
    ("completed", "bot"),
    ("no_answer", "no_answer"),
    ("busy", "busy"),
    ("voicemail", "voicemail"),
    ("failed", "error"),
];

/// Calls with their digests.
type Batch = (Vec<New>, Vec<(String, CallDigest)>);

pub async fn fill(bridge: &Bridge, calls: usize) -> anyhow::Result<Row> {
    let began = Instant::now();
    let (batches, ready) = mpsc::channel(BATCHES_AT_ONCE);
    let making = spawn_blocking(move || make(calls, &batches));
    let stored =
        unfold(ready, |mut ready: mpsc::Receiver<Batch>| async move { Some((ready.recv().await?, ready)) });
    let stored = stored.map(|(batch, digests)| async move {
        let all = bridge.stores.all_digests();
        let calls = async { anyhow::Ok(bridge.engine.insert_many(&CALLS, batch).await?) };
        let digests = async { anyhow::Ok(all.keep(digests).await?) };
        tokio::try_join!(calls, digests)
    });
    let mut stored = pin!(stored.buffer_unordered(BATCHES_AT_ONCE));
    while let Some(stored) = stored.next().await {
        stored?;
    }
    making.await??;
    let seconds = began.elapsed().as_secs_f64();
    let figures = vec![("calls", calls as f64), ("per_second", calls as f64 / seconds)];
    Ok(Row { what: "calls put there with their digests, 500 at once".into(), figures, target: None })
}

/// The same ones each time, whoever is faster.
fn make(calls: usize, batches: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    let (mut random, now) = (StdRng::seed_from_u64(8), Clock::system().now());
    for first in (0..calls).step_by(MAX_BATCH) {
        let batch: Vec<New> = (first..calls.min(first + MAX_BATCH))
            .map(|n| New { id: format!("seeded_{n:08}"), body: call((n, calls), now, &mut random) })
            .collect();
        let digests = batch.iter().map(|new| digested(new, now)).collect::<anyhow::Result<_>>()?;
        if batches.blocking_send((batch, digests)).is_err() {
            break;
        }
    }
    Ok(())
}

/// Add all of them to the sums.
pub async fn count(bridge: &Bridge, calls: usize) -> anyhow::Result<Row> {
    let (began, counting) =
        (Instant::now(), Counting { stores: bridge.stores.clone(), clock: Clock::system() });
    while counting.round().await? > 0 {}
    let per_second = calls as f64 / began.elapsed().as_secs_f64();
    Ok(Row {
        what: "calls added to the sums".into(),
        figures: vec![("per_second", per_second)],
        target: None,
    })
}

/// As the bridge makes it; due in the order in which the calls began.
fn digested(new: &New, now: Timestamp) -> anyhow::Result<(String, CallDigest)> {
    let value: Call = serde_json::from_value(Value::Object(new.body.clone()))?;
    let due = value.created_at;
    let call = Stored { id: new.id.clone(), version: 1, value };
    let digest = digest(&call, &TimeZone::UTC, Stamp(now));
    Ok((new.id.clone(), CallDigest { due: Some(due), ..digest }))
}

/// A word: the earlier ones of the list are said much more often.
pub fn word(n: usize) -> String {
    let syllables =
        ["ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "xo", "yu", "zen"];
    format!("{}{}{}", syllables[n % 16], syllables[n / 16 % 16], syllables[n / 256 % 16])
}

fn sentence(random: &mut StdRng) -> String {
    let said = |random: &mut StdRng| word((WORDS as f64).powf(random.random_range(0.0..1.0)) as usize - 1);
    (0..14).map(|_| said(random)).collect::<Vec<_>>().join(" ")
}

fn call((n, calls): (usize, usize), now: Timestamp, random: &mut StdRng) -> Map<String, Value> {
    let ago = DAYS as f64 * 86_400.0 * (calls - n) as f64 / calls as f64;
    let ago = SignedDuration::from_secs_f64(ago);
    let began = now.saturating_sub(ago).unwrap_or(now);
    let (status, end) = ENDS[random.random_range(0..ENDS.len())];
    let seconds = random.random_range(5..400);
    let turns: Vec<Value> = (0..6)
        .map(|t| {
            json!({"turn": t, "speaker": if t % 2 == 0 { "bot" } else { "caller" }, "started_ms": t * 1000, "ended_ms": t * 1000 + 900,
                "text": sentence(random)})
        })
        .collect();
    let samples: Vec<Value> = (0..3)
        .map(|t| {
            let (llm, tts) = (random.random_range(200.0..900.0), random.random_range(80.0..300.0));
            json!({"turn": t, "endpoint_ms": 300.0, "stt_ms": 40.0, "llm_ms": llm, "tts_ms": tts, "platform_ms": 3.0, "total_ms": llm + tts + 343.0})
        })
        .collect();
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
        "result": {
            "session_id": format!("seeded_{n:08}"), "transcript": turns, "latency_samples": samples,
            "usage_metrics": [
                {"kind": "stt", "provider": "deepgram", "seconds": 9.0}, {"kind": "llm", "provider": "groq", "tokens_in": 900},
                {"kind": "tts", "provider": "cartesia", "characters": 400},
            ],
        },
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

pub fn caller(n: u32) -> String {
    format!("+4930{n:07}")
}
