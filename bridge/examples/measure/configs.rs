//! Config fetches at a steady rate, whatever the answers take.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Method;
use tokio::task::JoinSet;

use crate::bridge::Bridge;
use crate::report::{Bound, Row};

/// Fetches a second.
const RATE: u32 = 300;
/// Of the embedded engines; 20 ms over MongoDB.
const MOST_MS: f64 = 10.0;

pub async fn fetched(bridge: &Bridge, time: Duration) -> anyhow::Result<Row> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    let (began, mut fetches) = (Instant::now(), JoinSet::new());
    while began.elapsed() < time {
        ticks.tick().await;
        let target = bridge.target.clone();
        fetches.spawn(async move {
            let asked = Instant::now();
            let request = target.internal(Method::GET, "/api/v1/config/faq?caller_id=%2B491");
            let answer = request.send().await?;
            ensure!(answer.status().is_success(), "a config was refused: {}", answer.status());
            answer.bytes().await.context("the config was cut off")?;
            anyhow::Ok(asked.elapsed())
        });
    }
    let mut times = Vec::new();
    while let Some(fetch) = fetches.join_next().await {
        times.push(fetch??);
    }
    let row = Row::of_times(&format!("config fetch at {RATE} a second"), times);
    Ok(row.aims("p99_ms", Bound::AtMost(MOST_MS)))
}
