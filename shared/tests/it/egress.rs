//! What a user may make Vox connect to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use url::{Host, Url};
use vox_shared::egress::{AllowList, Policy, Refused};
use vox_shared::env::Env;

/// Ways to write an address that is not public, or a URL that is not a place to connect to.
const REFUSED_URLS: &[&str] = &[
    // This machine, plainly.
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/v1",
    "https://127.0.0.1/",
    "ws://127.0.0.1/",
    "wss://127.0.0.1/",
    "http://127.0.0.53/",
    "http://127.255.255.254/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://LocalHost:9200/",
    "http://localhost./",
    "http://foo.localhost/",
    "http://foo.bar.localhost./",
    "http://[::1]/",
    "http://[::1]:6379/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/",
    "http://[::]/",
    "http://0.0.0.0/",
    "http://0.0.0.0:27017/",
    "http://0.1.2.3/",
    // This machine, in other number systems and short forms.
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0X7F000001/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0177.0x0.0.01/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0x7f.1/",
    "http://0177.1/",
    "http://0/",
    "http://0x0/",
    "http://00/",
    "http://127.0.0.1./",
    "http://127.1./",
    "http://0x7F.1./",
    // Characters that become digits and dots.
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://%6c%6f%63%61%6c%68%6f%73%74/",
    "http://loc\u{ad}alhost/",
    "http://local\thost/",
    "http://127.0.\n0.1/",
    "  http://127.0.0.1/  ",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "HTTP://127.0.0.1/",
    // Private networks.
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://10.1/",
    "http://167772161/",
    "http://0xa000001/",
    "http://012.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://0xac100001/",
    "http://192.168.0.1/",
    "http://192.168.1/",
    "http://192.168.257/",
    "http://3232235521/",
    "http://0300.0250.0.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    // Metadata services.
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254:80/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://169.254.170.2/v2/credentials",
    "http://169.254.170.23/v1/credentials",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/latest/",
    "http://168.63.129.16/",
    "http://[fd00:ec2::254]/",
    "http://[fd00:ec2::23]/",
    "http://[fd20:ce::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[2002:a9fe:a9fe::]/",
    // IPv4 inside IPv6.
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "http://[::FFFF:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:192.168.1.1]/",
    "http://[::ffff:0.0.0.0]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::8.8.8.8]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a00:1]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[2002:c0a8:101::1]/",
    "http://[2001::1]/",
    "http://[2001:0:53aa:64c::80ff:fffe]/",
    // Other parts of IPv6.
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[2001:20::1]/",
    "http://[3fff::1]/",
    "http://[3ffe::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://[1::1]/",
    // Not for hosts.
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.254/",
    "http://255.255.255.255/",
    "http://4294967295/",
    // Credentials, also those that make an address look like another.
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://:password@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://example.com%2f@127.0.0.1/",
    "http://a:b@c:d@127.0.0.1/",
    // Other schemes.
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "ftp://example.com/",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stats",
    "ldap://example.com/",
    "tftp://example.com/x",
    "unix:/run/vox.sock",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "blob:http://example.com/1",
    "view-source:http://127.0.0.1/",
    "jar:http://127.0.0.1!/",
    "httpx://example.com/",
    // No address at all.
    "",
    "/v1/chat",
    "//example.com/",
    "example.com",
    "127.0.0.1:8080",
    "http://",
    "http:///",
    "http://[::1/",
    "http://[v1.fe80::a+en1]/",
    "http://256.256.256.256/",
    "http://0x7f.0.0.256/",
    "http://1.2.3.4.5/",
    "http://4294967296/",
    "http://exa mple.com/",
    "http://example.com:99999/",
];

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
