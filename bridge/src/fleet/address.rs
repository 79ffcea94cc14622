//! Addresses of workers and hosts.

use reqwest::Url;

/// What is asked of an address that the bridge opens with its secret.
pub const RULE: &str = "must be http://HOST:PORT";

/// Whether it is nothing but a host and a port: the bridge opens it with the secret, below paths of its own.
pub fn is_bare(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    })
}
