//! Certificates: our own, made anew for every connection, and the public key in the other side's.
//!
//! Nothing in them is believed: in WebRTC a certificate is what has the fingerprint that the signalling named (RFC 8827, 6.5).

use dimpl::crypto::NamedGroup;
use dimpl::{CryptoError, DtlsCertificate};
use rand::RngExt;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};

/// A key on P-256 and a certificate that it signed.
pub(super) fn generate() -> Option<DtlsCertificate> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
    let mut params = CertificateParams::new(Vec::new()).ok()?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "vox");
    // Some browsers keep certificates by issuer and serial number: no two may share one.
    params.serial_number = Some(rand::rng().random::<[u8; 16]>().to_vec().into());
    let certificate = params.self_signed(&key).ok()?;
    Some(DtlsCertificate { certificate: certificate.der().to_vec(), private_key: key.serialize_der() })
}

/// The elliptic-curve key of a certificate (RFC 5280, 4.1): its group and its point, uncompressed.
pub(super) fn public_key(der: &[u8]) -> Result<(NamedGroup, &[u8]), CryptoError> {
    /// 1.2.840.10045.2.1, a key on an elliptic curve.
    const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    /// 1.2.840.10045.3.1.7
    const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    /// 1.3.132.0.34
    const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

    let parse = || -> Option<(&[u8], &[u8], &[u8])> {
        let mut signed = Der(Der(der).take(SEQUENCE)?);
        let mut body = Der(signed.take(SEQUENCE)?);
        if body.next_is(0xa0) {
            body.take(0xa0)?;
        }
        body.take(INTEGER)?;
        // Signature algorithm, issuer, validity, subject.
        for _ in 0..4 {
            body.take(SEQUENCE)?;
        }
        let mut info = Der(body.take(SEQUENCE)?);
        let mut algorithm = Der(info.take(SEQUENCE)?);
        let kind = algorithm.take(OBJECT)?;
        let curve = algorithm.take(OBJECT).unwrap_or_default();
        // The first byte counts unused bits of the last one: none.
        let point = info.take(BITS)?.strip_prefix(&[0])?;
        Some((kind, curve, point))
    };
    let (kind, curve, point) = parse().ok_or(CryptoError::CertificateParseFailed)?;
    if kind != ELLIPTIC {
        return Err(CryptoError::UnsupportedPublicKeyAlgorithm);
    }
    match curve {
        P256 => Ok((NamedGroup::Secp256r1, point)),
        P384 => Ok((NamedGroup::Secp384r1, point)),
        [] => Err(CryptoError::MissingEcCurveParameter),
        _ => Err(CryptoError::UnsupportedEcCurve),
    }
}

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// What is left of a structure in DER (X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The contents of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Longer than 64 KiB does not come in a handshake.
            0x81 | 0x82 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn our_own_certificate_has_a_key_on_p256() {
        let made = generate().unwrap();
        let (group, point) = public_key(&made.certificate).unwrap();
        assert_eq!((group, point.len(), point[0]), (NamedGroup::Secp256r1, 65, 4));
        assert_ne!(made.certificate, generate().unwrap().certificate);
    }

    #[test]
    fn a_certificate_that_ends_early_is_refused() {
        let made = generate().unwrap().certificate;
        for length in 0..made.len() {
            assert!(public_key(&made[..length]).is_err(), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_certificate_never_panics(at in 0_usize..300, to: u8) {
            let mut made = generate().unwrap().certificate;
            let at = at % made.len();
            made[at] = to;
            let _any = public_key(&made);
        }
    }
}
