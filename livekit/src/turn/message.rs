//! Messages of STUN (RFC 8489) with the attributes of TURN (RFC 8656, 18), and the data of channels (RFC 8656, 12.4).

use std::net::{IpAddr, SocketAddr};

use md5::{Digest, Md5};
use ring::hmac;

/// Type, length, cookie and the transaction's number.
pub(super) const HEADER: usize = 20;
/// Number and length before the data of a channel.
pub(super) const CHANNEL_HEADER: usize = 4;
const COOKIE: u32 = 0x2112_A442;
/// The length of HMAC-SHA1.
const TAG: usize = 20;

pub(super) type Id = [u8; 12];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Request = 0,
    Indication = 1,
    Success = 2,
    Failure = 3,
}

/// RFC 8656, 17.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method(pub u16);

impl Method {
    pub(super) const ALLOCATE: Self = Self(3);
    pub(super) const REFRESH: Self = Self(4);
    pub(super) const SEND: Self = Self(6);
    pub(super) const DATA: Self = Self(7);
    pub(super) const CREATE_PERMISSION: Self = Self(8);
    pub(super) const CHANNEL_BIND: Self = Self(9);
}

/// RFC 8489, 18.3, and RFC 8656, 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute(pub u16);

impl Attribute {
    pub(super) const USERNAME: Self = Self(0x0006);
    pub(super) const MESSAGE_INTEGRITY: Self = Self(0x0008);
    pub(super) const ERROR_CODE: Self = Self(0x0009);
    pub(super) const CHANNEL_NUMBER: Self = Self(0x000C);
    pub(super) const LIFETIME: Self = Self(0x000D);
    pub(super) const XOR_PEER_ADDRESS: Self = Self(0x0012);
    pub(super) const DATA: Self = Self(0x0013);
    pub(super) const REALM: Self = Self(0x0014);
    pub(super) const NONCE: Self = Self(0x0015);
    pub(super) const XOR_RELAYED_ADDRESS: Self = Self(0x0016);
    pub(super) const REQUESTED_TRANSPORT: Self = Self(0x0019);
}

/// What proves that a message is of somebody who knows the password.
pub(super) struct Key(hmac::Key);

impl Key {
    /// Of a user in a realm (RFC 8489, 9.2.2). All servers know this one.
    pub(super) fn long_term(user: &str, realm: &[u8], password: &str) -> Self {
        let mut hash = Md5::new();
        for part in [user.as_bytes(), b":", realm, b":", password.as_bytes()] {
            hash.update(part);
        }
        Self::of(&hash.finalize())
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, bytes))
    }
}

/// Whether a message is of who knows the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integrity {
    /// It does not say.
    None,
    Good,
    Bad,
}

/// A message that was read: its attributes lie within its bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub class: Class,
    pub method: Method,
    pub id: Id,
    whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// Read one that is as long as it says. `None` for what is no message of STUN.
    pub(super) fn read(whole: &'a [u8]) -> Option<Self> {
        let (head, body) = whole.split_first_chunk::<HEADER>()?;
        let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = *head;
        let kind = u16::from_be_bytes([t0, t1]);
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if kind & 0xC000 != 0 || length != body.len() || length % 4 != 0 {
            return None;
        }
        if u32::from_be_bytes([c0, c1, c2, c3]) != COOKIE {
            return None;
        }
        let class = match (kind >> 7) & 2 | (kind >> 4) & 1 {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Failure,
        };
        let method = Method(kind & 0xF | (kind >> 1) & 0x70 | (kind >> 2) & 0xF80);
        let message = Self { class, method, id, whole };
        // All of them can be read, to the last byte.
        let mut rest = body;
        while !rest.is_empty() {
            rest = split(rest)?.2;
        }
        Some(message)
    }

    /// The value of the first attribute of this kind. Of what stands behind the proof nothing is read: it is not proved (RFC 8489, 14.5).
    pub(super) fn get(&self, wanted: Attribute) -> Option<&'a [u8]> {
        let mut rest = &self.whole[HEADER..];
        while let Some((kind, value, behind)) = split(rest) {
            if kind == wanted {
                return Some(value);
            }
            if kind == Attribute::MESSAGE_INTEGRITY {
                return None;
            }
            rest = behind;
        }
        None
    }

    /// A number of four bytes.
    pub(super) fn number(&self, wanted: Attribute) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(wanted)?.try_into().ok()?))
    }

    /// An address that is hidden from boxes that rewrite addresses (RFC 8489, 14.2).
    pub(super) fn address(&self, wanted: Attribute) -> Option<SocketAddr> {
        let (head, ip) = self.get(wanted)?.split_first_chunk::<4>()?;
        let port = u16::from_be_bytes([head[2], head[3]]) ^ (COOKIE >> 16) as u16;
        let ip: IpAddr = match (head[1], ip.len()) {
            (1, 4) => xor::<4>(ip, &self.id)?.into(),
            (2, 16) => xor::<16>(ip, &self.id)?.into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// The number of a refusal, 300 to 699 (RFC 8489, 14.8).
    pub(super) fn error_code(&self) -> Option<u16> {
        let [_, _, class, number, ..] = *self.get(Attribute::ERROR_CODE)? else { return None };
        let class = u16::from(class & 7);
        ((3..=6).contains(&class) && number < 100).then(|| class * 100 + u16::from(number))
    }

    /// Whether it is of who knows this key. Compared in constant time.
    pub(super) fn integrity(&self, key: &Key) -> Integrity {
        let mut at = HEADER;
        while let Some((kind, value, behind)) = split(&self.whole[at..]) {
            if kind == Attribute::MESSAGE_INTEGRITY {
                // Proved is what is before it, with a length as if it were the last.
                let mut proved = self.whole[..at].to_vec();
                let length = (at - HEADER + 4 + TAG) as u16;
                proved[2..4].copy_from_slice(&length.to_be_bytes());
                let is_good = hmac::verify(&key.0, &proved, value).is_ok();
                return if is_good { Integrity::Good } else { Integrity::Bad };
            }
            at = self.whole.len() - behind.len();
        }
        Integrity::None
    }
}

/// The first attribute: its kind, its value and what is behind it and its padding.
fn split(bytes: &[u8]) -> Option<(Attribute, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let kind = Attribute(u16::from_be_bytes([head[0], head[1]]));
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let value = rest.get(..length)?;
    Some((kind, value, rest.get(length.next_multiple_of(4)..)?))
}

/// An address, hidden by the cookie and the number or shown again.
fn xor<const N: usize>(ip: &[u8], id: &Id) -> Option<[u8; N]> {
    let mut ip: [u8; N] = ip.try_into().ok()?;
    let mask = COOKIE.to_be_bytes();
    for (byte, mask) in ip.iter_mut().zip(mask.iter().chain(id)) {
        *byte ^= mask;
    }
    Some(ip)
}

/// A message that is written, attribute by attribute.
pub(super) struct Builder {
    bytes: Vec<u8>,
    id: Id,
}

impl Builder {
    pub(super) fn new(class: Class, method: Method, id: Id) -> Self {
        let (class, method) = (class as u16, method.0);
        let kind =
            method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2 | (class & 1) << 4 | (class & 2) << 7;
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(COOKIE.to_be_bytes());
        bytes.extend(id);
        Self { bytes, id }
    }

    /// One more attribute, of at most 64 KiB.
    pub(super) fn put(mut self, kind: Attribute, value: &[u8]) -> Self {
        debug_assert!(value.len() < 0xFF00, "no attribute of ours is larger than a packet");
        self.bytes.extend(kind.0.to_be_bytes());
        self.bytes.extend((value.len() as u16).to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let length = (self.bytes.len() - HEADER) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        self
    }

    pub(super) fn address(self, kind: Attribute, address: SocketAddr) -> Self {
        let port = (address.port() ^ (COOKIE >> 16) as u16).to_be_bytes();
        let (family, ip) = match address.ip() {
            IpAddr::V4(ip) => (1, xor::<4>(&ip.octets(), &self.id).map(Vec::from)),
            IpAddr::V6(ip) => (2, xor::<16>(&ip.octets(), &self.id).map(Vec::from)),
        };
        let mut value = vec![0, family, port[0], port[1]];
        value.extend(ip.expect("an address has its own length"));
        self.put(kind, &value)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// With the proof that we know the key.
    pub(super) fn sign(self, key: &Key) -> Vec<u8> {
        let signed = self.put(Attribute::MESSAGE_INTEGRITY, &[0; TAG]);
        let mut bytes = signed.bytes;
        let (proved, _) = bytes.split_at(bytes.len() - TAG - 4);
        let tag = hmac::sign(&key.0, proved);
        let at = bytes.len() - TAG;
        bytes[at..].copy_from_slice(tag.as_ref());
        bytes
    }
}

/// Whether these bytes are data of a channel: its number, and the data as long as it says.
pub(super) fn channel_data(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<CHANNEL_HEADER>()?;
    let number = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    // RFC 8656, 12: the numbers above are kept back.
    ((0x4000..0x5000).contains(&number)).then_some((number, rest.get(..length)?))
}

/// Data for a channel, without padding.
pub(super) fn to_channel(number: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(u8::is_ascii_hexdigit)
            .map(|b| (b as char).to_digit(16).unwrap() as u8)
            .collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

    /// RFC 5769, 2.2 and 2.3.
    #[test]
    fn answers_of_the_standard_are_read() {
        let v4 = "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
            00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96";
        let v6 = "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220
            00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
            00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c";
        for (bytes, address) in
            [(v4, "192.0.2.1:32853"), (v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
        {
            let bytes = hex(bytes);
            let message = Message::read(&bytes).unwrap();
            assert_eq!((message.class, message.method), (Class::Success, Method(1)));
            assert_eq!(message.address(Attribute(0x0020)).unwrap(), address.parse().unwrap());
            assert_eq!(message.integrity(&Key::of(PASSWORD)), Integrity::Good);
            assert_eq!(message.integrity(&Key::of(b"another")), Integrity::Bad);
            assert_eq!(message.get(Attribute(0x8028)), None, "behind the proof");
            let mut damaged = bytes.clone();
            damaged[45] ^= 1;
            assert_eq!(Message::read(&damaged).unwrap().integrity(&Key::of(PASSWORD)), Integrity::Bad);
        }
    }

    /// RFC 5769, 2.4: a request of a user in a realm, byte for byte.
    #[test]
    fn a_request_of_the_standard_is_written() {
        let expected = hex(
            "00010060 2112a442 78ad3433c6ad72c029da412e 00060012 e3839ee38388e383aae38383e382afe382b90000
            0015001c 662f2f3439396b3935346436 4f4c33346f4c394653547679363473 41 0014000b 6578616d706c652e6f726700
            00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666",
        );
        let (user, realm) = ("\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}", b"example.org");
        let id = expected[8..20].try_into().unwrap();
        let written = Builder::new(Class::Request, Method(1), id)
            .put(Attribute::USERNAME, user.as_bytes())
            .put(Attribute::NONCE, b"f//499k954d6OL34oL9FSTvy64sA")
            .put(Attribute::REALM, realm)
            .sign(&Key::long_term(user, realm, "TheMatrIX"));
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for address in ["203.0.113.7:40000", "[2001:db8::7]:1"] {
            let address = address.parse().unwrap();
            let bytes = Builder::new(Class::Indication, Method::DATA, [7; 12])
                .address(Attribute::XOR_PEER_ADDRESS, address)
                .put(Attribute::DATA, b"seven b")
                .finish();
            let message = Message::read(&bytes).unwrap();
            assert_eq!(
                (message.class, message.method, message.id),
                (Class::Indication, Method::DATA, [7; 12])
            );
            assert_eq!(message.address(Attribute::XOR_PEER_ADDRESS), Some(address));
            assert_eq!(message.get(Attribute::DATA), Some(&b"seven b"[..]));
            assert_eq!(message.integrity(&Key::of(b"any")), Integrity::None);
            for cut in 0..bytes.len() {
                assert!(Message::read(&bytes[..cut]).is_none(), "{cut}");
            }
        }
    }

    #[test]
    fn refusals_have_numbers() {
        for (value, code) in [
            (&[0, 0, 4, 38, b's'][..], Some(438)),
            (&[0, 0, 3, 0], Some(300)),
            (&[0, 0, 4, 100], None),
            (&[0, 0, 2, 0], None),
            (&[0, 0, 4], None),
        ] {
            let bytes = Builder::new(Class::Failure, Method::ALLOCATE, [0; 12])
                .put(Attribute::ERROR_CODE, value)
                .finish();
            assert_eq!(Message::read(&bytes).unwrap().error_code(), code);
        }
    }

    #[test]
    fn what_is_no_message_is_none() {
        let good =
            Builder::new(Class::Success, Method::REFRESH, [1; 12]).put(Attribute::LIFETIME, &[0; 4]).finish();
        assert!(Message::read(&good).is_some());
        for (at, to) in [(0, 0x81), (3, 4), (3, 12), (4, 0), (23, 5), (23, 3)] {
            let mut bad = good.clone();
            bad[at] = to;
            let is_read = Message::read(&bad).is_some();
            // Three bytes and one of padding are an attribute like any other, though no lifetime.
            assert_eq!(is_read, (at, to) == (23, 3), "{at} {to}");
        }
        assert_eq!(channel_data(&to_channel(0x4001, b"data")), Some((0x4001, &b"data"[..])));
        assert_eq!(channel_data(&[0x40, 1, 0, 5, 1, 2, 3, 4]), None);
        assert_eq!(channel_data(&to_channel(0x5000, b"data")), None);
    }
}
