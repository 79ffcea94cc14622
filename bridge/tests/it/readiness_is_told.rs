//! `/ready` says how each part is and when it was last good, and nothing else.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::harness::{TestBridge, json};

const PATIENCE: Duration = Duration::from_secs(10);

async fn told(bridge: &TestBridge) -> Value {
    json(bridge.get("/ready").send().await.unwrap(), StatusCode::OK).await
}

#[tokio::test]
async fn each_part_is_told_with_the_time_at_which_it_was_last_good() {
    let bridge = TestBridge::start().await;
    let before = told(&bridge).await;
    // Nobody does jobs in this bridge yet; everything else works.
    assert_eq!(
        (&before["status"], &before["parts"]["jobs"]["last_good_at"]),
        (&json!("degraded"), &Value::Null)
    );

    let stop = CancellationToken::new();
    let jobs = tokio::spawn(bridge.app.runner.clone().run(stop.clone()));
    timeout(PATIENCE, async { while told(&bridge).await["status"] != "up" {} }).await.unwrap();
    let good = json!({"state": "up", "last_good_at": "2026-11-20T10:00:00.000000Z"});
    let up = told(&bridge).await;
    for part in ["documents", "objects", "coordination", "vault", "jobs"] {
        assert_eq!(up["parts"][part], good, "{part}");
    }
    let fields: Vec<_> = up.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["parts", "status", "version"]);

    stop.cancel();
    jobs.await.unwrap();
    bridge.clock.advance(SignedDuration::from_secs(31));
    let later = told(&bridge).await;
    assert_eq!(later["parts"]["jobs"], json!({"state": "down", "last_good_at": good["last_good_at"]}));
    assert_eq!(later["status"], "degraded");
}
