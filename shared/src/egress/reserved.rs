//! Addresses that are nobody's on the public Internet, after the special-purpose registries of IANA (RFC 6890 and its
//! successors, read in 2026), and those that carry another address inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::range::Range;

/// A range with the words for its refusal.
pub(super) type Reserved = (Range, &'static str);

const V4: &[Reserved] = &[
    (Range::v4([0, 0, 0, 0], 8), "a 'this network' address"),
    (Range::v4([10, 0, 0, 0], 8), "a private address"),
    (Range::v4([100, 64, 0, 0], 10), "a carrier-grade NAT address"),
    (Range::v4([127, 0, 0, 0], 8), "a loopback address"),
    (Range::v4([169, 254, 0, 0], 16), "a link-local address"),
    (Range::v4([172, 16, 0, 0], 12), "a private address"),
    (Range::v4([192, 0, 0, 0], 24), "a protocol assignment"),
    (Range::v4([192, 0, 2, 0], 24), "a documentation address"),
    (Range::v4([192, 88, 99, 0], 24), "a 6to4 relay"),
    (Range::v4([192, 168, 0, 0], 16), "a private address"),
    (Range::v4([198, 18, 0, 0], 15), "a benchmarking address"),
    (Range::v4([198, 51, 100, 0], 24), "a documentation address"),
    (Range::v4([203, 0, 113, 0], 24), "a documentation address"),
    (Range::v4([224, 0, 0, 0], 4), "a multicast address"),
    (Range::v4([255, 255, 255, 255], 32), "the broadcast address"),
    (Range::v4([240, 0, 0, 0], 4), "a reserved address"),
];

const V6: &[Reserved] = &[
    (Range::v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "the unspecified address"),
    (Range::v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "a loopback address"),
    (Range::v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "an IPv4-compatible address"),
    (Range::v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "an IPv4-mapped address"),
    (Range::v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "an IPv4-translated address"),
    (Range::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "a NAT64 address"),
    (Range::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "a local NAT64 address"),
    (Range::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "a discard-only address"),
    (Range::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "a Teredo address"),
    (Range::v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "a benchmarking address"),
    (Range::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "a protocol assignment"),
    (Range::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "a documentation address"),
    (Range::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "a 6to4 address"),
    (Range::v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), "a 6bone address"),
    (Range::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "a documentation address"),
    (Range::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "a unique local address"),
    (Range::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "a link-local address"),
    (Range::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "a site-local address"),
    (Range::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "a multicast address"),
];

/// The only part of IPv6 that is given out for the public (RFC 4291); everything else is refused without being listed.
const GLOBAL_UNICAST: Range = Range::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Where clouds serve credentials to whoever asks from inside a machine. Some lie in public or shared ranges.
const METADATA_V4: &[[u8; 4]] = &[
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [100, 100, 100, 200],
    [192, 0, 0, 192],
    [168, 63, 129, 16],
];
const METADATA_V6: &[[u16; 8]] = &[
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
];

/// What kind of address `ip` is, if it is not public.
pub(super) fn kind_of(ip: IpAddr) -> Option<&'static str> {
    let table = if ip.is_ipv4() { V4 } else { V6 };
    let listed = table.iter().find(|(range, _)| range.contains(ip)).map(|(_, kind)| *kind);
    match ip {
        _ if listed.is_some() => listed,
        IpAddr::V6(_) if !GLOBAL_UNICAST.contains(ip) => Some("a reserved address"),
        _ => None,
    }
}

/// Whether a cloud's metadata service is there.
pub(super) fn is_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => METADATA_V4.contains(&ip.octets()),
        IpAddr::V6(ip) => METADATA_V6.contains(&ip.segments()),
    }
}

/// The IPv4 address to which a gateway or the kernel would turn `ip`.
pub(super) fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => last(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => last(high, low),
        [0x2002, high, low, ..] => last(high, low),
        // Teredo writes the client's address inverted (RFC 4380).
        [0x2001, 0, .., high, low] => last(!high, !low),
        _ => None,
    }
}
