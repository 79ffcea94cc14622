//! Media through TURN: the LiveKit server's own, over UDP, TCP and TLS, and servers that do not do what they should.

use std::net::UdpSocket;
use std::time::Duration;

use base64::Engine;
use vox_livekit::{Impairment, JoinError, Mode, Options, Rate, RelayStats, Room, Transport};

use crate::harness::guest::HEAR;
use crate::harness::{Guest, LiveKit};

fn relay_only(mode: Mode) -> Options {
    Options { mode, hear: HEAR, transport: Transport::Relay, ..Options::default() }
}

/// Two guests hear each other; what their relays carried.
async fn hear_each_other(ada: &mut Guest, bob: &mut Guest) -> [Vec<RelayStats>; 2] {
    ada.connected().await;
    bob.connected().await;
    bob.says(Rate::Hz24000, 1000.0).await;
    ada.hears(1000.0, 0.9).await;
    ada.says(Rate::Hz8000, 440.0).await;
    bob.hears(440.0, 0.9).await;
    [ada.room.stats().await.relays, bob.room.stats().await.relays]
}

/// Those that stand, and carried sound both ways.
fn standing<'a>(relays: &'a [RelayStats], way: &str) -> Vec<&'a RelayStats> {
    let is_it = |relay: &&RelayStats| relay.server.starts_with(way) && relay.relayed.is_some();
    let standing: Vec<_> = relays.iter().filter(is_it).collect();
    assert!(standing.iter().any(|relay| relay.received > 20), "{relays:?}");
    assert!(standing.iter().any(|relay| relay.sent > 20), "{relays:?}");
    standing
}

/// Where this process's own UDP sockets lead to: ports, 0 for one that hears anybody.
fn udp_peers() -> Vec<u16> {
    let own: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/self/net/udp").unwrap();
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| own.iter().any(|inode| inode == row[9]))
        .map(|row| u16::from_str_radix(row[2].rsplit(':').next().unwrap(), 16).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_udp_and_nothing_else() {
    let server = LiveKit::with(&["--turn", "udp", "--named", "udp,127.0.0.1,own,nobody,guessed"]);
    let mut ada = Guest::join(&server, "room", "ada", relay_only(Mode::Single)).await;
    let mut bob = Guest::join(&server, "room", "bob", relay_only(Mode::Dual)).await;
    let [adas, bobs] = hear_each_other(&mut ada, &mut bob).await;
    let first = standing(&adas, "turn:127.0.0.1:");
    assert_eq!((first.len(), standing(&bobs, "turn:127.0.0.1:").len()), (1, 2), "one for each connection");
    // The same server, with credentials that are none.
    let refused = |relay: &&RelayStats| relay.failed.as_deref() == Some("it refused with 400");
    assert_eq!(adas.iter().filter(refused).count(), 1, "{adas:?}");
    assert_eq!(bobs.iter().filter(refused).count(), 2, "{bobs:?}");
    // No other socket than those to that server: nothing can have gone by another way.
    let place = first[0].server.trim_start_matches("turn:127.0.0.1:");
    let port: u16 = place.split('?').next().unwrap().parse().unwrap();
    let peers = udp_peers();
    assert!(peers.len() >= 3 && peers.iter().all(|peer| *peer == port), "{peers:?}, and TURN is at {port}");
    ada.room.leave().await;
    bob.room.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp_beside_a_server_that_is_silent() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let named = format!("udp,127.0.0.1,{},u,p", silent.local_addr().unwrap().port());
    let server = LiveKit::with(&["--turn", "tcp", "--named", &named]);
    let mut ada = Guest::join(&server, "room", "ada", relay_only(Mode::Single)).await;
    let mut bob = Guest::join(&server, "room", "bob", relay_only(Mode::Single)).await;
    let [adas, bobs] = hear_each_other(&mut ada, &mut bob).await;
    for relays in [adas, bobs] {
        let stands = standing(&relays, "turn:127.0.0.1:");
        assert!(stands.len() == 1 && stands[0].server.ends_with("?transport=tcp"), "{relays:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_whose_certificate_is_trusted() {
    let (pem, trust) = certificate();
    let place = std::env::temp_dir().join(format!("vox-test-turn-{}.pem", std::process::id()));
    std::fs::write(&place, pem).unwrap();
    let server = LiveKit::with(&["--turn", "tls", "--certificate", place.to_str().unwrap()]);
    std::fs::remove_file(&place).unwrap();
    let trusting = || Options { tls: Some(trust.clone()), ..relay_only(Mode::Single) };
    let mut ada = Guest::join(&server, "room", "ada", trusting()).await;
    let mut bob = Guest::join(&server, "room", "bob", trusting()).await;
    let [adas, bobs] = hear_each_other(&mut ada, &mut bob).await;
    assert_eq!(standing(&adas, "turns:127.0.0.1:").len(), 1, "{adas:?}");
    assert_eq!(standing(&bobs, "turns:127.0.0.1:").len(), 1, "{bobs:?}");
}

/// All packets of the direct way are lost: after two seconds media goes through a relay. Who has a direct way asks for none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_direct_way_is_closed() {
    let server = LiveKit::with(&["--turn", "udp"]);
    let closed = Impairment { loss_percent: 100, jitter: Duration::ZERO, seed: 1 };
    let any = Options { hear: HEAR, ..Options::default() };
    let behind = Options { impairment: Some(closed), ..any.clone() };
    let mut ada = Guest::join(&server, "room", "ada", behind).await;
    let mut bob = Guest::join(&server, "room", "bob", any).await;
    let [adas, bobs] = hear_each_other(&mut ada, &mut bob).await;
    assert_eq!(standing(&adas, "turn:").len(), 1);
    assert_eq!(bobs, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_relays_is_refused_where_nothing_else_may_be() {
    let server = LiveKit::start();
    let token = server.token("room", "ada");
    let refused = Room::join(&server.url, &token, relay_only(Mode::Single)).await.expect_err("no relays");
    assert!(matches!(refused, JoinError::RelayOnly) && !refused.is_transient(), "{refused}");
    assert!(refused.to_string().contains("turn_servers"), "{refused}");
}

/// A certificate of this machine with its key, in PEM, and the settings with which it is trusted.
fn certificate() -> (String, std::sync::Arc<tokio_rustls::rustls::ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let pem = |kind: &str, der: &[u8]| {
        let coded = base64::prelude::BASE64_STANDARD.encode(der);
        format!("-----BEGIN {kind}-----\n{coded}\n-----END {kind}-----\n")
    };
    let both = pem("CERTIFICATE", made.cert.der()) + &pem("PRIVATE KEY", &made.signing_key.serialize_der());
    (both, crate::harness::cable::trusting(made.cert.der()))
}
