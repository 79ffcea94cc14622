//! The only way out to an address that a user gave: a vendor's `base_url`, a webhook, a document to fetch. Every connection goes to
//! an address that the deployment's policy ([`vox_shared::egress`]) allows; the public hosts of the vendors take the same path. No
//! redirects, no proxy from the environment. What goes wrong on the far side has a class that a caller can act on.

pub mod chat;
mod failure;
mod gate;
pub mod google;
pub mod knock;
mod refusal;
mod tls;
mod websocket;

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use url::Url;
use vox_shared::egress::{HostRules, Policy};

pub use failure::{Failure, FailureClass};
pub use gate::Lookup;
pub use refusal::{Refusal, class_of_status, clean, code_word};
pub use tls::client_config;
pub use websocket::{CONNECT_DEADLINE, ConnectError, Incoming, Limits, WebSocket};

use gate::Gate;

/// How long a connection waits unused for the next request. Longer than a caller's turn, shorter than most servers' own limit.
const POOL_IDLE: Duration = Duration::from_secs(90);

/// Connects to vendors. Its HTTP client and TLS settings are made once, when first needed.
pub struct Egress {
    gate: Gate,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
    http: OnceLock<reqwest::Client>,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Egress")
    }
}

impl Egress {
    /// Connections by this policy, names resolved by the system.
    pub fn new(policy: Policy) -> Self {
        Self::with_lookup(policy, gate::system_lookup())
    }

    /// Connections by this policy with another resolver.
    pub fn with_lookup(policy: Policy, lookup: Arc<Lookup>) -> Self {
        Self { gate: Gate::new(policy, lookup), tls: OnceLock::new(), http: OnceLock::new() }
    }

    /// Whether an address may be used as it is written, told when settings are read. Names are checked when they are resolved.
    pub fn check(&self, url: &Url) -> Result<(), Failure> {
        self.gate.check(url).map(|_target| ())
    }

    /// A request by the process's HTTP client, which connects only to allowed addresses, follows nothing and keeps connections
    /// for reuse. Refused at once when the address may not be used as it is written: the client's resolver, which checks
    /// names, never sees a literal IP. This is the only way to a request, so that none goes out unchecked.
    pub fn request(&self, method: Method, url: Url) -> Result<reqwest::RequestBuilder, Failure> {
        self.gate.check(&url)?;
        Ok(self.http.get_or_init(|| self.build_http()).request(method, url))
    }

    /// [`Self::check`] of an address that a tenant gave, by the tenant's own rules too.
    pub fn check_under(&self, rules: &HostRules, url: &Url) -> Result<(), Failure> {
        // First the deployment's: what it refuses is not told apart by a tenant's rules.
        self.check(url)?;
        rules.check(url).map_err(|refused| Failure::new(FailureClass::Forbidden, refused.to_string()))
    }

    /// [`Self::request`] to an address that a tenant gave, by the tenant's own rules too.
    pub fn request_under(
        &self,
        rules: &HostRules,
        method: Method,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        self.check_under(rules, &url)?;
        self.request(method, url)
    }

    fn build_http(&self) -> reqwest::Client {
        reqwest::Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&self.tls()))
            .dns_resolver(self.gate.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .pool_idle_timeout(POOL_IDLE)
            .tcp_nodelay(true)
            .user_agent(concat!("vox/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("every part of the client is given and valid")
    }

    /// Open a WebSocket (`ws`, `wss`) within [`CONNECT_DEADLINE`].
    pub async fn websocket(&self, url: &Url, headers: HeaderMap) -> Result<WebSocket, ConnectError> {
        WebSocket::connect(&self.gate, || self.tls(), url, headers).await
    }

    fn tls(&self) -> Arc<rustls::ClientConfig> {
        Arc::clone(self.tls.get_or_init(|| Arc::new(tls::client_config())))
    }
}

/// A header that holds a key: it is marked so that nothing prints it.
pub fn secret_header(vendor: &str, value: &str) -> Result<HeaderValue, Failure> {
    let mut header = HeaderValue::from_str(value).map_err(|_| {
        Failure::new(
            FailureClass::Unauthorised,
            format!("{vendor}: api_key holds characters that no key has"),
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// What a failed HTTP request means. The address is left out of the detail: a user's may hold something private.
pub fn http_failure(error: reqwest::Error) -> Failure {
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    if let Some(failure) = causes().find_map(|cause| cause.downcast_ref::<Failure>()) {
        return failure.clone();
    }
    // The innermost cause names the fault (a certificate, a refused connection); the outer ones only say "client error".
    let cause = causes().last().map(|cause| format!(": {cause}")).unwrap_or_default();
    let class = match () {
        () if error.is_timeout() => FailureClass::TimedOut,
        () if error.is_builder() => FailureClass::Refused,
        () => FailureClass::Unavailable,
    };
    Failure::new(class, format!("{}{cause}", error.without_url()))
}

#[cfg(test)]
mod tests;
