//! Ranges of addresses, and the list of those that a deployment allows although they are not public.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that share their first bits, as in `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    base: IpAddr,
    prefix_bits: u8,
}

/// Why a range cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// Not an address, or not one with a prefix length.
    #[error("'{0}' is no address range: write it like 10.1.0.0/16, 192.168.7.7 or fd00:1::/64")]
    Syntax(String),
    /// The prefix is longer than the address.
    #[error("'{text}': a prefix has at most {most} bits")]
    Prefix {
        /// As written.
        text: String,
        /// 32 or 128.
        most: u8,
    },
    /// Bits after the prefix are set: a typing mistake that would allow something else than is meant.
    #[error("'{text}' has bits set after its prefix: did you mean {meant}?")]
    HostBits {
        /// As written.
        text: String,
        /// The range it lies in.
        meant: Range,
    },
}

impl Range {
    pub(super) const fn v4(base: [u8; 4], prefix_bits: u8) -> Self {
        let [a, b, c, d] = base;
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix_bits }
    }

    pub(super) const fn v6(base: [u16; 8], prefix_bits: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = base;
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix_bits }
    }

    /// Whether `ip` is in it. An IPv4 address is never in an IPv6 range, whatever notation it has there.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                let mask = mask_32(self.prefix_bits);
                u32::from(base) & mask == u32::from(ip) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                let mask = mask_128(self.prefix_bits);
                u128::from(base) & mask == u128::from(ip) & mask
            }
            _ => false,
        }
    }

    /// Whether it is `ip` alone.
    pub(super) fn is_exactly(&self, ip: IpAddr) -> bool {
        self.base == ip && self.prefix_bits == width(ip)
    }

    fn rounded(self) -> Self {
        let base = match self.base {
            IpAddr::V4(base) => Ipv4Addr::from(u32::from(base) & mask_32(self.prefix_bits)).into(),
            IpAddr::V6(base) => Ipv6Addr::from(u128::from(base) & mask_128(self.prefix_bits)).into(),
        };
        Self { base, ..self }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix_bits)
    }
}

impl FromStr for Range {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let syntax = || BadRange::Syntax(text.to_owned());
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| syntax())?;
        let most = width(base);
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| syntax())?,
            None => most,
        };
        if prefix_bits > most {
            return Err(BadRange::Prefix { text: text.to_owned(), most });
        }
        let range = Self { base, prefix_bits };
        let meant = range.rounded();
        if meant == range { Ok(range) } else { Err(BadRange::HostBits { text: text.to_owned(), meant }) }
    }
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn mask_32(prefix_bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0)
}

fn mask_128(prefix_bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix_bits)).unwrap_or(0)
}

/// What `VOX_EGRESS_ALLOW` says: addresses that may be used although they are not public. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Range>);

impl AllowList {
    /// Ranges separated by commas, as in `127.0.0.0/8,10.1.0.0/16,::1/128`.
    pub fn parse(text: &str) -> Result<Self, BadRange> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self(parts.map(str::parse).collect::<Result<_, _>>()?))
    }

    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(ip))
    }

    pub(super) fn names(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|range| range.is_exactly(ip))
    }
}

impl FromStr for AllowList {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = text.parse::<Range>().map(|range| range.to_string()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn ranges_are_read_strictly() {
        check("10.1.0.0/16", Ok("10.1.0.0/16"));
        check("192.168.7.7", Ok("192.168.7.7/32"));
        check("::1", Ok("::1/128"));
        check("0.0.0.0/0", Ok("0.0.0.0/0"));
        check("::/0", Ok("::/0"));
        check("10.1.2.3/16", Err("'10.1.2.3/16' has bits set after its prefix: did you mean 10.1.0.0/16?"));
        check("10.0.0.0/33", Err("'10.0.0.0/33': a prefix has at most 32 bits"));
        for text in ["localhost", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/8/8", "0x7f.0.0.1"] {
            let error = text.parse::<Range>().unwrap_err();
            assert!(matches!(error, BadRange::Syntax(_)), "{text}: {error}");
        }
    }

    #[test]
    fn a_list_may_have_blanks_and_be_empty() {
        assert_eq!(AllowList::parse(" "), Ok(AllowList::default()));
        assert_eq!(AllowList::parse("127.0.0.0/8, ::1,").unwrap().0.len(), 2);
        assert!(AllowList::parse("127.0.0.0/8;::1").is_err());
    }

    #[test]
    fn prefixes_cover_what_they_say() {
        let range: Range = "172.16.0.0/12".parse().unwrap();
        for (ip, inside) in
            [("172.15.255.255", false), ("172.16.0.0", true), ("172.31.255.255", true), ("172.32.0.0", false)]
        {
            assert_eq!(range.contains(ip.parse().unwrap()), inside, "{ip}");
        }
        let range: Range = "fc00::/7".parse().unwrap();
        for (ip, inside) in [
            ("fbff::1", false),
            ("fc00::", true),
            ("fdff:ffff::1", true),
            ("fe00::", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(range.contains(ip.parse().unwrap()), inside, "{ip}");
        }
    }
}
