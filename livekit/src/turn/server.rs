//! The TURN servers that a LiveKit server names.

use secrecy::SecretString;

use crate::wire::signal::IceServer;

/// So many are used at most: each is a socket and an allocation for each connection.
const MOST: usize = 6;

/// How a TURN server is reached. What it sends on goes over UDP in all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Udp,
    Tcp,
    Tls,
}

/// What opens a TURN server.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub user: String,
    pub password: SecretString,
}

/// A TURN server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub way: Way,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub credentials: Credentials,
}

impl Server {
    /// Those of a list that can be used; STUN alone, DTLS and what is no address are passed over.
    pub(crate) fn listed(list: &[IceServer]) -> Vec<Self> {
        let mut servers = Vec::new();
        for entry in list {
            for url in &entry.urls {
                let Some((way, host, port)) = read(url) else { continue };
                let user = entry.username.clone();
                let password = SecretString::from(entry.credential.clone());
                servers.push(Self { way, host, port, credentials: Credentials { user, password } });
            }
        }
        servers.truncate(MOST);
        servers
    }
}

/// As in an address, without what opens it.
impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, transport) = match self.way {
            Way::Udp => ("turn", "udp"),
            Way::Tcp => ("turn", "tcp"),
            Way::Tls => ("turns", "tcp"),
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}:[{}]:{}?transport={transport}", self.host, self.port),
            false => write!(f, "{scheme}:{}:{}?transport={transport}", self.host, self.port),
        }
    }
}

/// `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:…` (RFC 7065).
fn read(url: &str) -> Option<(Way, String, u16)> {
    let (scheme, rest) = url.split_once(':')?;
    let is_tls = match scheme {
        _ if scheme.eq_ignore_ascii_case("turn") => false,
        _ if scheme.eq_ignore_ascii_case("turns") => true,
        _ => return None,
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let way = match (is_tls, query) {
        (false, "" | "transport=udp") => Way::Udp,
        (false, "transport=tcp") => Way::Tcp,
        (true, "" | "transport=tcp") => Way::Tls,
        _ => return None,
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None if is_tls => 5349,
        None => 3478,
    };
    let is_host = !host.is_empty() && host.len() <= 253 && !host.contains(['/', '@', ' ']);
    is_host.then(|| (way, host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (url, becomes) in [
            ("turn:203.0.113.7:3478?transport=udp", "turn:203.0.113.7:3478?transport=udp"),
            ("turn:turn.example", "turn:turn.example:3478?transport=udp"),
            ("turn:turn.example:80?transport=tcp", "turn:turn.example:80?transport=tcp"),
            ("turns:turn.example:443?transport=tcp", "turns:turn.example:443?transport=tcp"),
            ("TURNS:turn.example", "turns:turn.example:5349?transport=tcp"),
            ("turn:[2001:db8::1]:99", "turn:[2001:db8::1]:99?transport=udp"),
            ("stun:stun.example:3478", ""),
            ("turns:turn.example?transport=udp", ""),
            ("turn:turn.example?transport=sctp", ""),
            ("turn:turn.example:0", ""),
            ("turn:turn.example:66666", ""),
            ("turn:[2001:db8::1:99", ""),
            ("turn::3478", ""),
            ("turn:user@turn.example", ""),
            ("turn", ""),
        ] {
            let entry = IceServer {
                urls: vec![url.to_owned()],
                username: "u".to_owned(),
                credential: "secret".to_owned(),
            };
            let servers = Server::listed(&[entry]);
            assert_eq!(servers.first().map(ToString::to_string).unwrap_or_default(), becomes, "{url}");
            assert!(!format!("{servers:?}").contains("secret"));
        }
    }

    #[test]
    fn of_many_some_are_used() {
        let urls = (1..100).map(|port| format!("turn:turn.example:{port}")).collect();
        let servers = Server::listed(&[IceServer { urls, ..IceServer::default() }]);
        assert_eq!(servers.len(), MOST);
    }
}
