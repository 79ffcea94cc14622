//! The handle of a running scripted vendor, the same for all three.

use std::sync::Arc;

use super::{
    faults::Faults,
    host::{Host, Shared, StartError},
    observe::Observed,
};

/// A vendor's script: what its server says, and the routes that say it.
pub trait Vendor: Sized + Send + Sync + 'static {
    /// The key that is accepted.
    fn api_key(&self) -> &str;
    /// The same script with another key.
    fn with_api_key(self, api_key: String) -> Self;
    /// What goes wrong from the start.
    fn faults(&self) -> &Faults;
    /// The vendor's routes.
    #[doc(hidden)]
    fn routes(shared: Arc<Shared<Self>>) -> axum::Router;
}

/// A scripted vendor that listens on loopback until it is dropped.
pub struct Server<S: Vendor> {
    host: Host<S>,
    api_key: String,
}

impl<S: Vendor> Server<S> {
    /// Start on a free loopback port.
    ///
    /// # Panics
    /// When loopback has no free port, which leaves a test nothing to do.
    pub async fn start(script: S) -> Self {
        Self::start_on(script, 0).await.expect("loopback has a free port")
    }

    /// Start on a given port; 0 picks a free one.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub async fn start_on(script: S, port: u16) -> Result<Self, StartError> {
        let api_key = script.api_key().to_owned();
        let faults = script.faults().clone();
        let host = Host::start((script, faults), port, S::routes).await?;
        Ok(Self { host, api_key })
    }

    /// `http://127.0.0.1:PORT`; WebSocket clients replace the scheme by `ws`.
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// The key that is accepted.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// What the clients have done so far.
    pub fn observed(&self) -> Observed {
        self.host.shared.observed()
    }

    /// Change the script for requests that begin from now on. The accepted key and the faults stay.
    pub fn set_script(&self, script: S) {
        self.host.shared.set_script(script.with_api_key(self.api_key.clone()));
    }

    /// Change the faults from the next request on, which counts as the first again.
    pub fn set_faults(&self, faults: Faults) {
        self.host.shared.set_faults(faults);
    }

    /// TCP connections open now, idle ones of a client's pool included.
    pub fn open_connections(&self) -> usize {
        self.host.open_connections()
    }

    /// Wait up to two seconds for every WebSocket session and HTTP request to end; idle pooled connections may stay.
    ///
    /// # Panics
    /// When one is still under way after that.
    pub async fn assert_no_leftovers(&self) {
        self.host.assert_no_leftovers().await;
    }
}
