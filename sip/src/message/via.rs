//! The way that answers go back (RFC 3261, 18.2; RFC 3581).

use std::net::SocketAddr;

use super::Headers;
use super::uri::{param, params, split_port};

/// What the uppermost `Via` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Via {
    /// `UDP`, `TCP`, …
    pub transport: String,
    pub host: String,
    pub port: Option<u16>,
    params: Vec<(String, Option<String>)>,
}

impl Via {
    pub(crate) fn top(headers: &Headers) -> Option<Self> {
        let top = *headers.list("Via").first()?;
        let mut parts = top.split(';');
        let (protocol, place) = parts.next()?.trim().split_once([' ', '\t'])?;
        let transport = protocol.rsplit('/').next()?.trim().to_ascii_uppercase();
        let (host, port) = split_port(place.trim()).ok()?;
        Some(Self { transport, host: host.to_owned(), port, params: params(parts) })
    }

    pub(crate) fn branch(&self) -> Option<&str> {
        param(&self.params, "branch").filter(|branch| !branch.is_empty())
    }

    /// Whether an answer goes to the port that the request came from.
    pub(crate) fn wants_rport(&self) -> bool {
        param(&self.params, "rport").is_some()
    }

    /// The value with where the request really came from.
    pub(crate) fn seen_from(&self, source: SocketAddr) -> String {
        let mut text = format!("SIP/2.0/{} {}", self.transport, self.host);
        if let Some(port) = self.port {
            text.push_str(&format!(":{port}"));
        }
        for (name, value) in &self.params {
            if name.eq_ignore_ascii_case("rport") {
                text.push_str(&format!(";rport={}", source.port()));
            } else if !name.eq_ignore_ascii_case("received") {
                text.push(';');
                text.push_str(name);
                if let Some(value) = value {
                    text.push('=');
                    text.push_str(value);
                }
            }
        }
        if self.host.trim_matches(['[', ']']) != source.ip().to_string() || self.wants_rport() {
            text.push_str(&format!(";received={}", source.ip()));
        }
        text
    }
}

/// Write where a request came from into its uppermost `Via`.
pub(crate) fn note_source(headers: &mut Headers, source: SocketAddr) {
    let Some(via) = Via::top(headers) else { return };
    let first = headers.get("Via").unwrap_or_default().to_owned();
    let others = super::headers::split_list(&first);
    let mut value = via.seen_from(source);
    for other in others.iter().skip(1) {
        value.push_str(", ");
        value.push_str(other);
    }
    headers.replace_first("Via", value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_noted_as_it_is_asked_for() {
        let mut headers = Headers::default();
        headers.push("Via", "SIP/2.0/UDP pc:5070;branch=z9hG4bK7;rport, SIP/2.0/TCP b");
        note_source(&mut headers, "192.0.2.9:4444".parse().unwrap());
        assert_eq!(
            headers.get("Via"),
            Some("SIP/2.0/UDP pc:5070;branch=z9hG4bK7;rport=4444;received=192.0.2.9, SIP/2.0/TCP b")
        );
        let via = Via::top(&headers).unwrap();
        assert_eq!((via.branch(), via.port, via.transport.as_str()), (Some("z9hG4bK7"), Some(5070), "UDP"));
    }
}
