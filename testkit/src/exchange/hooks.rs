//! Webhooks, signed as the server signs them. Those of one room are told one after the other, unless a fault says otherwise; a receiver
//! that fails is told again, twice.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::time::sleep;
use vox_shared::clock::Clock;

use super::faults::HookPlan;

/// Webhooks of one room go one way; so many ways there are to one receiver.
const LANES: usize = 8;
/// Webhooks that wait on one of them. More are lost, as they are in a server whose receiver is away.
const WAITING: usize = 2_000;
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const VALID_SECONDS: i64 = 300;

/// To one receiver.
#[derive(Debug)]
pub(super) struct Hooks {
    lanes: Vec<mpsc::Sender<Job>>,
}

#[derive(Debug)]
struct Job {
    body: Value,
    plan: HookPlan,
}

#[derive(Clone)]
struct Teller {
    client: reqwest::Client,
    url: String,
    key: String,
    secret: String,
    clock: Clock,
}

/// A client for the few things that are asked of others. It follows no redirects and uses no proxy.
///
/// # Errors
/// When TLS cannot be had.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    // Another choice may have been made before; any of them does.
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(ANSWER_WITHIN)
        .build()
}

impl Hooks {
    /// Tell this address from now on, until this is dropped.
    pub(super) fn start(
        client: reqwest::Client,
        url: &str,
        (key, secret): (&str, &str),
        clock: Clock,
    ) -> Self {
        let teller = Teller { client, url: url.into(), key: key.into(), secret: secret.into(), clock };
        let lane = |_| {
            let (sender, jobs) = mpsc::channel(WAITING);
            tokio::spawn(teller.clone().run(jobs));
            sender
        };
        Self { lanes: (0..LANES).map(lane).collect() }
    }

    /// Tell it; `false` when too many wait.
    pub(super) fn tell(&self, body: Value, plan: HookPlan) -> bool {
        let mut hasher = DefaultHasher::new();
        body["room"]["name"].as_str().hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        self.lanes[lane].try_send(Job { body, plan }).is_ok()
    }
}

impl Teller {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(Job { body, plan }) = jobs.recv().await {
            if plan.lost {
                continue;
            }
            if let Some(hold) = plan.hold {
                let teller = self.clone();
                tokio::spawn(async move {
                    sleep(hold).await;
                    teller.tell(&body, plan.twice).await;
                });
                continue;
            }
            self.tell(&body, plan.twice).await;
        }
    }

    async fn tell(&self, body: &Value, twice: bool) {
        let times = if twice { 2 } else { 1 };
        for _ in 0..times {
            for attempt in 0..TRIES {
                if attempt > 0 {
                    sleep(PAUSE).await;
                }
                if self.send(body.to_string()).await {
                    break;
                }
            }
        }
    }

    async fn send(&self, body: String) -> bool {
        let Some(token) = self.token(body.as_bytes()) else { return false };
        let request = self.client.post(&self.url).header("authorization", token);
        let sent = request.header("content-type", "application/webhook+json").body(body).send().await;
        sent.is_ok_and(|answer| answer.status().is_success())
    }

    fn token(&self, body: &[u8]) -> Option<String> {
        let now = self.clock.now().as_second();
        let claims = json!({
            "iss": self.key, "nbf": now, "exp": now + VALID_SECONDS,
            "sha256": BASE64_STANDARD.encode(Sha256::digest(body)),
        });
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(self.secret.as_bytes()))
            .ok()
    }
}
