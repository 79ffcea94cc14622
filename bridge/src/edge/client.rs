//! Which client sent a request.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use vox_shared::forwarded;

use super::part::part;

/// The address of the client: the connection's, or the last one that a trusted proxy added to `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Addresses of reverse proxies whose word counts.
#[derive(Clone, Debug)]
pub struct TrustedProxies(pub Vec<IpAddr>);

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl ClientAddress {
    /// The client that sent a request.
    pub fn of(request: &HttpRequest) -> Self {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.ip().to_canonical());
        let TrustedProxies(trusted) = part(request);
        Self(behind_proxies(peer, request.headers(), trusted))
    }
}

fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    forwarded::behind_proxies(Some(peer), &lines, trusted).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn check(peer: &str, forwarded: &[&'static str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(line));
        }
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        assert_eq!(behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string(), expected);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("203.0.113.5", &["1.2.3.4"], "203.0.113.5");
        check("127.0.0.1", &["1.2.3.4"], "1.2.3.4");
        check("127.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.1"], "1.2.3.4");
        check("127.0.0.1", &["6.6.6.6", "1.2.3.4"], "1.2.3.4");
        check("127.0.0.1", &["nonsense"], "127.0.0.1");
    }
}
