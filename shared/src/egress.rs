//! Which addresses a user may make Vox connect to. Whoever can set a vendor's `base_url` or a webhook could otherwise
//! reach what only this machine reaches (server-side request forgery).
//!
//! Pure policy. The client that opens such addresses calls [`Policy::check_url`] before anything else and
//! [`Policy::check_ip`] on every address that the name resolved to, and connects to exactly one of those: a name that
//! resolves differently the second time (DNS rebinding) gains nothing.

mod hosts;
mod range;
mod reserved;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

pub use hosts::{BadHost, HostRefused, HostRules, MAX_HOSTS};
pub use range::{AllowList, BadRange, Range};

use crate::env::Env;

/// The setting that allows addresses which are not public.
pub const ALLOW_SETTING: &str = "VOX_EGRESS_ALLOW";

/// Decides. The default allows public addresses only.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: AllowList,
}

/// Whether a cloud's metadata service is there, or is where a gateway or the kernel would lead from there.
pub fn is_metadata(ip: IpAddr) -> bool {
    let inner = match ip {
        IpAddr::V6(v6) => reserved::embedded(v6),
        IpAddr::V4(_) => None,
    };
    reserved::is_metadata(ip) || inner.is_some_and(|inner| reserved::is_metadata(inner.into()))
}

/// Where a checked URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name still to be resolved (each address to be checked), or an address that was checked.
    pub host: Host<String>,
    /// As written, or the scheme's own.
    pub port: u16,
    /// `https` or `wss`.
    pub is_tls: bool,
}

/// The address may not be used; says how to change that where it can be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not reachable by the protocols Vox speaks.
    #[error("the scheme '{0}' cannot be used: only http, https, ws and wss")]
    Scheme(String),
    /// A user name or password in the URL would end up in logs.
    #[error("the address carries a user name or password: put credentials into the settings made for them")]
    Credentials,
    /// There is nothing to connect to.
    #[error("the address has no host")]
    NoHost,
    /// Not on the public Internet.
    #[error("{ip} is {kind}; if it is meant, add it or its range to {ALLOW_SETTING}")]
    NotPublic {
        /// The address.
        ip: IpAddr,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Serves a cloud's credentials.
    #[error("{0} is a cloud's metadata service; if it is meant, add exactly this address to {ALLOW_SETTING}")]
    Metadata(IpAddr),
    /// A name that always means this machine.
    #[error("'{0}' is this machine; if it is meant, add 127.0.0.1 or ::1 to {ALLOW_SETTING}")]
    Localhost(String),
}

impl Policy {
    /// Public addresses and those in the list.
    pub fn new(allow: AllowList) -> Self {
        Self { allow }
    }

    /// What `VOX_EGRESS_ALLOW` says; a fault in it is reported with the others of the environment and allows nothing.
    pub fn from_env(env: &mut Env) -> Self {
        let text = env.text(ALLOW_SETTING).unwrap_or_default();
        match AllowList::parse(&text) {
            Ok(allow) => Self::new(allow),
            Err(error) => {
                env.fault(format!("{ALLOW_SETTING}: {error}"));
                Self::default()
            }
        }
    }

    /// Whether a connection to `ip` may be opened. An allowed range never covers a metadata service unless it is that
    /// one address, and an address that carries another inside needs both to be allowed.
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), Refused> {
        if reserved::is_metadata(ip) && !self.allow.names(ip) {
            return Err(Refused::Metadata(ip));
        }
        if let IpAddr::V6(v6) = ip
            && let Some(inner) = reserved::embedded(v6)
        {
            self.check_ip(inner.into())?;
        }
        match reserved::kind_of(ip) {
            Some(kind) if !self.allow.contains(ip) => Err(Refused::NotPublic { ip, kind }),
            _ => Ok(()),
        }
    }

    /// Whether an address that a user gave may be used, as far as it can be told without resolving its name.
    pub fn check_url(&self, url: &Url) -> Result<Target, Refused> {
        let is_tls = match url.scheme() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            other => return Err(Refused::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let host = url.host().ok_or(Refused::NoHost)?.to_owned();
        match &host {
            Host::Ipv4(ip) => self.check_ip(IpAddr::V4(*ip))?,
            Host::Ipv6(ip) => self.check_ip(IpAddr::V6(*ip))?,
            Host::Domain(name) => self.check_name(name)?,
        }
        let port = url.port_or_known_default().ok_or(Refused::NoHost)?;
        Ok(Target { host, port, is_tls })
    }

    /// `localhost` and names below it are loopback by definition (RFC 6761), whatever a resolver says.
    fn check_name(&self, name: &str) -> Result<(), Refused> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let is_local = bare == "localhost" || bare.ends_with(".localhost");
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        if is_local && !loopback.iter().any(|ip| self.allow.contains(*ip)) {
            return Err(Refused::Localhost(name.to_owned()));
        }
        Ok(())
    }
}
