//! The platform that runs on the data directory, if one does.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::Finding;
use crate::bridge::Bridge;
use crate::platform::{Platform, PlatformError};

/// A host's workers ask each other, which is slow under load.
const FLEET_DEADLINE: Duration = Duration::from_secs(20);

/// The answer of `/health/fleet`, as far as it matters here.
#[derive(Deserialize)]
struct Fleet {
    fleet_max: u32,
    fleet_available: u32,
}

/// `Ok(None)` when none runs.
pub fn find(data_dir: &Path) -> Result<Option<Platform>, PlatformError> {
    match Platform::find(data_dir) {
        Ok(platform) => Ok(Some(platform)),
        Err(PlatformError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether bridge and workers answer; the bridge when it does.
pub async fn check(platform: Result<Option<Platform>, PlatformError>) -> (Vec<Finding>, Option<Bridge>) {
    let platform = match platform {
        Ok(Some(platform)) => platform,
        Ok(None) => {
            let finding = Finding::ok("platform", "none runs here; vendor keys are checked when it does");
            return (vec![finding], None);
        }
        Err(error) => {
            return (vec![Finding::fail("platform", error.to_string(), "start `vox up` again")], None);
        }
    };
    let start = Instant::now();
    let bridge = match Bridge::new(&platform.bridge_url, platform.internal_secret) {
        Ok(bridge) => bridge,
        Err(error) => {
            return (vec![Finding::fail("bridge", error.to_string(), "start `vox up` again")], None);
        }
    };
    if let Err(error) = bridge.health().await {
        let mend = "it says that it runs and does not answer: stop `vox up`, look at logs/bridge.log, start it again";
        return (vec![Finding::fail("bridge", error.to_string(), mend)], None);
    }
    let answered =
        Finding::ok("bridge", platform.bridge_url).after_ms(start.elapsed().as_secs_f64() * 1_000.0);
    (vec![answered, workers(&platform.calls_url).await], Some(bridge))
}

async fn workers(calls_url: &str) -> Finding {
    let name = "workers";
    let start = Instant::now();
    let asked = timeout(FLEET_DEADLINE, fleet(calls_url)).await;
    let ms = start.elapsed().as_secs_f64() * 1_000.0;
    match asked {
        Ok(Ok(fleet)) if fleet.fleet_max == 0 => {
            Finding::fail(name, "no worker answers", "look at logs/w1.log in the data directory")
        }
        Ok(Ok(fleet)) if fleet.fleet_available == 0 => Finding::warn(
            name,
            format!("all {} are in a call", fleet.fleet_max),
            "new calls get 503: start `vox up` with more --workers",
        ),
        Ok(Ok(fleet)) => {
            Finding::ok(name, format!("{} of {} are free", fleet.fleet_available, fleet.fleet_max))
                .after_ms(ms)
        }
        Ok(Err(error)) => {
            Finding::fail(name, format!("{calls_url} does not answer: {error}"), "stop and start `vox up`")
        }
        Err(_) => {
            Finding::fail(name, format!("{calls_url} did not answer in time"), "stop and start `vox up`")
        }
    }
}

async fn fleet(calls_url: &str) -> Result<Fleet, reqwest::Error> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(vox_egress::client_config())
        .no_proxy()
        .timeout(FLEET_DEADLINE)
        .build()?;
    client.get(format!("{calls_url}/health/fleet")).send().await?.error_for_status()?.json().await
}
