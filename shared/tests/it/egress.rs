//! What a user may make Vox connect to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use url::{Host, Url};
use vox_shared::egress::{AllowList, Policy, Refused};
use vox_shared::env::Env;

use crate::refused_urls::REFUSED_URLS;

/// Public places, however they are written: `(address, host, port)`.
const ALLOWED_URLS: &[(&str, &str, u16)] = &[
    ("https://api.openai.com/v1", "api.openai.com", 443),
    ("wss://api.deepgram.com/v1/listen?model=nova-3", "api.deepgram.com", 443),
    ("http://example.com/", "example.com", 80),
    ("ws://example.com:9000/", "example.com", 9000),
    ("https://example.com:22/", "example.com", 22),
    ("HTTPS://EXAMPLE.COM/", "example.com", 443),
    ("http://8.8.8.8/", "8.8.8.8", 80),
    ("http://134744072/", "8.8.8.8", 80),
    ("http://1.1/", "1.0.0.1", 80),
    ("http://172.15.255.255/", "172.15.255.255", 80),
    ("http://172.32.0.1/", "172.32.0.1", 80),
    ("http://11.0.0.1/", "11.0.0.1", 80),
    ("http://100.63.255.255/", "100.63.255.255", 80),
    ("http://100.128.0.1/", "100.128.0.1", 80),
    ("http://169.253.255.255/", "169.253.255.255", 80),
    ("http://192.167.0.1/", "192.167.0.1", 80),
    ("http://198.20.0.1/", "198.20.0.1", 80),
    ("http://223.255.255.255/", "223.255.255.255", 80),
    ("https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]", 443),
    ("https://[2a00:1450:4001::200e]:8443/", "[2a00:1450:4001::200e]", 8443),
    ("https://[2001:4860:4860::8888]/", "[2001:4860:4860::8888]", 443),
    ("http://localhost.example.com/", "localhost.example.com", 80),
    ("http://notlocalhost/", "notlocalhost", 80),
    ("http://example.com/@127.0.0.1", "example.com", 80),
    ("http://example.com?@127.0.0.1/", "example.com", 80),
    ("http://example.com#@127.0.0.1/", "example.com", 80),
    ("http://example.com\\@127.0.0.1/", "example.com", 80),
    ("http://bücher.example/", "xn--bcher-kva.example", 80),
];

fn allowing(list: &str) -> Policy {
    Policy::new(AllowList::parse(list).unwrap())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn nothing_private_is_reached_however_it_is_written() {
    let distinct: BTreeSet<&&str> = REFUSED_URLS.iter().collect();
    assert!(distinct.len() >= 150 && distinct.len() == REFUSED_URLS.len(), "{}", distinct.len());
    let policy = Policy::default();
    for text in REFUSED_URLS {
        if let Ok(url) = Url::parse(text) {
            assert!(policy.check_url(&url).is_err(), "{text} leads to {:?}", policy.check_url(&url));
        }
    }
}

#[test]
fn public_places_are_reached() {
    let policy = Policy::default();
    for (text, host, port) in ALLOWED_URLS {
        let target =
            policy.check_url(&Url::parse(text).unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((target.host.to_string().as_str(), target.port), (*host, *port), "{text}");
        let is_tls = text.to_lowercase().starts_with("https") || text.starts_with("wss");
        assert_eq!(target.is_tls, is_tls, "{text}");
    }
}

#[test]
fn a_deployment_may_allow_ranges() {
    let policy = allowing("127.0.0.0/8, 10.1.0.0/16, ::1/128, fd00:7::/64");
    for text in ["127.0.0.1", "127.9.9.9", "10.1.2.3", "::1", "fd00:7::5", "8.8.8.8"] {
        assert_eq!(policy.check_ip(ip(text)), Ok(()), "{text}");
    }
    for text in
        ["10.2.0.1", "192.168.0.1", "169.254.169.254", "fd00:8::1", "::ffff:127.0.0.1", "::ffff:10.2.0.1"]
    {
        assert!(policy.check_ip(ip(text)).is_err(), "{text}");
    }
    for text in ["http://localhost:8080/", "ws://0x7f.1/", "http://[::1]/", "http://10.1.0.9/v1"] {
        policy.check_url(&Url::parse(text).unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let target = policy.check_url(&Url::parse("http://2130706433:81/").unwrap()).unwrap();
    assert_eq!(
        (target.host, target.port, target.is_tls),
        (Host::Ipv4("127.0.0.1".parse().unwrap()), 81, false)
    );
}

#[test]
fn an_address_within_an_address_needs_both_to_be_allowed() {
    let nat64 = allowing("64:ff9b::/96");
    assert_eq!(nat64.check_ip(ip("64:ff9b::8.8.8.8")), Ok(()));
    for text in ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"] {
        assert!(nat64.check_ip(ip(text)).is_err(), "{text}");
    }
    assert_eq!(allowing("64:ff9b::/96,10.0.0.0/8").check_ip(ip("64:ff9b::10.0.0.1")), Ok(()));
    assert_eq!(allowing("::ffff:0:0/96,127.0.0.0/8").check_ip(ip("::ffff:127.0.0.1")), Ok(()));
}

#[test]
fn a_metadata_service_is_allowed_only_by_its_own_address() {
    let wide = allowing("0.0.0.0/0,::/0");
    for text in ["169.254.169.254", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254"] {
        assert!(matches!(wide.check_ip(ip(text)), Err(Refused::Metadata(_))), "{text}");
    }
    assert_eq!(wide.check_ip(ip("10.0.0.1")), Ok(()));
    assert_eq!(allowing("169.254.169.254").check_ip(ip("169.254.169.254")), Ok(()));
}

#[test]
fn a_refusal_says_which_setting_to_change() {
    let policy = Policy::default();
    let says = |text: &str| policy.check_url(&Url::parse(text).unwrap()).unwrap_err().to_string();
    assert_eq!(
        says("http://0xa.1/"),
        "10.0.0.1 is a private address; if it is meant, add it or its range to VOX_EGRESS_ALLOW"
    );
    for text in ["http://[fe80::1]/", "http://localhost/", "http://169.254.169.254/"] {
        assert!(says(text).contains("VOX_EGRESS_ALLOW"), "{text}");
    }
    assert!(says("ftp://example.com/").contains("only http, https, ws and wss"));
    assert!(!says("http://user:hunter2@example.com/").contains("hunter2"));
}

#[test]
fn a_fault_in_the_setting_is_reported_and_allows_nothing() {
    let vars = [("VOX_EGRESS_ALLOW".to_owned(), "127.0.0.0/8,10.0.0.0/99".to_owned())];
    let mut env = Env::from_vars(vars);
    let policy = Policy::from_env(&mut env);
    assert!(policy.check_ip(ip("127.0.0.1")).is_err());
    let faults = env.finish().unwrap_err().to_string();
    assert!(faults.contains("VOX_EGRESS_ALLOW") && faults.contains("10.0.0.0/99"), "{faults}");
}
