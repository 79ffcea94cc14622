//! A client and a server that takes nothing which the standard forbids, in virtual time.

mod strict;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::message::{Attribute, Builder, Class, Key, Message, Method, to_channel};
use super::*;
use strict::{LENT, Strict};

const PEER: &str = "198.51.100.9:7882";

fn peer() -> SocketAddr {
    PEER.parse().unwrap()
}

fn credentials(password: &str) -> Credentials {
    Credentials { user: "ada".to_owned(), password: password.to_owned().into() }
}

/// Both, and the network between them.
struct World {
    client: Client,
    server: Strict,
    carriage: Carriage,
    now: Instant,
    start: Instant,
    /// Of so many packets, both ways counted, one is lost; none: none is.
    loses_one_of: usize,
    passed: usize,
    /// What the client said to its own side.
    said: Vec<Output>,
    sent: usize,
}

impl World {
    fn new(carriage: Carriage, server: Strict) -> Self {
        Self::with(carriage, server, "secret")
    }

    fn with(carriage: Carriage, server: Strict, password: &str) -> Self {
        let now = Instant::now();
        let client = Client::new(credentials(password), carriage, now);
        Self {
            client,
            server,
            carriage,
            now,
            start: now,
            loses_one_of: 0,
            passed: 0,
            said: Vec::new(),
            sent: 0,
        }
    }

    fn is_lost(&mut self) -> bool {
        self.passed += 1;
        self.loses_one_of > 0 && self.passed.is_multiple_of(self.loses_one_of)
    }

    /// What the client says until it has no more to say.
    fn settle(&mut self) {
        while let Some(output) = self.client.next_output() {
            let Output::Packet(bytes) = output else {
                self.said.push(output);
                continue;
            };
            self.sent += 1;
            assert!(self.carriage == Carriage::Datagrams || bytes.len() % 4 == 0, "padded");
            if self.is_lost() {
                continue;
            }
            for answer in self.server.receive(self.now, &bytes) {
                if !self.is_lost() {
                    self.client.handle(self.now, &answer);
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        let mut moments = 0;
        while let Some(due) = self.client.due().filter(|due| *due <= end) {
            moments += 1;
            assert!(moments < 10_000, "a standstill");
            self.now = due.max(self.now);
            self.client.timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn says(&mut self, data: &[u8]) {
        self.client.send(self.now, peer(), data);
        self.settle();
    }

    fn comes(&mut self, from: SocketAddr, data: &[u8]) -> Vec<Output> {
        self.said.clear();
        if let Some(bytes) = self.server.relay(self.now, from, data) {
            self.client.handle(self.now, &bytes);
        }
        self.settle();
        std::mem::take(&mut self.said)
    }

    /// With an address, and somebody to talk to.
    fn standing(carriage: Carriage, server: Strict) -> Self {
        let mut world = Self::new(carriage, server);
        world.pass(Duration::from_millis(100));
        assert_eq!(world.said, [Output::Allocated(LENT.parse().unwrap())]);
        world.says(b"first");
        world
    }
}

#[test]
fn an_address_is_lent_and_both_ways_go_through_it() {
    for carriage in [Carriage::Datagrams, Carriage::Stream] {
        let mut world = World::standing(carriage, Strict::default());
        assert_eq!(world.server.relayed, [(peer(), b"first".to_vec())], "it waited for the permission");
        let echo = Output::Data { from: peer(), bytes: b"echo".to_vec() };
        assert_eq!(world.comes(peer(), b"echo"), [echo]);
        for number in 0..20_u8 {
            world.says(&[number; 5]);
        }
        assert_eq!(world.server.relayed.len(), 21, "nothing was lost");
        assert!(world.server.by_channel >= 12, "{}", world.server.by_channel);
        let back = Output::Data { from: peer(), bytes: b"back!".to_vec() };
        assert_eq!(world.comes(peer(), b"back!"), [back]);
        assert!(world.server.said_by_channel > 0);
        world.client.close();
        world.settle();
        assert!(!world.server.is_lent(), "given back");
        assert_eq!(world.client.due(), None);
    }
}

/// An hour of a call: nothing lapses, whatever is short, and no more is asked than is needed.
#[test]
fn what_was_lent_is_kept_for_an_hour() {
    for (lifetime, refreshes) in [(600, 6..8), (120, 58..62), (10, 700..730)] {
        let mut world = World::standing(Carriage::Datagrams, Strict { lifetime, ..Strict::default() });
        for _ in 0..3600 {
            world.pass(Duration::from_secs(1));
            world.says(b"on and on");
        }
        assert_eq!(world.server.relayed.len(), 3601, "lifetime {lifetime}");
        assert!(world.server.is_lent());
        let asked = world.server.refreshed;
        assert!(refreshes.contains(&asked), "lifetime {lifetime}: {asked}");
        assert!((14..=16).contains(&world.server.permitted), "{}", world.server.permitted);
        assert!((6..=8).contains(&world.server.bound), "{}", world.server.bound);
    }
}

/// To whom nothing is sent nothing is kept open, and it can be had again.
#[test]
fn who_is_idle_lapses_and_is_had_back() {
    let mut world = World::standing(Carriage::Datagrams, Strict::default());
    (0..10).for_each(|_| world.says(b"much"));
    world.pass(Duration::from_secs(3600));
    assert!(world.server.is_lent());
    assert!(world.server.permitted <= 3, "{}", world.server.permitted);
    assert_eq!(world.comes(peer(), b"late"), [], "the server lets nobody in");
    let before = world.server.relayed.len();
    (0..10).for_each(|_| world.says(b"again"));
    assert_eq!(world.server.relayed.len(), before + 10);
}

#[test]
fn a_stale_nonce_is_replaced() {
    let mut world = World::standing(Carriage::Stream, Strict { nonce_lasts: 1, ..Strict::default() });
    for _ in 0..600 {
        world.pass(Duration::from_secs(1));
        world.says(b"on");
    }
    assert!(world.server.stale >= 3, "{}", world.server.stale);
    assert_eq!(world.server.relayed.len(), 601);
}

#[test]
fn a_wrong_password_is_told() {
    for (answers, failure) in [(401, Failure::Credentials), (400, Failure::Refused(400))] {
        let server = Strict { wrong_password: answers, ..Strict::default() };
        let mut world = World::with(Carriage::Datagrams, server, "guess");
        world.pass(Duration::from_secs(60));
        assert_eq!(world.said, [Output::Failed(failure)]);
        assert_eq!(world.sent, 2, "it is not tried again");
        assert_eq!(world.client.due(), None);
    }
}

/// A nonce that is stale each time is no way to keep a client busy.
#[test]
fn a_server_that_never_is_content_is_left() {
    let mut world = World::new(Carriage::Datagrams, Strict { nonce_lasts: 0, ..Strict::default() });
    world.pass(Duration::from_secs(60));
    assert_eq!(world.said, [Output::Failed(Failure::Refused(438))]);
    assert!(world.sent < 6, "{}", world.sent);
}

#[test]
fn a_silent_server_is_left_in_time() {
    for (carriage, sends, after) in [(Carriage::Datagrams, 5, 11_500), (Carriage::Stream, 1, 10_000)] {
        let mut world = World::new(carriage, Strict { is_deaf: true, ..Strict::default() });
        world.pass(Duration::from_millis(after - 1));
        assert_eq!((world.said.len(), world.sent), (0, sends));
        world.pass(Duration::from_millis(1));
        assert_eq!(world.said, [Output::Failed(Failure::Silent)]);
        assert_eq!(world.now - world.start, Duration::from_millis(after));
    }
}

#[test]
fn lost_packets_are_sent_again() {
    let mut world = World::new(Carriage::Datagrams, Strict::default());
    world.loses_one_of = 3;
    world.pass(Duration::from_secs(20));
    assert_eq!(world.said, [Output::Allocated(LENT.parse().unwrap())]);
    world.says(b"probe");
    for _ in 0..3600 {
        world.pass(Duration::from_secs(1));
        world.says(b"on");
    }
    assert!(world.server.is_lent());
    assert!(world.server.relayed.len() > 2000, "{}", world.server.relayed.len());
}

#[test]
fn a_server_that_takes_the_address_back_is_told_of() {
    let mut world = World::standing(Carriage::Datagrams, Strict::default());
    world.server.forget();
    world.said.clear();
    world.pass(Duration::from_secs(600));
    assert_eq!(world.said, [Output::Failed(Failure::Lapsed)]);
    // One that says nothing any more.
    let mut world = World::standing(Carriage::Datagrams, Strict::default());
    world.server.is_deaf = true;
    world.said.clear();
    world.pass(Duration::from_secs(599));
    assert_eq!(world.said, []);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.said, [Output::Failed(Failure::Lapsed)]);
}

/// A peer that may not be reached costs nothing but itself.
#[test]
fn a_peer_that_is_refused_is_left_alone() {
    let banned: SocketAddr = "10.0.0.1:7882".parse().unwrap();
    let mut world =
        World::standing(Carriage::Datagrams, Strict { banned: Some(banned.ip()), ..Strict::default() });
    let before = world.server.requests;
    for _ in 0..100 {
        world.client.send(world.now, banned, b"probe");
        world.settle();
        world.pass(Duration::from_millis(20));
    }
    assert_eq!(world.server.requests, before + 1, "asked for once in two seconds");
    world.says(b"second");
    assert_eq!(world.server.relayed.last().unwrap().1, b"second");
    // Nor is there room for more peers than a call has.
    for port in 1..1000 {
        world.client.send(world.now, SocketAddr::new([10, 0, 0, 2].into(), port), b"probe");
    }
    world.settle();
    assert!(world.server.requests < before + 40);
}

/// What a stranger says who can send us packets, and does not know the password.
#[test]
fn strangers_are_not_believed() {
    let mut world = World::standing(Carriage::Datagrams, Strict::default());
    world.said.clear();
    let stranger: SocketAddr = "192.0.2.66:5".parse().unwrap();
    let data = Builder::new(Class::Indication, Method::DATA, [1; 12])
        .address(Attribute::XOR_PEER_ADDRESS, stranger)
        .put(Attribute::DATA, b"x")
        .finish();
    for bytes in [data, to_channel(0x4007, b"x"), b"\x80\x00".to_vec(), Vec::new()] {
        world.client.handle(world.now, &bytes);
    }
    // The refresh that is due is answered by somebody else first.
    world.now += Duration::from_secs(540);
    world.client.timeout(world.now);
    let mut answered = 0;
    while let Some(Output::Packet(bytes)) = world.client.next_output() {
        let Some(request) = Message::read(&bytes).filter(|message| message.class == Class::Request) else {
            continue;
        };
        let refusal = || {
            Builder::new(Class::Failure, request.method, request.id)
                .put(Attribute::ERROR_CODE, &[0, 0, 4, 37])
        };
        let success =
            || Builder::new(Class::Success, request.method, request.id).put(Attribute::LIFETIME, &[0; 4]);
        let wrong = Key::of(b"guess");
        for forged in [refusal().finish(), refusal().sign(&wrong), success().finish(), success().sign(&wrong)]
        {
            world.client.handle(world.now, &forged);
            answered += 1;
        }
        assert_eq!(world.server.receive(world.now, &bytes).len(), 1);
    }
    assert!(answered >= 4);
    assert_eq!(world.said, []);
}

#[test]
fn an_answer_without_an_address_is_none() {
    for lent in ["0.0.0.0:5", "203.0.113.1:0"] {
        let mut world =
            World::new(Carriage::Datagrams, Strict { lends: lent.parse().unwrap(), ..Strict::default() });
        world.pass(Duration::from_secs(1));
        assert_eq!(world.said, [Output::Failed(Failure::Malformed)]);
    }
    let mut world = World::new(Carriage::Datagrams, Strict { lifetime: 0, ..Strict::default() });
    world.pass(Duration::from_secs(1));
    assert_eq!(world.said, [Output::Failed(Failure::Malformed)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// An answer of the server with some bytes changed, and any bytes: no panic, no end, no data of nobody.
    #[test]
    fn any_bytes_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut world = World::standing(Carriage::Datagrams, Strict::default());
        world.said.clear();
        let mut damaged = world.server.relay(world.now, peer(), &bytes).expect("it has a permission");
        for (at, to) in changes {
            let at = at.index(damaged.len());
            damaged[at] = to;
        }
        world.client.handle(world.now, &damaged);
        world.client.handle(world.now, &bytes);
        world.settle();
        for said in &world.said {
            prop_assert!(matches!(said, Output::Data { from, .. } if from.ip() == peer().ip()), "{said:?}");
        }
        world.says(b"still");
        prop_assert_eq!(&world.server.relayed.last().unwrap().1, b"still");
    }
}
