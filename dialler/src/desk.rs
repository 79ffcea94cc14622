//! What every line needs: the bridge, the media server, the workers, and the clocks. Made once.

use std::time::Duration;

use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use vox_livekit::service::{Address, BadAddress, Service};
use vox_shared::clock::Clock;
use vox_shared::wire::SECRET_HEADER;

use crate::beat::Beat;
use crate::bridge::Bridge;
use crate::metrics::Metrics;
use crate::settings::DiallerSettings;

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// A worker says at once whether it takes a call.
const ATTACH_DEADLINE: Duration = Duration::from_secs(4);

/// See the module.
#[derive(Debug)]
pub struct Desk {
    /// The dialler's name: one process, never used again.
    pub name: String,
    pub bridge: Bridge,
    pub livekit: Service,
    pub clock: Clock,
    pub beat: Beat,
    pub metrics: Metrics,
    workers: reqwest::Client,
    secret: SecretString,
}

/// Something that is needed cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
    #[error("LIVEKIT_URL: {0}")]
    LiveKit(#[from] BadAddress),
}

impl Desk {
    pub fn new(name: String, settings: &DiallerSettings, clock: Clock) -> Result<Self, DeskError> {
        let client = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(vox_egress::client_config())
                .connect_timeout(CONNECT_DEADLINE)
                .redirect(Policy::none())
                .no_proxy()
        };
        let livekit = &settings.livekit;
        let address =
            Address { url: livekit.url.clone(), key: livekit.key.clone(), secret: livekit.secret.clone() };
        let of_service = clock.clone();
        let livekit = Service::over(client().build()?, &address, Box::new(move || since_1970(&of_service)))?;
        Ok(Self {
            name,
            bridge: Bridge::new(&settings.bridge_url, settings.secret.clone())?,
            livekit,
            beat: Beat::new(clock.clone()),
            clock,
            metrics: Metrics::default(),
            workers: client().timeout(ATTACH_DEADLINE).build()?,
            secret: settings.secret.clone(),
        })
    }

    /// The time since 1970, for tokens.
    pub fn since_1970(&self) -> Duration {
        since_1970(&self.clock)
    }

    /// Send the worker at this address into a room. `Err` says why it does not come, in a few words.
    pub async fn attach(&self, address: &str, body: &serde_json::Value) -> Result<(), String> {
        let request = self.workers.post(format!("{address}/attach")).json(body);
        let request = request.header(SECRET_HEADER, self.secret.expose_secret());
        let response = request.send().await.map_err(|error| match () {
            () if error.is_connect() => "no connection to the worker".to_owned(),
            () if error.is_timeout() => "the worker did not answer in time".to_owned(),
            () => "the connection to the worker was cut".to_owned(),
        })?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the worker refuses with HTTP {status}")),
        }
    }
}

fn since_1970(clock: &Clock) -> Duration {
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    Duration::from_millis(millis)
}
