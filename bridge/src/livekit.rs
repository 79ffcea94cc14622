//! The deployment's LiveKit server: how phones and browsers reach the bots. What is asked of it goes through here; without one everything
//! else of the bridge works.

pub mod inbound;
pub mod trunks;

use std::sync::Arc;
use std::time::Duration;

use vox_livekit::service::{Address, BadAddress, Service};
use vox_shared::clock::Clock;
use vox_shared::livekit::LiveKitSettings;

/// The server, if the deployment has one. Cheap to clone.
#[derive(Clone)]
pub struct LiveKit(Option<Arc<Server>>);

/// A server that is configured; whether it answers is found out when it is asked.
pub struct Server {
    pub settings: LiveKitSettings,
    pub service: Service,
    clock: Clock,
}

/// The deployment has none.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this deployment has no LiveKit server: set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET")]
pub struct NotConfigured;

impl LiveKit {
    /// The server that the settings name. It is not asked anything yet.
    pub fn open(settings: Option<LiveKitSettings>, clock: &Clock) -> Result<Self, BadAddress> {
        let Some(settings) = settings else { return Ok(Self(None)) };
        let (url, key, secret) = (settings.url.clone(), settings.key.clone(), settings.secret.clone());
        let of_service = clock.clone();
        let service = Service::new(&Address { url, key, secret }, Box::new(move || since_1970(&of_service)))?;
        Ok(Self(Some(Arc::new(Server { settings, service, clock: clock.clone() }))))
    }

    /// # Errors
    ///
    /// [`NotConfigured`] where there is none.
    pub fn server(&self) -> Result<&Server, NotConfigured> {
        self.0.as_deref().ok_or(NotConfigured)
    }

    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }
}

impl Server {
    /// The time since 1970, for tokens.
    pub fn now(&self) -> Duration {
        since_1970(&self.clock)
    }
}

fn since_1970(clock: &Clock) -> Duration {
    Duration::from_millis(clock.now().as_millisecond().try_into().unwrap_or_default())
}
