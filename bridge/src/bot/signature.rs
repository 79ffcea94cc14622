//! Signatures of carriers on the upgrade of a call's WebSocket, checked with the bot's own account.
//!
//! Twilio signs the address: HMAC-SHA1 with the auth token, in base64. Plivo signs the address, a point and a nonce: HMAC-SHA256
//! with the auth token; the header may hold several, one for each token of the account, with commas between. Neither signs a time,
//! so a signature proves whose account it is and not that it is fresh: it is kept as secret as a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key};
use vox_shared::model::bot::{ApiKey, Carrier};
use vox_shared::wire::config::LineSignature;

/// Signatures looked at in one header.
const MAX_VALUES: usize = 4;
/// What the carrier calls the scheme of a socket; TLS ended before we saw the request, or there was none.
const SCHEMES: [&str; 4] = ["wss", "https", "ws", "http"];

/// Whether the carrier signed this upgrade with this secret. Every comparison takes the same time wherever it fails.
pub fn is_good(carrier: Carrier, secret: &ApiKey, signature: &LineSignature) -> bool {
    if secret.is_empty() || signature.value.is_empty() {
        return false;
    }
    let (algorithm, tail) = match carrier {
        Carrier::Twilio => (HMAC_SHA1_FOR_LEGACY_USE_ONLY, String::new()),
        Carrier::Plivo if !signature.nonce.is_empty() => (HMAC_SHA256, format!(".{}", signature.nonce)),
        _ => return false,
    };
    let key = Key::new(algorithm, secret.expose().as_bytes());
    let values = signature.value.split(',').take(MAX_VALUES);
    let values: Vec<Vec<u8>> = values.filter_map(|value| STANDARD.decode(value.trim()).ok()).collect();
    addresses(signature).any(|address| {
        let signed = format!("{address}{tail}");
        values.iter().any(|value| hmac::verify(&key, signed.as_bytes(), value).is_ok())
    })
}

/// The ways in which the address may have been written: carriers leave out the usual port or name it, and Twilio has been seen
/// to put a slash behind a path.
fn addresses(signature: &LineSignature) -> impl Iterator<Item = String> {
    let LineSignature { host, target, .. } = signature;
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host.as_str(),
    };
    let mut hosts = vec![host.clone(), bare.to_owned(), format!("{bare}:443")];
    hosts.dedup();
    let mut targets = vec![target.clone()];
    if !target.contains('?') {
        targets.push(match target.strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{target}/"),
        });
    }
    SCHEMES.into_iter().flat_map(move |scheme| {
        let (hosts, targets) = (hosts.clone(), targets.clone());
        hosts.into_iter().flat_map(move |host| {
            let of_host: Vec<String> =
                targets.iter().map(|target| format!("{scheme}://{host}{target}")).collect();
            of_host
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "12345678901234567890123456789012";

    fn shown(value: &str, nonce: &str, host: &str, target: &str) -> LineSignature {
        let [value, nonce, host, target] = [value, nonce, host, target].map(str::to_owned);
        LineSignature { value, nonce, host, target }
    }

    fn twilio(host: &str, target: &str) -> bool {
        // Of `wss://vox.example.org/twilio/faq`, made with another program.
        let value = "FpRRZFnsDY6RVXl1kNjqCgDMnwQ=";
        is_good(Carrier::Twilio, &ApiKey::new(TOKEN), &shown(value, "", host, target))
    }

    fn plivo(value: &str, nonce: &str, target: &str) -> bool {
        is_good(Carrier::Plivo, &ApiKey::new(TOKEN), &shown(value, nonce, "vox.example.org", target))
    }

    #[test]
    fn twilio_signs_the_address() {
        for host in ["vox.example.org", "vox.example.org:443"] {
            assert!(twilio(host, "/twilio/faq"), "{host}");
        }
        assert!(twilio("vox.example.org", "/twilio/faq/"), "a slash is none of its matters");
        for (host, target) in [
            ("evil.example.org", "/twilio/faq"),
            ("vox.example.org:8443", "/twilio/other"),
            ("vox.example.org", "/twilio/faq?x=1"),
            ("vox.example.org", "/plivo/faq"),
        ] {
            assert!(!twilio(host, target), "{host}{target}");
        }
        let value = "FpRRZFnsDY6RVXl1kNjqCgDMnwQ=";
        let here = shown(value, "", "vox.example.org", "/twilio/faq");
        assert!(!is_good(Carrier::Twilio, &ApiKey::new("another-token"), &here));
        assert!(!is_good(Carrier::Twilio, &ApiKey::default(), &here));
        assert!(!is_good(Carrier::Telnyx, &ApiKey::new(TOKEN), &here), "it signs nothing");
        for value in ["", "nonsense", "AAAA", "%%%"] {
            assert!(!is_good(
                Carrier::Twilio,
                &ApiKey::new(TOKEN),
                &LineSignature { value: value.into(), ..here.clone() }
            ));
        }
    }

    #[test]
    fn plivo_signs_the_address_and_a_nonce() {
        // Of `wss://vox.example.org/plivo/faq` with the nonce 05429567804466091622.
        let (value, nonce) = ("bop6F/vml4UY/PpPG5hjtibB97695PmroK7VdG9GID4=", "05429567804466091622");
        assert!(plivo(value, nonce, "/plivo/faq"));
        assert!(plivo(&format!("AAAA, {value}"), nonce, "/plivo/faq"), "one of several tokens");
        for (value, nonce, target) in [
            (value, "", "/plivo/faq"),
            (value, "1", "/plivo/faq"),
            (value, nonce, "/plivo/other"),
            ("AAAA", nonce, "/plivo/faq"),
            (&*format!("A,B,C,D,{value}"), nonce, "/plivo/faq"),
        ] {
            assert!(!plivo(value, nonce, target), "{value} {nonce} {target}");
        }
    }
}
