//! Names to addresses, and which of them may be connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};
use vox_shared::egress::{Policy, Refused, Target};

use crate::{Failure, FailureClass};

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
    pub fn check(&self, url: &Url) -> Result<Target, Failure> {
        self.policy.check_url(url).map_err(|refused| failure(&refused, None))
    }

    /// The addresses of a URL that may be connected to, in the resolver's order.
    pub async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let target = self.check(url)?;
        let ips = match target.host {
            Host::Ipv4(ip) => vec![ip.into()],
            Host::Ipv6(ip) => vec![ip.into()],
            Host::Domain(name) => self.resolve_allowed(&name).await?,
        };
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, target.port)).collect())
    }

    async fn resolve_allowed(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let found = (self.lookup)(name.to_owned()).await.map_err(|error| {
            Failure::new(FailureClass::Unavailable, format!("{name} could not be resolved: {error}"))
        })?;
        let mut allowed = Vec::with_capacity(found.len());
        let mut refusal = None;
        for ip in found {
            match self.policy.check_ip(ip) {
                Ok(()) => allowed.push(ip),
                Err(refused) => refusal = Some(failure(&refused, Some(name))),
            }
        }
        if allowed.is_empty() {
            let nowhere = || Failure::new(FailureClass::Unavailable, format!("{name} has no address"));
            return Err(refusal.unwrap_or_else(nowhere));
        }
        Ok(allowed)
    }
}

fn failure(refused: &Refused, name: Option<&str>) -> Failure {
    let class = match refused {
        Refused::NotPublic { .. } | Refused::Metadata(_) | Refused::Localhost(_) => FailureClass::Forbidden,
        Refused::Scheme(_) | Refused::Credentials | Refused::NoHost => FailureClass::Refused,
    };
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    Failure::new(class, format!("{name}{refused}"))
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
