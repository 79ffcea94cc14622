//! Which hosts a tenant's own addresses may name, by name and port. It narrows what [`super::Policy`] allows and opens nothing.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Most entries of each list.
pub const MAX_HOSTS: usize = 64;
/// Longest entry, bytes: a DNS name has 253.
const MAX_BYTES: usize = 260;

/// The rules of a tenant: a denied host is refused whatever else is said; when something is allowed, nothing else is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostRules {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

/// An entry: a host, or all names below one, at one port or at any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HostRule {
    host: String,
    /// `*.example.com`: names below it, and not itself.
    is_below: bool,
    port: Option<u16>,
}

/// Why an entry makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    #[error(
        "write a host like crm.example.com, all names below one like *.example.com, either with a port like :8443"
    )]
    Syntax,
    #[error("the port must be 1 to 65535")]
    Port,
    #[error("an address has no names below it: leave the *. out")]
    BelowAddress,
    #[error("at most {MAX_HOSTS} entries")]
    TooMany,
}

/// The tenant's rules refuse a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostRefused {
    #[error("{place} is denied by the tenant's egress rules ({rule})")]
    Denied { place: String, rule: String },
    #[error("{place} is not among the hosts that the tenant's egress rules allow")]
    NotAllowed { place: String },
    #[error("the address has no host")]
    NoHost,
}

impl HostRules {
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// All that is wrong with the entries, with where they stand (`allow.0`).
    pub fn faults(&self) -> Vec<(String, BadHost)> {
        let mut faults = Vec::new();
        for (name, list) in [("allow", &self.allow), ("deny", &self.deny)] {
            if list.len() > MAX_HOSTS {
                faults.push((name.to_owned(), BadHost::TooMany));
                continue;
            }
            let wrong =
                list.iter().enumerate().filter_map(|(at, text)| Some((at, HostRule::parse(text).err()?)));
            faults.extend(wrong.map(|(at, bad)| (format!("{name}.{at}"), bad)));
        }
        faults
    }

    /// Whether an address may be used, as it is written. An entry that makes no sense denies nothing and allows nothing.
    ///
    /// # Errors
    ///
    /// With the entry that denies it, or that none allows it.
    pub fn check(&self, url: &Url) -> Result<(), HostRefused> {
        if self.is_empty() {
            return Ok(());
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(HostRefused::NoHost);
        };
        let host = canonical(&host.to_owned());
        let place = || format!("{host}:{port}");
        let meets = |text: &&String| HostRule::parse(text).is_ok_and(|rule| rule.meets(&host, port));
        if let Some(rule) = self.deny.iter().find(meets) {
            return Err(HostRefused::Denied { place: place(), rule: rule.clone() });
        }
        match self.allow.is_empty() || self.allow.iter().any(|text| meets(&text)) {
            true => Ok(()),
            false => Err(HostRefused::NotAllowed { place: place() }),
        }
    }
}

impl HostRule {
    fn parse(text: &str) -> Result<Self, BadHost> {
        if text.len() > MAX_BYTES {
            return Err(BadHost::Syntax);
        }
        let (is_below, text) = match text.strip_prefix("*.") {
            Some(below) => (true, below),
            None => (false, text),
        };
        // The brackets of an IPv6 address hold colons of their own.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => {
                let port: u16 = port.parse().map_err(|_| BadHost::Port)?;
                Some(port).filter(|port| *port > 0).map(Some).ok_or(BadHost::Port)?
            }
            Some(_) => return Err(BadHost::Syntax),
            None => None,
        };
        // A star elsewhere is the name of a host to the parser, and to nobody else.
        let host = Some(host).filter(|host| !host.contains('*')).ok_or(BadHost::Syntax)?;
        let host = Host::parse(host).map_err(|_| BadHost::Syntax)?;
        if is_below && !matches!(host, Host::Domain(_)) {
            return Err(BadHost::BelowAddress);
        }
        Ok(Self { host: canonical(&host), is_below, port })
    }

    fn meets(&self, host: &str, port: u16) -> bool {
        let is_host = match self.is_below {
            true => {
                host.strip_suffix(&self.host).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
            }
            false => host == self.host,
        };
        is_host && self.port.is_none_or(|own| own == port)
    }
}

/// As hosts are compared: in ASCII, in lower case, without the dot at the end that means the same name.
fn canonical(host: &Host<String>) -> String {
    let text = host.to_string();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str], deny: &[&str]) -> HostRules {
        let list = |entries: &[&str]| entries.iter().map(|text| (*text).to_owned()).collect();
        HostRules { allow: list(allow), deny: list(deny) }
    }

    fn permits(rules: &HostRules, url: &str) -> bool {
        rules.check(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn an_entry_names_a_host_or_what_is_below_it_at_a_port_or_at_any() {
        let check = |entry: &str, url: &str, expected: bool| {
            assert_eq!(permits(&rules(&[entry], &[]), url), expected, "{entry} {url}");
            assert_eq!(permits(&rules(&[], &[entry]), url), !expected, "denied: {entry} {url}");
        };
        check("crm.example.com", "https://crm.example.com/x", true);
        check("crm.example.com", "http://CRM.example.com.:99/", true);
        check("crm.example.com", "https://a.crm.example.com/", false);
        check("crm.example.com", "https://evilcrm.example.com/", false);
        check("*.example.com", "https://crm.example.com/", true);
        check("*.example.com", "wss://a.b.example.com/", true);
        check("*.example.com", "https://example.com/", false);
        check("*.example.com", "https://badexample.com/", false);
        check("*.example.com", "https://example.com.evil.test/", false);
        check("crm.example.com:8443", "https://crm.example.com:8443/", true);
        check("crm.example.com:443", "https://crm.example.com/", true);
        check("crm.example.com:443", "http://crm.example.com/", false);
        check("BÜCHER.example", "https://xn--bcher-kva.example/", true);
        check("203.0.113.7", "http://203.0.113.7/", true);
        check("203.0.113.7", "http://3405803783/", true);
        check("[2001:db8::1]:443", "https://[2001:DB8:0::1]/", true);
        check("[2001:db8::1]", "https://[2001:db8::2]/", false);
    }

    #[test]
    fn what_is_denied_is_denied_and_an_empty_list_allows_all() {
        let both = rules(&["*.example.com"], &["old.example.com"]);
        assert!(permits(&both, "https://new.example.com/") && !permits(&both, "https://old.example.com/"));
        assert!(permits(&HostRules::default(), "https://anything.test/"));
        assert!(permits(&rules(&[], &["a.test"]), "https://b.test/"));
    }

    #[test]
    fn entries_that_make_no_sense_are_told_with_their_places() {
        let bad = [
            "",
            "*",
            "*.",
            "https://x.test",
            "x.test/path",
            "a b.test",
            "x.test:0",
            "x.test:99999",
            "x.test:http",
            "*.10.0.0.1",
            "u@x.test",
        ];
        let faults = rules(&bad, &["fine.test"]).faults();
        assert_eq!(faults.len(), bad.len(), "{faults:?}");
        assert_eq!(faults[0].0, "allow.0");
        assert!(
            !permits(&rules(&["u@x.test"], &[]), "https://x.test/"),
            "what makes no sense allows nothing"
        );
        let many = HostRules { deny: vec!["x.test".to_owned(); MAX_HOSTS + 1], ..HostRules::default() };
        assert_eq!(many.faults(), [("deny".to_owned(), BadHost::TooMany)]);
    }
}
