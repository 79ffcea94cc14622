//! The client that opens vendors' addresses. A bot's `base_url` was given by a user, so only addresses that the deployment's
//! policy allows are connected to, whatever a name resolves to; nothing is redirected.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;
use vox_shared::egress::{Policy, Refused};

use crate::tls;

const DEADLINE: Duration = Duration::from_secs(10);

/// Opens what the policy allows.
#[derive(Clone, Debug)]
pub struct Egress {
    http: reqwest::Client,
    policy: Arc<Policy>,
}

impl Egress {
    pub fn new(policy: Policy) -> Self {
        let policy = Arc::new(policy);
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config())
            .dns_resolver(Gate(Arc::clone(&policy)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(DEADLINE)
            .user_agent(concat!("vox/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("every part of the client is given and valid");
        Self { http, policy }
    }

    /// A request, if its address is allowed as it is written: the resolver never sees a literal IP.
    pub fn get(&self, url: Url) -> Result<reqwest::RequestBuilder, Refused> {
        self.policy.check_url(&url)?;
        Ok(self.http.get(url))
    }
}

/// Resolves names to allowed addresses only, so that a name that resolves differently a moment later gains nothing.
struct Gate(Arc<Policy>);

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut allowed = Vec::with_capacity(found.len());
            let mut refused = None;
            for address in found {
                match policy.check_ip(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(refusal) => refused = Some(refusal),
                }
            }
            match refused.filter(|_| allowed.is_empty()) {
                Some(refusal) => Err(refusal.into()),
                None => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
