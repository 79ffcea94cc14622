//! Polling of hosts whose workers do not register: `GET /health/fleet` of each, again and again. Every bridge takes part; a host is
//! claimed in the store, so that one of them asks it at a time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, FleetClient};
use super::reserve::Fleet;
use crate::coordination::rounds::{Rounds, Work};
use crate::store::hosts::{Polled, Reading};
use crate::store::{Stamp, StoreError};

/// Pause between two looks for hosts that are due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause between a host's answer and the next question.
const POLL_EVERY: SignedDuration = SignedDuration::from_secs(10);
/// Longest wait for a host. It asks all its workers first, which takes long when it is busy, and a busy host is not a sick one.
const POLL_DEADLINE: Duration = Duration::from_secs(20);
/// How long a claimed host is left alone: longer than the wait.
const CLAIM: SignedDuration = SignedDuration::from_secs(25);
/// What is due now is due before the next microsecond, the least that a stored instant tells.
const A_MOMENT: SignedDuration = SignedDuration::from_micros(1);
const PATH: &str = "/health/fleet";

/// Asks hosts. Cheap to clone.
#[derive(Clone)]
pub struct Poller {
    pub fleet: Fleet,
    pub client: FleetClient,
}

impl Poller {
    /// Poll until `stop`. A host that is slow holds up no other: each has a task of its own.
    pub async fn run(self, rounds: Rounds, stop: CancellationToken) {
        let mut polls = JoinSet::new();
        while rounds.pause(Work::PollFleet, LOOK_EVERY, &stop).await.is_some() {
            if let Err(error) = rounds.through(Work::PollFleet, self.begin_due(&mut polls)).await {
                tracing::warn!(%error, "it could not be found out which hosts are to be polled");
            }
            while polls.try_join_next().is_some() {}
        }
    }

    /// Ask every host that is due now, and wait for all.
    pub async fn poll_due(&self) -> Result<(), StoreError> {
        let mut polls = JoinSet::new();
        self.begin_due(&mut polls).await?;
        while polls.join_next().await.is_some() {}
        Ok(())
    }

    /// Claim the hosts that are due. There are `hosts::MAX_POLLED` at most, each claimed for longer than its poll takes, so
    /// the tasks are bounded.
    async fn begin_due(&self, polls: &mut JoinSet<()>) -> Result<(), StoreError> {
        let hosts = self.fleet.stores.hosts();
        let now = self.fleet.clock.now();
        while let Some(host) = hosts.claim_poll(after(now, A_MOMENT), after(now, CLAIM)).await? {
            let Some(url) = host.value.url else { continue };
            let poller = self.clone();
            polls.spawn(async move { poller.poll(&host.value.name, &url).await });
        }
        Ok(())
    }

    async fn poll(&self, name: &str, url: &str) {
        let said = match self.client.get(url, PATH, POLL_DEADLINE).await {
            Ok(answer) => reading(&answer),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = &said {
            tracing::debug!(host = name, why, "a host is not healthy");
        }
        let now = self.fleet.clock.now();
        let polled = Polled { at: Stamp(now), said };
        match self.fleet.stores.hosts().note(name, &polled, after(now, POLL_EVERY)).await {
            Ok(kept) => self.fleet.confirmed(kept).await,
            // It was taken away meanwhile.
            Err(StoreError::NotFound) => {}
            Err(error) => tracing::warn!(host = name, %error, "what a host said could not be noted"),
        }
    }
}

fn after(now: Timestamp, pause: SignedDuration) -> Stamp {
    Stamp(now.saturating_add(pause).unwrap_or(Timestamp::MAX))
}

/// The slots of a host, if it says all that a healthy host says (contracts, section 7), or what is wrong.
fn reading(answer: &Answer) -> Result<Reading, String> {
    if !answer.status.is_success() {
        return Err(format!("it answered {}", answer.status.as_u16()));
    }
    let Ok(Value::Object(told)) = serde_json::from_slice(&answer.body) else {
        return Err("its answer is no JSON object".into());
    };
    if told.get("status").and_then(Value::as_str) != Some("ok") {
        return Err("its `status` is not 'ok'".into());
    }
    let (max, calls) = (count(&told, "fleet_max")?, count(&told, "fleet_calls")?);
    let available = count(&told, "fleet_available")?;
    if available > max {
        return Err("its `fleet_available` is more than its `fleet_max`".into());
    }
    match told.get("workers") {
        Some(Value::Array(workers)) => Ok(Reading { max, calls, available, workers: workers.clone() }),
        _ => Err("its `workers` are no list".into()),
    }
}

fn count(told: &Map<String, Value>, name: &str) -> Result<u32, String> {
    let number = told.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| format!("its `{name}` is no non-negative integer"))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Reading, String> {
        reading(&Answer { status: StatusCode::from_u16(status).unwrap(), body: body.into() })
    }

    fn changed(name: &str, value: Value) -> String {
        let mut told =
            json!({"status": "ok", "fleet_calls": 1, "fleet_max": 4, "fleet_available": 3, "workers": []});
        told[name] = value;
        told.to_string()
    }

    #[test]
    fn only_a_host_that_says_all_of_it_is_healthy() {
        let good = read(200, &changed("workers", json!([{"id": 1}]))).unwrap();
        assert_eq!((good.max, good.calls, good.available, good.workers.len()), (4, 1, 3, 1));
        for (status, body, named) in [
            (500, changed("status", json!("ok")), "500"),
            (302, changed("status", json!("ok")), "302"),
            (200, "[]".into(), "object"),
            (200, "ok".into(), "object"),
            (200, String::new(), "object"),
            (200, changed("status", json!("degraded")), "status"),
            (200, changed("status", Value::Null), "status"),
            (200, changed("fleet_max", json!("4")), "fleet_max"),
            (200, changed("fleet_max", json!(4.0)), "fleet_max"),
            (200, changed("fleet_calls", json!(-1)), "fleet_calls"),
            (200, changed("fleet_available", json!(true)), "fleet_available"),
            (200, changed("fleet_available", json!(5)), "more than"),
            (200, changed("workers", json!({})), "workers"),
            (200, changed("workers", Value::Null), "workers"),
        ] {
            let why = read(status, &body).unwrap_err();
            assert!(why.contains(named), "{body}: {why}");
        }
    }
}
