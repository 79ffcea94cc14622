//! Webhooks of many tenants, of whose endpoints some refuse connections and some drip their answers: how fast the others get theirs.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;
use vox_testkit::receiver::{Manner, Receiver};

use crate::bridge::{Bridge, Target};
use crate::report::{Bound, Row};

const TENANTS: usize = 10;
/// Endpoints of each tenant, by what they are.
const TAKING: usize = 10;
const DEAD: usize = 4;
const DRIPPING: usize = 4;
/// Events of each tenant: what an endpoint gets at once, before its rate of 50 a minute begins.
const EVENTS: usize = 50;
/// For all of them. Dripping endpoints are given up after 15 s.
const DEADLINE: Duration = Duration::from_secs(120);

pub async fn delivered(bridge: &Bridge) -> anyhow::Result<Row> {
    let (taking, dripping) = (Receiver::start().await?, Receiver::start().await?);
    dripping.behave(Manner::Dripping);
    let dead = closed_port().await?;
    let mut bots = Vec::new();
    for n in 0..TENANTS {
        let tenant = tenant(&bridge.target, n).await?;
        let lists = [(taking.url(), TAKING), (dead.clone(), DEAD), (dripping.url(), DRIPPING)];
        for (url, endpoints) in lists {
            for _ in 0..endpoints {
                let body = json!({"url": url, "events": ["call.ended"]});
                made(&bridge.target, "/api/v1/webhooks", (&tenant, &body)).await?;
            }
        }
        bots.push(made(&bridge.target, "/api/v1/bots", (&tenant, &json!({"name": "measured"}))).await?);
    }
    let began = Instant::now();
    for event in 0..EVENTS {
        for bot in &bots {
            end_of_call(&bridge.target, bot, &format!("call_hook_{bot}_{event}")).await?;
        }
    }
    let due = TENANTS * TAKING * EVENTS;
    while taking.count() < due {
        ensure!(began.elapsed() < DEADLINE, "{} of {due} messages came in {DEADLINE:?}", taking.count());
        sleep(Duration::from_millis(20)).await;
    }
    let figures = vec![
        ("per_second", due as f64 / began.elapsed().as_secs_f64()),
        ("messages", due as f64),
        ("endpoints", (TENANTS * TAKING) as f64),
        ("dead", (TENANTS * DEAD) as f64),
        ("dripping", (TENANTS * DRIPPING) as f64),
    ];
    let row = Row { what: "webhooks taken beside dead and dripping endpoints".into(), figures, target: None };
    Ok(row.aims("per_second", Bound::AtLeast(100.0)))
}

/// An address of loopback where nobody listens.
async fn closed_port() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(format!("http://{}/hook", listener.local_addr()?))
}

async fn tenant(target: &Target, n: usize) -> anyhow::Result<String> {
    let body = json!({"slug": format!("measured-{n}"), "name": "Measured"});
    made(target, "/api/v1/tenants", ("default", &body)).await
}

/// Make something of a tenant; answers its id.
async fn made(target: &Target, path: &str, (tenant, body): (&str, &Value)) -> anyhow::Result<String> {
    let request = target.admin(Method::POST, path).header("x-tenant", tenant).json(body);
    let answer = request.send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status.is_success(), "{path} was refused: {status} {text}");
    let made: Value = serde_json::from_str(&text)?;
    Ok(made["id"].as_str().context("what was made has no id")?.to_owned())
}

async fn end_of_call(target: &Target, bot: &str, session: &str) -> anyhow::Result<()> {
    let result = json!({"session_id": session, "bot_id": bot, "call_duration_seconds": 60.0, "disconnected_by": "customer",
        "transcript": [{"turn": 0, "speaker": "caller", "text": "Yes.", "started_ms": 0, "ended_ms": 500}]});
    let answer = target.internal(Method::POST, "/api/v1/call-results").json(&result).send().await?;
    ensure!(answer.status().is_success(), "a result was refused: {}", answer.status());
    Ok(())
}
