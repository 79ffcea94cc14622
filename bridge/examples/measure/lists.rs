//! Lists over all those calls, one after the other, as people and CRMs ask.

use std::time::Instant;

use anyhow::{Context, ensure};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::Value;
use vox_shared::clock::Clock;

use crate::bridge::Bridge;
use crate::report::{Bound, Row};
use crate::seed::{CALLERS, caller};

/// Requests of each kind.
const REQUESTS: u32 = 100;
pub const MOST_MS: f64 = 200.0;

/// The query of the n-th request of a kind.
pub type Question = Box<dyn Fn(u32) -> String>;

pub async fn read(bridge: &Bridge) -> anyhow::Result<Vec<Row>> {
    let week = Clock::system().now().saturating_sub(SignedDuration::from_hours(24 * 7))?;
    let kinds: [(&str, Question); 6] = [
        ("list: newest", Box::new(|_| "limit=50".into())),
        ("list: of a bot", Box::new(|n| format!("bot_id=bot-{}", n % 20))),
        ("list: of a status", Box::new(|_| "status=busy".into())),
        (
            "list: of an end and a week",
            Box::new(move |_| format!("disconnected_by=voicemail&from={week:.0}")),
        ),
        (
            "list: of a caller",
            Box::new(|n| format!("caller={}", caller(n * 7 % CALLERS).replace('+', "%2B"))),
        ),
        (
            "list: of a bot, an end and a direction",
            Box::new(|n| format!("bot_id=bot-{}&disconnected_by=error&direction=outgoing", n % 20)),
        ),
    ];
    let mut rows = timed(bridge, "/api/v1/calls", kinds.into()).await?;
    rows.push(deep(bridge).await?);
    Ok(rows)
}

/// A row for each kind of question.
pub async fn timed(bridge: &Bridge, path: &str, kinds: Vec<(&str, Question)>) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (what, query) in kinds {
        let mut times = Vec::new();
        for n in 0..REQUESTS {
            let began = Instant::now();
            ask(bridge, &format!("{path}?{}", query(n))).await?;
            times.push(began.elapsed());
        }
        rows.push(Row::of_times(what, times).aims("p99_ms", Bound::AtMost(MOST_MS)));
    }
    Ok(rows)
}

/// Page after page by cursors.
async fn deep(bridge: &Bridge) -> anyhow::Result<Row> {
    let (mut times, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..REQUESTS {
        let began = Instant::now();
        let after = cursor.map(|c| format!("&cursor={c}")).unwrap_or_default();
        let answer = page(bridge, &format!("limit=200{after}")).await?;
        times.push(began.elapsed());
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    Ok(Row::of_times("list: pages of 200 by cursor", times).aims("p99_ms", Bound::AtMost(MOST_MS)))
}

async fn page(bridge: &Bridge, query: &str) -> anyhow::Result<Value> {
    ask(bridge, &format!("/api/v1/calls?{query}")).await
}

async fn ask(bridge: &Bridge, path: &str) -> anyhow::Result<Value> {
    let answer = bridge.target.admin(Method::GET, path).send().await?;
    let status = answer.status();
    let body: Value = answer.json().await.context("a list was no JSON")?;
    ensure!(status.is_success(), "a list was answered {status}: {body}");
    Ok(body)
}
