//! Which client sent a request.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::App;

/// The address of the client: the connection's, or the last one that a trusted proxy added to `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |c| c.0.ip().to_canonical());
        Ok(Self(behind_proxies(peer, &parts.headers, &app.config.server.trusted_proxies)))
    }
}

/// Walks the chain of proxies from the nearest: the first address that is no trusted proxy is the client. What stands
/// before it was written by the client and proves nothing.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for");
    let chain: Vec<&str> = lines.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).collect();
    let mut at = peer;
    for hop in chain.iter().rev() {
        if !trusted.contains(&at) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => at = address.to_canonical(),
            Err(_) => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &'static str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", axum::http::HeaderValue::from_static(forwarded));
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        assert_eq!(behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string(), expected);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("203.0.113.5", "1.2.3.4", "203.0.113.5");
        check("127.0.0.1", "1.2.3.4", "1.2.3.4");
        check("127.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4");
        check("127.0.0.1", "nonsense", "127.0.0.1");
    }
}
