//! A flood of logins with wrong passwords, from one client: most are refused before a password is looked at, and nobody else waits.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::bridge::Bridge;
use crate::report::Row;

/// Tries under way at the same time.
const CLIENTS: usize = 32;

pub async fn flood(bridge: &Bridge, time: Duration) -> anyhow::Result<Row> {
    let (began, mut clients) = (Instant::now(), JoinSet::new());
    for _ in 0..CLIENTS {
        let target = bridge.target.clone();
        clients.spawn(async move {
            let (mut limited, mut looked_at) = (0u32, 0u32);
            while began.elapsed() < time {
                let body = json!({ "email": target.email, "password": "certainly not this one" });
                let answer =
                    target.anonymous(Method::POST, "/api/v1/auth/login").json(&body).send().await?.status();
                match answer {
                    StatusCode::TOO_MANY_REQUESTS => limited += 1,
                    StatusCode::UNAUTHORIZED => looked_at += 1,
                    other => anyhow::bail!("a wrong password was answered {other}"),
                }
            }
            anyhow::Ok((limited, looked_at))
        });
    }
    let (mut limited, mut looked_at) = (0, 0);
    while let Some(counts) = clients.join_next().await {
        let (l, a) = counts??;
        (limited, looked_at) = (limited + l, looked_at + a);
    }
    let figures = vec![
        ("per_second", f64::from(limited + looked_at) / began.elapsed().as_secs_f64()),
        ("passwords_tried", f64::from(looked_at)),
        ("limited", f64::from(limited)),
    ];
    Ok(Row { what: "flood of logins".into(), figures, target: None })
}
