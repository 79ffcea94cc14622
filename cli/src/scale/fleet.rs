//! The fleet as the bridge sees it: `GET /api/v1/fleet/status`.

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::ScaleError;
use super::rule::{HostLoad, Load};

/// Shorter than any pause between two looks that makes sense.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why the fleet is not seen.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    #[error("the bridge at {0} does not answer")]
    Unreachable(Url),
    #[error("the bridge refuses the key: it wants the scope fleet:read")]
    Key,
    #[error("the bridge answered {0} when asked for the fleet")]
    Status(StatusCode),
    #[error("the bridge's answer makes no sense: are `vox` and `vox-bridge` of one version?")]
    Malformed,
}

#[derive(Deserialize)]
struct Status {
    hosts: Vec<HostStatus>,
}

#[derive(Deserialize)]
struct HostStatus {
    host: String,
    status: String,
    total_capacity: u32,
    worker_calls: u32,
    reserved: u32,
}

/// A bridge, and the key that may ask it.
#[derive(Debug)]
pub struct Fleet {
    http: reqwest::Client,
    url: Url,
    key: SecretString,
}

impl Fleet {
    pub fn new(base: &str, key: SecretString) -> Result<Self, ScaleError> {
        let url =
            Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.and_then(|url| url.join("/api/v1/fleet/status").ok());
        let url = url.ok_or_else(|| ScaleError::Address(base.to_owned()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .timeout(DEADLINE)
            .no_proxy()
            .build()
            .expect("every part of the client is given and valid");
        Ok(Self { http, url, key })
    }

    /// Ask once.
    pub async fn load(&self) -> Result<Load, FleetError> {
        let asked = self.http.get(self.url.clone()).bearer_auth(self.key.expose_secret()).send().await;
        let answer = asked.map_err(|_| FleetError::Unreachable(self.url.clone()))?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(FleetError::Key),
            status => return Err(FleetError::Status(status)),
        }
        let status: Status = answer.json().await.map_err(|_| FleetError::Malformed)?;
        let hosts = status.hosts.into_iter().map(|host| HostLoad {
            takes_calls: host.status == "ok",
            name: host.host,
            slots: host.total_capacity,
            used: host.worker_calls.saturating_add(host.reserved),
        });
        Ok(Load { hosts: hosts.collect() })
    }
}
