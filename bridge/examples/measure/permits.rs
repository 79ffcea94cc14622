//! Permits of calls, asked for as a claim asks: one after the other, and by many at once, of this process and of a Redis server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::{JoinSet, spawn_blocking};
use vox_bridge::config::CoordinationSettings;
use vox_bridge::coordination::permits::{Ask, Pace, Permitted, Room};
use vox_bridge::coordination::{Coordination, open};
use vox_harness::RedisServer;
use vox_shared::clock::Clock;

use crate::report::{Bound, Row};

/// Calls that run, whoever asks: each keeps its places and gets another turn.
const CALLS: u32 = 500;
const CAMPAIGNS: u32 = 20;
const TRUNKS: u32 = 5;
const NUMBERS: u32 = 50;
/// More than anybody takes: nothing is refused.
const ROOM: u32 = 1_000_000;
const LINE_FOR: Duration = Duration::from_secs(45);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

const MANY: u32 = 16;
const LEAST_PER_SECOND: f64 = 10_000.0;
const MOST_MS: f64 = 1.0;

/// A row for each engine and each number of askers, which ask for so long.
pub async fn given(time: Duration) -> anyhow::Result<Vec<Row>> {
    let server = spawn_blocking(RedisServer::start).await?;
    let in_process = CoordinationSettings { redis_url: None };
    let on_redis = CoordinationSettings { redis_url: Some(server.url().into()) };
    let mut rows = Vec::new();
    for (name, settings) in [("this process", in_process), ("Redis", on_redis)] {
        let engine = open(&settings, &Clock::system()).await?;
        let run = engine.permits_run().await?;
        engine.open_permits(run).await?;
        let one = asked(&engine, 1, time).await?;
        rows.push(row(
            &format!("permits of {name}, one after the other"),
            one,
            time,
            ("p99_ms", Bound::AtMost(MOST_MS)),
        ));
        let many = asked(&engine, MANY, time).await?;
        let least = ("per_second", Bound::AtLeast(LEAST_PER_SECOND));
        rows.push(row(&format!("permits of {name}, {MANY} at once"), many, time, least));
    }
    Ok(rows)
}

fn row(what: &str, took: Vec<Duration>, time: Duration, (name, is): (&'static str, Bound)) -> Row {
    let per_second = took.len() as f64 / time.as_secs_f64();
    let mut row = Row::of_times(what, took);
    row.figures.insert(0, ("per_second", per_second));
    row.aims(name, is)
}

/// How long each answer took.
async fn asked(engine: &Arc<dyn Coordination>, askers: u32, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let until = Instant::now() + time;
    let mut asking = JoinSet::new();
    for asker in 0..askers {
        let engine = engine.clone();
        asking.spawn(async move {
            let mut took = Vec::new();
            for n in (asker..).step_by(askers as usize) {
                if Instant::now() >= until {
                    break;
                }
                let (ask, began) = (ask(n), Instant::now());
                let permitted = engine.permit(ask).await?;
                took.push(began.elapsed());
                ensure!(permitted == Permitted::Granted, "a permit was refused: {permitted:?}");
            }
            anyhow::Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(one) = asking.join_next().await {
        took.extend(one??);
    }
    Ok(took)
}

/// What a claim asks for: places among the lines of trunk, tenant, campaign and all, in the hour and the day of the number that is shown,
/// and a turn at the trunk's pace, under the fence of a partition.
fn ask(n: u32) -> Ask {
    let (campaign, trunk, number) = (n % CAMPAIGNS, n % TRUNKS, n % NUMBERS);
    let room = |key: String, ttl: Duration| Room { key, most: ROOM, ttl };
    Ask {
        member: format!("con_{:05}.1", n % CALLS),
        fence: Some((format!("cmp_{campaign}:{}", n % 4), 1)),
        paces: vec![Pace {
            key: format!("claims:ST_{trunk}"),
            interval: Duration::from_micros(1),
            burst: ROOM,
        }],
        rooms: vec![
            room(format!("lines:trunk:ST_{trunk}"), LINE_FOR),
            room("lines:tenant:ten_1".into(), LINE_FOR),
            room(format!("lines:campaign:cmp_{campaign}"), LINE_FOR),
            room("lines:all".into(), LINE_FOR),
            room(format!("shown:hour:+1212555{number:04}"), HOUR),
            room(format!("shown:day:+1212555{number:04}"), DAY),
        ],
    }
}
