//! Names to addresses, and which of them may be connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::policy::Policy;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::provider::{Failure, FailureClass};

/// Turns a host name into addresses; the system's resolver outside tests.
pub type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// The policy and the resolver. Whoever connects asks the gate for addresses and connects to one of those, never to a name:
/// a name that resolves differently a moment later (DNS rebinding) changes nothing.
#[derive(Clone)]
pub struct Gate {
    policy: Arc<Policy>,
    lookup: Arc<Lookup>,
}

impl Gate {
    pub fn new(policy: Policy, lookup: Arc<Lookup>) -> Self {
        Self { policy: Arc::new(policy), lookup }
    }

    /// Refuse what is wrong with the address as it is written: scheme, credentials in it, a literal IP outside the policy.
    pub fn check(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Err(Failure::new(
                FailureClass::Refused,
                format!("{}: only http, https, ws and wss addresses can be used", url.scheme()),
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::new(
                FailureClass::Refused,
                "the address holds a user name or password; use api_key",
            ));
        }
        match url.host() {
            Some(Host::Ipv4(ip)) => self.permit(ip.into()),
            Some(Host::Ipv6(ip)) => self.permit(ip.into()),
            Some(Host::Domain(_)) => Ok(()),
            None => Err(Failure::new(FailureClass::Refused, "the address has no host")),
        }
    }

    /// The addresses of a URL that may be connected to, in the resolver's order.
    pub async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        self.check(url)?;
        let port = url.port_or_known_default().unwrap_or_default();
        let ips = match url.host() {
            Some(Host::Ipv4(ip)) => vec![ip.into()],
            Some(Host::Ipv6(ip)) => vec![ip.into()],
            Some(Host::Domain(name)) => self.resolve_allowed(name).await?,
            None => Vec::new(),
        };
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    async fn resolve_allowed(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let found = (self.lookup)(name.to_owned()).await.map_err(|error| {
            Failure::new(FailureClass::Unavailable, format!("{name} could not be resolved: {error}"))
        })?;
        if found.is_empty() {
            return Err(Failure::new(FailureClass::Unavailable, format!("{name} has no address")));
        }
        let allowed: Vec<IpAddr> = found.into_iter().filter(|ip| self.policy.check_ip(*ip).is_ok()).collect();
        if allowed.is_empty() {
            return Err(forbidden(name));
        }
        Ok(allowed)
    }

    fn permit(&self, ip: IpAddr) -> Result<(), Failure> {
        self.policy.check_ip(ip).map_err(|_| forbidden(&ip.to_string()))
    }
}

fn forbidden(host: &str) -> Failure {
    Failure::new(
        FailureClass::Forbidden,
        format!(
            "{host} is a private, local or reserved address; if it is meant, allow its range with VOX_EGRESS_ALLOW, \
             for example VOX_EGRESS_ALLOW=127.0.0.0/8"
        ),
    )
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.clone();
        Box::pin(async move {
            let ips = gate.resolve_allowed(name.as_str()).await?;
            // Port 0 means the port of the URL.
            let addresses: Addrs = Box::new(ips.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// The system's resolver.
pub fn system_lookup() -> Arc<Lookup> {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}
