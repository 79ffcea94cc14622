//! Results stored durably, each in its own request, as the workers of many hosts deliver them after the bridge was away.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bridge::{Bridge, Target};
use crate::report::{Bound, Row};

/// Deliveries under way at the same time.
const CLIENTS: usize = 64;
/// Utterances of a result; about 6 KB of JSON.
const TURNS: u32 = 40;

pub async fn stored(bridge: &Bridge, time: Duration) -> anyhow::Result<Row> {
    let (began, used, mut clients) = (Instant::now(), processor_ms()?, JoinSet::new());
    for client in 0..CLIENTS {
        let target = bridge.target.clone();
        clients.spawn(async move {
            let mut stored = 0u32;
            while began.elapsed() < time {
                deliver(&target, &format!("call_{client}_{stored}")).await?;
                stored += 1;
            }
            anyhow::Ok(stored)
        });
    }
    let mut total = 0;
    while let Some(stored) = clients.join_next().await {
        total += stored??;
    }
    let rate = f64::from(total) / began.elapsed().as_secs_f64();
    // Of the bridge and its client, which are one process.
    let each = (processor_ms()? - used) / f64::from(total.max(1));
    let figures = vec![
        ("per_second", rate),
        ("clients", CLIENTS as f64),
        ("stored", f64::from(total)),
        ("processor_ms_each", each),
    ];
    let row = Row { what: "results stored durably".into(), figures, target: None };
    Ok(row.aims("per_second", Bound::AtLeast(500.0)))
}

/// What this process has used until now, of all processors.
fn processor_ms() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').context("no name in the kernel's line")?;
    // The 14th and 15th field of the line are hundredths of a second; the name is the 2nd.
    let hundredths = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(hundredths.sum::<Result<f64, _>>()? * 10.0)
}

async fn deliver(target: &Target, session: &str) -> anyhow::Result<()> {
    let turn = |n| {
        json!({"turn": n, "speaker": if n % 2 == 0 { "bot" } else { "caller" }, "started_ms": n * 1000, "ended_ms": n * 1000 + 900,
            "text": "We are open from Monday to Friday, eight to six."})
    };
    let result: Value = json!({
        "session_id": session, "bot_id": "faq", "call_duration_seconds": 60.0, "disconnected_by": "customer",
        "transcript": (0..TURNS).map(turn).collect::<Vec<_>>()
    });
    let answer = target.internal(Method::POST, "/api/v1/call-results").json(&result).send().await?;
    ensure!(answer.status().is_success(), "a result was refused: {}", answer.status());
    Ok(())
}
