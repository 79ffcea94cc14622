//! Where a message comes from and goes to.

use std::net::{IpAddr, SocketAddr};

/// How it travels. There is no TLS: a trunk that asks for it is refused where it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As in `Via`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }

    /// Whether what is sent may be lost: then it is sent again.
    pub(crate) const fn is_lossy(self) -> bool {
        matches!(self, Self::Udp)
    }
}

/// A way to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    pub transport: Transport,
    pub peer: SocketAddr,
}

/// From how far an address is reached: from this machine, from a network of somebody's own, from everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Machine,
    Inside,
    World,
}

impl Reach {
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            ip if ip.is_loopback() || ip.is_unspecified() => Self::Machine,
            IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => Self::Inside,
            // Behind a provider's address translation (RFC 6598).
            IpAddr::V4(ip) if ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64 => Self::Inside,
            IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => Self::Inside,
            _ => Self::World,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_their_own_are_told_from_the_world() {
        for (ip, wanted) in [
            ("127.0.0.9", Reach::Machine),
            ("0.0.0.0", Reach::Machine),
            ("::1", Reach::Machine),
            ("::ffff:127.0.0.1", Reach::Machine),
            ("10.1.2.3", Reach::Inside),
            ("172.31.0.1", Reach::Inside),
            ("192.168.1.20", Reach::Inside),
            ("169.254.169.254", Reach::Inside),
            ("100.64.0.1", Reach::Inside),
            ("100.127.255.255", Reach::Inside),
            ("fd00::1", Reach::Inside),
            ("fe80::1", Reach::Inside),
            ("100.128.0.1", Reach::World),
            ("172.32.0.1", Reach::World),
            ("203.0.113.9", Reach::World),
            ("2001:db8::1", Reach::World),
        ] {
            assert_eq!(Reach::of(ip.parse().unwrap()), wanted, "{ip}");
        }
    }
}
