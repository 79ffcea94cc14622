//! Addresses (RFC 3261, 19.1 and 20.10; RFC 3966).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::headers::split_outside;

/// What a telephone can be called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    pub scheme: Scheme,
    /// As it is written, without a password; of a `tel` address the number.
    pub user: Option<String>,
    /// A name or an address; of IPv6 in brackets. Nothing for `tel`.
    pub host: String,
    pub port: Option<u16>,
    /// `name` or `name=value`, in their order.
    pub params: Vec<(String, Option<String>)>,
}

/// The first word of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    #[error("an address begins with sip:, sips: or tel:")]
    Scheme,
    #[error("an address has a host")]
    Host,
    #[error("the port of an address is a number from 1 to 65535")]
    Port,
    #[error("an address holds no spaces, quotes, brackets or control characters")]
    Character,
}

impl Uri {
    /// `sip:user@host:port`.
    pub fn sip(user: Option<&str>, host: &str, port: Option<u16>) -> Self {
        Self {
            scheme: Scheme::Sip,
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
            params: Vec::new(),
        }
    }

    /// A parameter's value; `Some("")` for one without.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }

    /// The host if it is an address and no name.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"\"<>".contains(&byte)) {
            return Err(UriError::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "sip" => Scheme::Sip,
            "sips" => Scheme::Sips,
            "tel" => Scheme::Tel,
            _ => return Err(UriError::Scheme),
        };
        if scheme == Scheme::Tel {
            let mut parts = rest.split(';');
            let number = parts.next().filter(|number| !number.is_empty()).ok_or(UriError::Host)?;
            return Ok(Self {
                scheme,
                user: Some(number.to_owned()),
                host: String::new(),
                port: None,
                params: params(parts),
            });
        }
        // A user may hold semicolons: the host begins behind the at sign.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user.split(':').next().unwrap_or_default()), rest),
            None => (None, rest),
        };
        // What stands behind a question mark are headers for a new request: none is made of them. In a user it is a sign like others.
        let rest = rest.split('?').next().unwrap_or_default();
        let mut parts = rest.split(';');
        let place = parts.next().unwrap_or_default();
        let (host, port) = split_port(place)?;
        Ok(Self {
            scheme,
            user: user.filter(|user| !user.is_empty()).map(str::to_owned),
            host: host.to_owned(),
            port,
            params: params(parts),
        })
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme {
            Scheme::Sip => "sip:",
            Scheme::Sips => "sips:",
            Scheme::Tel => "tel:",
        })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if self.scheme != Scheme::Tel {
                f.write_str("@")?;
            }
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write_params(f, &self.params)
    }
}

/// An address with a name before it and parameters behind: what `From`, `To`, `Contact` and `Route` hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Without its quotes.
    pub name: Option<String>,
    pub uri: Uri,
    pub params: Vec<(String, Option<String>)>,
}

impl NameAddr {
    /// An address alone.
    pub fn new(uri: Uri) -> Self {
        Self { name: None, uri, params: Vec::new() }
    }

    /// The tag of a side of a call.
    pub fn tag(&self) -> Option<&str> {
        param(&self.params, "tag").filter(|tag| !tag.is_empty())
    }

    /// The same with this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.retain(|(name, _)| !name.eq_ignore_ascii_case("tag"));
        self.params.push(("tag".to_owned(), Some(tag.to_owned())));
        self
    }
}

impl FromStr for NameAddr {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let text = text.trim();
        let parts = split_outside(text, b';');
        if let Some(open) = parts.first().and_then(|first| first.rfind('<')) {
            let first = parts[0];
            let close = first.rfind('>').filter(|close| *close > open).ok_or(UriError::Character)?;
            let name = first[..open].trim();
            let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
                Some(quoted) => unquote(quoted),
                None => name.to_owned(),
            };
            return Ok(Self {
                name: Some(name).filter(|name| !name.is_empty()),
                uri: first[open + 1..close].parse()?,
                params: params(parts[1..].iter().copied()),
            });
        }
        // Without brackets, parameters are the header's and not the address's (RFC 3261, 20.10).
        let mut parts = text.split(';');
        Ok(Self { name: None, uri: parts.next().unwrap_or_default().trim().parse()?, params: params(parts) })
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\""))?;
        }
        write!(f, "<{}>", self.uri)?;
        write_params(f, &self.params)
    }
}

/// `host:port`, the host perhaps in brackets.
pub(super) fn split_port(place: &str) -> Result<(&str, Option<u16>), UriError> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']').ok_or(UriError::Host)? + 2;
            (&place[..end], place[end..].strip_prefix(':'))
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.contains(['@', ',']) {
        return Err(UriError::Host);
    }
    let port = match port {
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(UriError::Port)?),
        None => None,
    };
    Ok((host, port))
}

pub(super) fn params<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<(String, Option<String>)> {
    let one = |part: &str| match part.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), Some(value.trim().to_owned())),
        None => (part.trim().to_owned(), None),
    };
    parts.map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
}

pub(super) fn param<'a>(params: &'a [(String, Option<String>)], name: &str) -> Option<&'a str> {
    let found = params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_deref().unwrap_or_default())
}

fn write_params(f: &mut fmt::Formatter<'_>, params: &[(String, Option<String>)]) -> fmt::Result {
    for (name, value) in params {
        match value {
            Some(value) => write!(f, ";{name}={value}")?,
            None => write!(f, ";{name}")?,
        }
    }
    Ok(())
}

fn unquote(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in [
            "sip:bob@example.org",
            "sip:+15550100;cpc=x@192.0.2.1:5070;transport=tcp;lr",
            "sips:[2001:db8::1]:5061",
            "tel:+15550100;phone-context=x",
        ] {
            assert_eq!(text.parse::<Uri>().unwrap().to_string(), text);
        }
        let uri: Uri = "sip:bob:secret@host;lr?Subject=x".parse().unwrap();
        assert_eq!(uri.to_string(), "sip:bob@host;lr", "neither passwords nor headers are kept");
        assert_eq!(uri.param("LR"), Some(""));
        let uri: Uri = "sip:10.0.0.5?x@trunk.example?Subject=y".parse().unwrap();
        assert_eq!((uri.user.as_deref(), uri.host.as_str()), (Some("10.0.0.5?x"), "trunk.example"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, wanted) in [
            ("bob", UriError::Scheme),
            ("http://x", UriError::Scheme),
            ("sip:", UriError::Host),
            ("sip:bob@", UriError::Host),
            ("sip:bob@host:0", UriError::Port),
            ("sip:bob@host:x", UriError::Port),
            ("sip:bob@ho st", UriError::Character),
            ("sip:bob@host\r\nX: y", UriError::Character),
            ("tel:", UriError::Host),
        ] {
            assert_eq!(text.parse::<Uri>(), Err(wanted), "{text}");
        }
    }

    #[test]
    fn names_and_tags_are_read() {
        let from: NameAddr = r#""A \"B\"; C" <sip:a@x;lr>;tag=7;x"#.parse().unwrap();
        assert_eq!((from.name.as_deref(), from.tag()), (Some("A \"B\"; C"), Some("7")));
        assert_eq!(from.to_string(), r#""A \"B\"; C" <sip:a@x;lr>;tag=7;x"#);
        let bare: NameAddr = "sip:a@x;tag=9".parse().unwrap();
        assert_eq!((bare.tag(), bare.uri.params.len()), (Some("9"), 0));
        assert_eq!(bare.with_tag("1").to_string(), "<sip:a@x>;tag=1");
        let plain: NameAddr = "Anna <sip:a@x>".parse().unwrap();
        assert_eq!(plain.name.as_deref(), Some("Anna"));
    }
}
