//! Whose address stands behind reverse proxies.

use std::net::IpAddr;

/// Walks the chain of proxies from the nearest: the first address that is no trusted proxy is the client's. What stands before
/// it was written by the client and proves nothing. `peer` is the connection's other end, `None` when that can only be a
/// proxy of this host; `lines` are those of `X-Forwarded-For`, in order.
pub fn behind_proxies(peer: Option<IpAddr>, lines: &[&str], trusted: &[IpAddr]) -> Option<IpAddr> {
    let mut at = peer.map(|address| address.to_canonical());
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if at.is_some_and(|address| !trusted.contains(&address)) {
            break;
        }
        match address(hop) {
            Some(address) => at = Some(address),
            None => break,
        }
    }
    at
}

/// The address that a header's value is, if it is one.
pub fn address(value: &str) -> Option<IpAddr> {
    value.trim().parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let check = |peer: &str, lines: &[&str], expected: Option<&str>| {
            let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
            let found = behind_proxies(address(peer), lines, &trusted);
            assert_eq!(found.map(|a| a.to_string()).as_deref(), expected, "{peer} {lines:?}");
        };
        check("203.0.113.5", &["1.2.3.4"], Some("203.0.113.5"));
        check("127.0.0.1", &["1.2.3.4"], Some("1.2.3.4"));
        check("::ffff:127.0.0.1", &["::ffff:1.2.3.4"], Some("1.2.3.4"));
        check("127.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.1"], Some("1.2.3.4"));
        check("127.0.0.1", &["6.6.6.6", "1.2.3.4"], Some("1.2.3.4"));
        check("127.0.0.1", &["nonsense"], Some("127.0.0.1"));
        check("unix", &["6.6.6.6, 1.2.3.4"], Some("1.2.3.4"));
        check("unix", &[], None);
    }
}
