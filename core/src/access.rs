//! What a caller shows at a bot's line: a token, and where the connection comes from. Whether that is enough the bridge
//! says, which knows what the bot's owner demands.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Uri};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use vox_shared::forwarded::{address, behind_proxies};
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::config::LineSignature;

use crate::config::CoreConfig;

/// Longest token looked at, bytes.
const MAX_TOKEN: usize = 512;
/// For carriers that can set a header, but not `Authorization`.
const TOKEN_HEADER: &str = "x-line-token";
/// Telnyx' name for the same: the `stream_auth_token` of its start command.
const TELNYX_TOKEN: &str = "x-telnyx-streaming-auth-token";
/// Signatures of the upgrade, with the header of their nonce.
const SIGNATURES: [(&str, &str); 2] =
    [("x-twilio-signature", ""), ("x-plivo-signature-v3", "x-plivo-signature-v3-nonce")];
/// Longest signature, nonce and host looked at, and longest address, bytes.
const MAX_SIGNATURE: usize = 512;
const MAX_TARGET: usize = 2048;
const FORWARDED_FOR: &str = "x-forwarded-for";
const REAL_IP: &str = "x-real-ip";

/// How a connection reached this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From this address: the carrier's, or a proxy's.
    Peer(IpAddr),
    /// Through a socket of the file system, which only this host's proxy opens.
    LocalProxy,
}

/// What a caller shows.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// Never logged, and sent only to the bridge.
    pub token: Option<SecretString>,
    /// The caller's own address, where it is known.
    pub peer: Option<IpAddr>,
    /// The carrier's signature of the upgrade.
    pub signature: Option<LineSignature>,
}

impl Presented {
    /// Read it from a request: the token from `Authorization` (`Bearer`, or the password of `Basic`, or its name when there
    /// is no password: `wss://key:token@host`), `X-Line-Token`, what Telnyx was given for the stream, or the address's `token`.
    pub fn read(headers: &HeaderMap, query: &str, origin: Origin, proxies: &[IpAddr]) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(credential)
            .or_else(|| {
                let header = text(TOKEN_HEADER).or_else(|| text(TELNYX_TOKEN));
                header.map(|token| token.trim().to_owned())
            })
            .or_else(|| parameter(query, "token"))
            .filter(|token| (1..=MAX_TOKEN).contains(&token.len()));
        let peer = peer(headers, origin, proxies);
        Self { token: token.map(SecretString::from), peer, signature: None }
    }

    /// The same with the carrier's signature of this address, if there is one.
    pub fn signed(self, headers: &HeaderMap, uri: &Uri) -> Self {
        Self { signature: signature(headers, uri), ..self }
    }
}

/// Whether a request comes from the deployment itself: it shows the internal secret, or the other one while that is changed.
pub fn is_internal(headers: &HeaderMap, config: &CoreConfig) -> bool {
    let given = headers.get(SECRET_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
    let is = |secret: &SecretString| bool::from(given.ct_eq(secret.expose_secret().as_bytes()));
    let (is_one, is_other) = (is(&config.secret), config.secret_also.as_ref().is_some_and(is));
    is_one | is_other
}

/// A parameter of a query, decoded; the first that is not empty.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
}

/// What a carrier signed: the address as it was asked for. A proxy before the worker passes host and path on as they were.
fn signature(headers: &HeaderMap, uri: &Uri) -> Option<LineSignature> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let (value, nonce) =
        SIGNATURES.iter().find_map(|(name, nonce)| Some((text(name)?, text(nonce).unwrap_or_default())))?;
    let host = text(HOST.as_str()).unwrap_or_default();
    let target = uri.path_and_query().map(|target| target.as_str()).unwrap_or_default();
    let fits = [value, nonce, host].iter().all(|text| text.len() <= MAX_SIGNATURE);
    (fits && target.len() <= MAX_TARGET && !value.is_empty()).then(|| LineSignature {
        value: value.to_owned(),
        nonce: nonce.to_owned(),
        host: host.to_owned(),
        target: target.to_owned(),
    })
}

fn credential(authorization: &str) -> Option<String> {
    let (scheme, rest) = authorization.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let pair = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(rest.trim()).ok())??;
    let pair = String::from_utf8(pair).ok()?;
    let (name, password) = pair.split_once(':').unwrap_or((&pair, ""));
    Some(if password.is_empty() { name } else { password }.to_owned())
}

/// The caller's address, as far as it can be known. Behind a trusted proxy it is what that wrote: into `X-Forwarded-For`, or into
/// `X-Real-IP` alone. The one that a proxy does not write it passes on as the caller sent it, so where both are there and
/// do not agree, nothing is known.
fn peer(headers: &HeaderMap, origin: Origin, proxies: &[IpAddr]) -> Option<IpAddr> {
    let values = |name: &str| -> Vec<&str> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    };
    let (chain, real) = (values(FORWARDED_FOR), values(REAL_IP));
    let at = match origin {
        Origin::Peer(address) => Some(address.to_canonical()),
        Origin::LocalProxy => None,
    };
    if at.is_some_and(|address| !proxies.contains(&address)) {
        return at;
    }
    let nearest = chain.last().or(real.last()).and_then(|line| line.rsplit(',').next()).and_then(address);
    if real.iter().any(|real| address(real) != nearest) {
        return None;
    }
    behind_proxies(at, if chain.is_empty() { &real } else { &chain }, proxies)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn token(pairs: &[(&'static str, &'static str)], query: &str) -> Option<String> {
        let shown = Presented::read(&headers(pairs), query, Origin::LocalProxy, &[]);
        shown.token.map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_token_comes_in_every_way_that_carriers_have() {
        for (pairs, query) in [
            (&[][..], "sample-rate=8000&token=s3c%2Fret"),
            (&[("authorization", "Bearer s3c/ret")], ""),
            (&[("authorization", "bearer  s3c/ret ")], "token=other"),
            (&[("authorization", "Basic a2V5OnMzYy9yZXQ=")], ""),
            (&[("authorization", "Basic czNjL3JldDo=")], ""),
            (&[("x-line-token", "s3c/ret")], ""),
            (&[("x-telnyx-streaming-auth-token", " s3c/ret")], ""),
        ] {
            assert_eq!(token(pairs, query).as_deref(), Some("s3c/ret"), "{pairs:?} {query}");
        }
        for (pairs, query) in [
            (&[][..], ""),
            (&[], "token="),
            (&[("authorization", "Digest x")], ""),
            (&[("authorization", "Basic %")], ""),
        ] {
            assert_eq!(token(pairs, query), None, "{pairs:?} {query}");
        }
        assert_eq!(token(&[], &format!("token={}", "x".repeat(513))), None);
    }

    #[test]
    fn a_signature_comes_with_what_was_signed() {
        let uri = "/plivo/faq?x=1".parse().unwrap();
        let pairs =
            [("host", "h:8443"), ("x-plivo-signature-v3", "c2ln"), ("x-plivo-signature-v3-nonce", "12")];
        let shown = Presented::default().signed(&headers(&pairs), &uri).signature.unwrap();
        assert_eq!((shown.value.as_str(), shown.nonce.as_str()), ("c2ln", "12"));
        assert_eq!((shown.host.as_str(), shown.target.as_str()), ("h:8443", "/plivo/faq?x=1"));
        assert!(!format!("{shown:?}").contains("c2ln"));
        let twilio = Presented::default().signed(&headers(&[("x-twilio-signature", "c2ln")]), &uri);
        assert_eq!(twilio.signature.unwrap().nonce, "");
        for pairs in [vec![], vec![("x-twilio-signature", "")], vec![("x-plivo-signature-v3-nonce", "1")]] {
            assert!(Presented::default().signed(&headers(&pairs), &uri).signature.is_none(), "{pairs:?}");
        }
    }

    #[test]
    fn a_token_is_not_shown_in_a_log() {
        let shown = Presented::read(&headers(&[]), "token=s3cret", Origin::LocalProxy, &[]);
        assert!(!format!("{shown:?}").contains("s3cret"));
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let check = |origin: &str, pairs: &[(&'static str, &'static str)], expected: Option<&str>| {
            let origin = origin.parse().map_or(Origin::LocalProxy, Origin::Peer);
            let proxies = ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
            let shown = Presented::read(&headers(pairs), "", origin, &proxies);
            assert_eq!(shown.peer.map(|peer| peer.to_string()).as_deref(), expected, "{origin:?} {pairs:?}");
        };
        check("203.0.113.5", &[], Some("203.0.113.5"));
        check(
            "203.0.113.5",
            &[("x-forwarded-for", "1.2.3.4"), ("x-real-ip", "1.2.3.4")],
            Some("203.0.113.5"),
        );
        check("127.0.0.1", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.1")], Some("1.2.3.4"));
        check("127.0.0.1", &[("x-real-ip", "1.2.3.4")], Some("1.2.3.4"));
        check("::ffff:127.0.0.1", &[("x-real-ip", "1.2.3.4")], Some("1.2.3.4"));
        check("127.0.0.1", &[("x-real-ip", "nonsense")], Some("127.0.0.1"));
        check(
            "127.0.0.1",
            &[("x-forwarded-for", "6.6.6.6, 1.2.3.4"), ("x-real-ip", "1.2.3.4")],
            Some("1.2.3.4"),
        );
        check("unix", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4")], Some("1.2.3.4"));
        check("unix", &[], None);
    }

    /// Who is on an address list could be claimed by anybody behind a proxy that writes only one of the two headers.
    #[test]
    fn a_header_that_the_proxy_did_not_write_proves_nothing() {
        let check = |origin: &str, chain: &'static str, real: &'static str| {
            let origin = origin.parse().map_or(Origin::LocalProxy, Origin::Peer);
            let headers = headers(&[("x-forwarded-for", chain), ("x-real-ip", real)]);
            let shown = Presented::read(&headers, "", origin, &["127.0.0.1".parse().unwrap()]);
            assert_eq!(shown.peer, None, "{origin:?} {chain} {real}");
        };
        for origin in ["127.0.0.1", "unix"] {
            check(origin, "203.0.113.5", "6.6.6.6");
            check(origin, "6.6.6.6", "203.0.113.5");
            check(origin, "203.0.113.5, 127.0.0.1", "6.6.6.6");
            check(origin, "", "6.6.6.6");
        }
        let mut twice = headers(&[("x-real-ip", "203.0.113.5")]);
        twice.append(REAL_IP, HeaderValue::from_static("6.6.6.6"));
        assert_eq!(Presented::read(&twice, "", Origin::LocalProxy, &[]).peer, None, "which of the two?");
    }
}
