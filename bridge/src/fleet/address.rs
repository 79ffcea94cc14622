//! Names and addresses of workers and hosts, as they say them of themselves or somebody says them of them.

use std::net::IpAddr;

use reqwest::Url;
use url::Host;
use vox_shared::egress::is_metadata;

/// Longest name, bytes: that of a machine in the DNS.
pub const MAX_NAME: usize = 253;
/// Longest part of one between two points, bytes.
const MAX_LABEL: usize = 63;

/// What is asked of the name of a machine.
pub const NAME_RULE: &str = "must be 1 to 253 characters of a-z, A-Z, 0-9, '_', '-', '.'";

/// What is asked of an address that the bridge opens with its secret.
pub const RULE: &str = "must be http://HOST:PORT or https://HOST:PORT and nothing else; HOST is a name, or the address of one machine: not \
                        0.0.0.0, no multicast or link-local one, and no cloud's metadata service";

/// Whether it can be the name of a machine. It is shown, is a label of metrics and stands in paths of the API.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether it is nothing but a machine and a port: the bridge opens it with the secret, below paths of its own.
pub fn is_bare(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some_and(|host| is_a_machine(&host))
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_a_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            is_name(name)
                && name.trim_end_matches('.').split('.').all(|part| (1..=MAX_LABEL).contains(&part.len()))
        }
        Host::Ipv4(ip) => {
            let is_one =
                !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() && !ip.is_link_local();
            is_one && !is_metadata(IpAddr::V4(*ip))
        }
        Host::Ipv6(ip) => match ip.to_ipv4_mapped() {
            // Written so it is the same machine.
            Some(mapped) => is_a_machine(&Host::Ipv4(mapped)),
            None => {
                let is_one = !ip.is_unspecified() && !ip.is_multicast() && !ip.is_unicast_link_local();
                is_one && !is_metadata(IpAddr::V6(*ip))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_machine_that_can_be_a_worker() {
        for good in [
            "http://127.0.0.1:9001",
            "https://voice-1.example.com:8443",
            "http://10.0.0.5:8080/",
            "http://voice_1:80",
            "http://[fd00::5]:9001",
            "http://[::1]:9001",
            "http://core",
        ] {
            assert!(is_bare(good), "{good}");
        }
        for bad in [
            "http://169.254.169.254:80",
            // The same in other spellings.
            "http://2852039166:80",
            "http://[::ffff:169.254.169.254]:80",
            "http://[fd00:ec2::254]:80",
            "http://100.100.100.200",
            "http://169.254.7.7:9001",
            "http://0.0.0.0:9001",
            "http://[::]:9001",
            "http://224.0.0.5:9001",
            "http://[ff02::1]:9001",
            "http://[fe80::1]:9001",
            "http://255.255.255.255:9001",
            "http://a..b:9001",
            "http://a,b:9001",
            "http://10.0.0.5:8080#x",
        ] {
            assert!(!is_bare(bad), "{bad}");
        }
        assert!(!is_bare(&format!("http://{}:1", "a".repeat(64))));
        assert!(!is_bare(&format!("http://{}:1", vec!["a".repeat(60); 5].join("."))));
    }

    #[test]
    fn a_name_has_letters_digits_and_little_else() {
        assert!(["voice-1", "voice_1.example.com", "A"].into_iter().all(is_name));
        for bad in ["", " ", "a b", "a/b", "a\nb", "a\"b", "voice-ü", "{host}"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_name(&"a".repeat(253)) && !is_name(&"a".repeat(254)));
    }
}
