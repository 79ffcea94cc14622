//! What workers ask of the bridge and tell it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;
use vox_shared::ids::{BotId, SessionId};
use vox_shared::wire::config::ConfigRequest;
use vox_shared::wire::fleet::WorkerReport;
use vox_shared::wire::live::LiveReport;
use vox_shared::wire::proof::{CALL_TOKEN_HEADER, CLAIM_HEADER, Proof};
use vox_shared::wire::{SECRET_HEADER, SEQ_HEADER};

use super::Orders;

/// A config is asked for again while the bridge does not answer, this long in all.
const CONFIG_TRIES: u32 = 16;
const CONFIG_PAUSE: Duration = Duration::from_millis(250);
/// Between two tries to deliver a result: the first and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The outbox's number of a result: each call has one.
const SEQ: u64 = 1;

/// The bridge, as it is seen by a worker.
#[derive(Clone, Debug)]
pub(super) struct Bridge {
    client: reqwest::Client,
    url: String,
    secret: String,
}

/// Of a config: who the call is, and what opens it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Config {
    pub session_id: SessionId,
    #[serde(default)]
    pub call_token: Option<String>,
}

/// Why there is none.
#[derive(Clone, Debug)]
pub(super) enum NoConfig {
    /// The bridge means it.
    Refused(u16, String),
    Away(String),
}

/// What became of a result.
#[derive(Clone, Debug)]
pub(super) enum Delivered {
    Yes,
    Rejected(String),
}

impl Bridge {
    pub(super) fn new(client: reqwest::Client, orders: &Orders) -> Self {
        let url = orders.bridge.trim_end_matches('/').to_owned();
        Self { client, url, secret: orders.secret.clone() }
    }

    /// The same at another address.
    pub(super) fn at(&self, url: Option<&str>) -> Self {
        let url = url.map_or_else(|| self.url.clone(), |url| url.trim_end_matches('/').to_owned());
        Self { url, ..self.clone() }
    }

    /// Whether it took it.
    pub(super) async fn register(&self, report: &WorkerReport) -> bool {
        let request = self.client.post(format!("{}/api/v1/fleet/workers", self.url)).json(report);
        let sent = request.header(SECRET_HEADER, &self.secret).send().await;
        sent.is_ok_and(|answer| answer.status().is_success())
    }

    pub(super) async fn config(&self, bot: &BotId, ask: &ConfigRequest) -> Result<Config, NoConfig> {
        let mut why = String::new();
        for attempt in 0..CONFIG_TRIES {
            if attempt > 0 {
                sleep(CONFIG_PAUSE).await;
            }
            let request = self.client.post(format!("{}/api/v1/config/{bot}", self.url)).json(ask);
            let answer = match request.header(SECRET_HEADER, &self.secret).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    why = error.without_url().to_string();
                    continue;
                }
            };
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            match status {
                200 => {
                    let read = serde_json::from_str(&text);
                    return read.map_err(|error| NoConfig::Refused(200, error.to_string()));
                }
                503 if text.contains("outside_active_hours") => return Err(NoConfig::Refused(status, text)),
                408 | 429 | 500.. => why = format!("{status}: {text}"),
                _ => return Err(NoConfig::Refused(status, text)),
            }
        }
        Err(NoConfig::Away(why))
    }

    /// Tell of a running call; it may be lost.
    pub(super) async fn report(&self, call: &SessionId, report: &LiveReport, proof: &Proof) {
        let request =
            self.client.post(format!("{}/api/v1/internal/calls/{call}/events", self.url)).json(report);
        // The result holds everything, and repairs what is lost.
        let _lost = self.for_call(request, proof).send().await;
    }

    /// Deliver a result until it is taken or refused for good, however long the bridge is away.
    pub(super) async fn deliver(&self, result: &Value, proof: &Proof) -> Delivered {
        let mut pause = FIRST_PAUSE;
        let mut proof = proof.clone();
        loop {
            let request = self.client.post(format!("{}/api/v1/call-results", self.url)).json(result);
            let request = self.for_call(request.header(SEQ_HEADER, SEQ), &proof);
            if let Ok(answer) = request.send().await {
                let status = answer.status().as_u16();
                match status {
                    200..300 => return Delivered::Yes,
                    401 | 403 if proof.call_token.is_some() => proof = proof.claim_only(),
                    401 | 403 | 408 | 429 | 500.. => {}
                    _ => {
                        let text = answer.text().await.unwrap_or_default();
                        return Delivered::Rejected(format!("{status}: {text}"));
                    }
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// With the call's own token; without one with the workers' secret and the worker's claim.
    fn for_call(&self, request: reqwest::RequestBuilder, proof: &Proof) -> reqwest::RequestBuilder {
        match (&proof.call_token, &proof.claim) {
            (Some(token), _) => request.header(CALL_TOKEN_HEADER, token),
            (None, Some(claim)) => request.header(SECRET_HEADER, &self.secret).header(CLAIM_HEADER, claim),
            (None, None) => request.header(SECRET_HEADER, &self.secret),
        }
    }
}

/// A JSON object of these fields.
pub(super) fn fields(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}
