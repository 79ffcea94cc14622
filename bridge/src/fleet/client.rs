//! The client for workers and hosts. It opens only addresses that workers registered with the internal secret or that a
//! super_admin or the settings named, and follows no redirects, so the secret goes nowhere else.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vox_shared::telemetry::spans;
use vox_shared::trace::TRACEPARENT;
use vox_shared::wire::SECRET_HEADER;

/// Time to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Longest answer read, bytes: a host of a thousand workers says some 100 KiB.
const MAX_ANSWER: usize = 1024 * 1024;

/// Asks workers and hosts. Cheap to clone.
#[derive(Clone)]
pub struct FleetClient {
    client: Client,
    secret: SecretString,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing was sent.
    #[error("no connection")]
    NotConnected,
    /// What was asked may have been done.
    #[error("no answer in time")]
    TimedOut,
    /// What was asked may have been done.
    #[error("the connection was cut before the answer's end")]
    Cut,
    /// What was asked may have been done.
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

impl FleetClient {
    pub fn new(secret: &SecretString) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .build()?;
        Ok(Self { client, secret: secret.clone() })
    }

    /// `GET` below an address, without the secret.
    pub async fn get(&self, address: &str, path: &str, within: Duration) -> Result<Answer, AskError> {
        let request = self.client.get(below(address, path)).timeout(within);
        read(request.send().await.map_err(told)?).await
    }

    /// `POST` a JSON body below an address, with the secret.
    pub async fn post(
        &self,
        address: &str,
        path: &str,
        body: &Value,
        within: Duration,
    ) -> Result<Answer, AskError> {
        let request = self.client.post(below(address, path)).timeout(within).json(body);
        let mut request = request.header(SECRET_HEADER, self.secret.expose_secret());
        if let Some(place) = spans::current() {
            request = request.header(TRACEPARENT, place.to_string());
        }
        read(request.send().await.map_err(told)?).await
    }
}

fn below(address: &str, path: &str) -> String {
    format!("{}{path}", address.trim_end_matches('/'))
}

async fn read(mut response: Response) -> Result<Answer, AskError> {
    let (status, mut body) = (response.status(), Vec::new());
    while let Some(piece) = response.chunk().await.map_err(told)? {
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(AskError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, body })
}

fn told(error: reqwest::Error) -> AskError {
    match () {
        () if error.is_connect() => AskError::NotConnected,
        () if error.is_timeout() => AskError::TimedOut,
        () => AskError::Cut,
    }
}
