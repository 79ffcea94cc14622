//! The RSA key within a PKCS#8 private key (RFC 5208): a version, an algorithm and the key (RFC 8017, A.1.2) as a string of bytes.

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `rsaEncryption`, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The bare key, of PKCS#8 or of itself; `None` for what is neither.
pub(super) fn rsa_key(bytes: &[u8]) -> Option<&[u8]> {
    let (whole, rest) = take(bytes, SEQUENCE)?;
    let (_version, within) = take(whole, INTEGER)?;
    if !rest.is_empty() {
        return None;
    }
    match within.first()? {
        // The modulus follows the version at once.
        &INTEGER => Some(bytes),
        _ => {
            let (algorithm, within) = take(within, SEQUENCE)?;
            let (name, _) = take(algorithm, 0x06)?;
            let (key, _attributes) = take(within, OCTETS)?;
            take(key, SEQUENCE)?;
            (name == RSA).then_some(key)
        }
    }
}

/// A value with this tag, and what follows it.
fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        // So many bytes of length; more than four are no key.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if first != tag { None } else { rest.split_at_checked(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SEQUENCE { INTEGER 0, SEQUENCE { OID, NULL }, OCTET STRING { SEQUENCE { INTEGER 0, INTEGER 5 } } }`
    fn wrapped(oid: &[u8]) -> Vec<u8> {
        let mut algorithm = vec![0x06, oid.len() as u8];
        algorithm.extend(oid);
        algorithm.extend([0x05, 0x00]);
        let mut within = vec![0x02, 0x01, 0x00, 0x30, algorithm.len() as u8];
        within.extend(algorithm);
        within.extend([0x04, 0x08]);
        within.extend(BARE);
        let mut whole = vec![0x30, 0x81, within.len() as u8];
        whole.extend(within);
        whole
    }

    const BARE: [u8; 8] = [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x05];

    #[test]
    fn a_key_is_found_within_its_wrapping() {
        assert_eq!(rsa_key(&wrapped(RSA)), Some(&BARE[..]));
        assert_eq!(rsa_key(&BARE), Some(&BARE[..]));
        assert_eq!(rsa_key(&wrapped(&[0x2a, 0x86])), None, "another algorithm");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = wrapped(RSA);
        for end in 0..whole.len() {
            assert_eq!(rsa_key(&whole[..end]), None);
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let _may_be_none = rsa_key(&bytes);
        }
    }
}
