//! One allocation at a TURN server (RFC 8656, 7 to 12), with the long-term credentials of RFC 8489, 9.2.
//!
//! What comes in is one message at a time, what goes out too; moments are told. What a server says counts where it proves that it knows
//! the password. A first refusal cannot do that, and some servers prove none: while the allocation is asked for, such a refusal ends it,
//! which costs a relay and nothing else; later it is passed over.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;

use super::frames::padded;
use super::message::{
    Attribute, Builder, Class, Id, Integrity, Key, Message, Method, channel_data, to_channel,
};
use super::peers::{Peers, Way, Wish};
use super::server::Credentials;

/// RFC 8489, 6.2.1: the first wait for an answer, doubled each time up to the last of these.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(4);
/// So often a request is sent over UDP: with these waits it is given up after 11.5 s, in which a caller has gone.
const SENDS: u8 = 5;
/// The same over a stream, which sends again by itself.
const STREAM_WAIT: Duration = Duration::from_secs(10);
/// So often one request is made again because of another nonce.
const TRIES: u8 = 3;
/// Refreshed so long before the end, or at half the time if there is less.
const AHEAD: Duration = Duration::from_secs(60);
/// After a refresh that was not answered.
const AGAIN: Duration = Duration::from_secs(1);
/// What a nonce and a realm may have (RFC 8489, 14.9 and 14.10: 763 bytes).
const MOST_BYTES: usize = 763;
/// UDP, as the transport of what is relayed.
const UDP: u8 = 17;

/// How messages travel to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// UDP: they are sent again.
    Datagrams,
    /// TCP and TLS: they are padded.
    Stream,
}

/// What an allocation wants done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send this to the server.
    Packet(Vec<u8>),
    /// The server lent us this address.
    Allocated(SocketAddr),
    /// This came to it.
    Data { from: SocketAddr, bytes: Vec<u8> },
    /// There is no such address, or no more. The last thing that is said.
    Failed(Failure),
}

/// Why a TURN server lends no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("it does not answer")]
    Silent,
    #[error("it takes the user or the password for wrong")]
    Credentials,
    /// By a number of RFC 8656, 19. Some servers say 400 to wrong credentials.
    #[error("it refused with {0}")]
    Refused(u16),
    #[error("what it said is not TURN")]
    Malformed,
    #[error("the address that it lent has lapsed")]
    Lapsed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Allocate,
    Refresh,
    Permit(SocketAddr),
    Bind(SocketAddr, u16),
}

impl What {
    const fn method(self) -> Method {
        match self {
            Self::Allocate => Method::ALLOCATE,
            Self::Refresh => Method::REFRESH,
            Self::Permit(_) => Method::CREATE_PERMISSION,
            Self::Bind(..) => Method::CHANNEL_BIND,
        }
    }
}

/// A request that is not answered yet.
struct Pending {
    what: What,
    id: Id,
    bytes: Vec<u8>,
    /// When it is sent again or given up.
    next: Instant,
    wait: Duration,
    sends: u8,
    tries: u8,
    is_signed: bool,
}

/// What the server asks for in a proof.
struct Challenge {
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: Key,
}

enum State {
    Asked,
    Standing { refresh: Instant, ends: Instant },
    Over,
}

pub(crate) struct Client {
    credentials: Credentials,
    carriage: Carriage,
    challenge: Option<Challenge>,
    state: State,
    pending: Vec<Pending>,
    peers: Peers,
    out: VecDeque<Output>,
}

impl Client {
    /// Ask for an address.
    pub(crate) fn new(credentials: Credentials, carriage: Carriage, now: Instant) -> Self {
        let mut client = Self {
            credentials,
            carriage,
            challenge: None,
            state: State::Asked,
            pending: Vec::new(),
            peers: Peers::new(),
            out: VecDeque::new(),
        };
        client.ask(now, What::Allocate, 0);
        client
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`timeout`](Self::timeout) is to be called at the latest; never, if all is over.
    pub(crate) fn due(&self) -> Option<Instant> {
        let own = match self.state {
            State::Standing { refresh, ends } => Some(refresh.min(ends)),
            State::Asked => None,
            State::Over => return None,
        };
        self.pending.iter().map(|pending| pending.next).chain(own).chain(self.peers.due()).min()
    }

    /// Send a packet from the address that was lent. Before there is one, and while too much waits, it is lost.
    pub(crate) fn send(&mut self, now: Instant, to: SocketAddr, data: &[u8]) {
        if !matches!(self.state, State::Standing { .. }) || data.len() > 0xFF00 {
            return;
        }
        let (way, wish) = self.peers.send(now, to, data);
        if let Some(way) = way {
            self.transmit(&way, to, data);
        }
        if let Some(wish) = wish {
            self.wish(now, wish);
        }
    }

    /// A message from the server. What is none is dropped.
    pub(crate) fn handle(&mut self, now: Instant, bytes: &[u8]) {
        if matches!(self.state, State::Over) {
            return;
        }
        if let Some((number, data)) = channel_data(bytes) {
            if let Some(from) = self.peers.of_channel(number) {
                self.out.push_back(Output::Data { from, bytes: data.to_vec() });
            }
            return;
        }
        let Some(message) = Message::read(bytes) else { return };
        match message.class {
            Class::Indication if message.method == Method::DATA => self.data(&message),
            Class::Success | Class::Failure => self.answered(now, &message),
            Class::Indication | Class::Request => {}
        }
    }

    /// A moment: at the latest that of [`due`](Self::due).
    pub(crate) fn timeout(&mut self, now: Instant) {
        self.send_again(now);
        if let State::Standing { refresh, ends } = self.state {
            if ends <= now {
                return self.fail(Failure::Lapsed);
            }
            if refresh <= now {
                self.state = State::Standing { refresh: ends, ends };
                self.ask(now, What::Refresh, 0);
            }
        }
        if !matches!(self.state, State::Over) {
            for wish in self.peers.renewals(now) {
                self.wish(now, wish);
            }
        }
    }

    /// Give the address back. Not waited for: what is not heard of it lapses.
    pub(crate) fn close(&mut self) {
        if matches!(self.state, State::Standing { .. }) {
            let message = Builder::new(Class::Request, Method::REFRESH, rand::random());
            let bytes = self.sign(message.put(Attribute::LIFETIME, &0_u32.to_be_bytes()));
            self.out.push_back(Output::Packet(bytes));
        }
        self.over();
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.pending.clear();
    }

    fn fail(&mut self, failure: Failure) {
        self.over();
        self.out.push_back(Output::Failed(failure));
    }

    fn wish(&mut self, now: Instant, wish: Wish) {
        let what = match wish {
            Wish::Permit(address) => What::Permit(address),
            Wish::Bind(address, number) => What::Bind(address, number),
        };
        self.ask(now, what, 0);
    }

    /// Send a request. `tries`: how often it was made before.
    fn ask(&mut self, now: Instant, what: What, tries: u8) {
        let id: Id = rand::random();
        let message = Builder::new(Class::Request, what.method(), id);
        let message = match what {
            What::Allocate => message.put(Attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0]),
            What::Refresh => message,
            What::Permit(address) => message.address(Attribute::XOR_PEER_ADDRESS, address),
            What::Bind(address, number) => {
                let [high, low] = number.to_be_bytes();
                message
                    .put(Attribute::CHANNEL_NUMBER, &[high, low, 0, 0])
                    .address(Attribute::XOR_PEER_ADDRESS, address)
            }
        };
        let is_signed = self.challenge.is_some();
        let bytes = self.sign(message);
        self.out.push_back(Output::Packet(bytes.clone()));
        let (wait, sends) = match self.carriage {
            Carriage::Datagrams => (FIRST_WAIT, SENDS - 1),
            Carriage::Stream => (STREAM_WAIT, 0),
        };
        self.pending.push(Pending { what, id, bytes, next: now + wait, wait, sends, tries, is_signed });
    }

    /// Before the server has told its realm nothing can be proved.
    fn sign(&self, message: Builder) -> Vec<u8> {
        let Some(challenge) = &self.challenge else { return message.finish() };
        message
            .put(Attribute::USERNAME, self.credentials.user.as_bytes())
            .put(Attribute::REALM, &challenge.realm)
            .put(Attribute::NONCE, &challenge.nonce)
            .sign(&challenge.key)
    }

    fn send_again(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(pending) = self.pending.get_mut(at) {
            if pending.next > now {
                at += 1;
            } else if pending.sends > 0 {
                pending.sends -= 1;
                pending.wait = (pending.wait * 2).min(LAST_WAIT);
                pending.next = now + pending.wait;
                self.out.push_back(Output::Packet(pending.bytes.clone()));
                at += 1;
            } else {
                let given_up = self.pending.swap_remove(at);
                self.refused(now, given_up.what, Failure::Silent);
                // If all is over by that, there are no others.
            }
        }
    }

    /// Something came to the address that was lent.
    fn data(&mut self, message: &Message<'_>) {
        let from = message.address(Attribute::XOR_PEER_ADDRESS);
        let (Some(from), Some(data)) = (from, message.get(Attribute::DATA)) else { return };
        if self.peers.may_send(from.ip()) {
            self.out.push_back(Output::Data { from, bytes: data.to_vec() });
        }
    }

    fn answered(&mut self, now: Instant, message: &Message<'_>) {
        let is_it = |pending: &Pending| pending.id == message.id && pending.what.method() == message.method;
        let Some(at) = self.pending.iter().position(is_it) else { return };
        let code = message.error_code();
        let is_challenge = message.class == Class::Failure && matches!(code, Some(401 | 438));
        let integrity = match &self.challenge {
            Some(challenge) => message.integrity(&challenge.key),
            None => Integrity::None,
        };
        let asks = self.pending[at].what;
        let is_believed = match integrity {
            Integrity::Good => true,
            Integrity::Bad => false,
            Integrity::None => is_challenge || (message.class == Class::Failure && asks == What::Allocate),
        };
        if !is_believed {
            return;
        }
        let pending = self.pending.swap_remove(at);
        match (message.class, code) {
            (Class::Success, _) => self.succeeded(now, asks, message),
            (_, Some(401 | 438)) => self.challenged(now, &pending, message),
            (_, Some(code)) => self.refused(now, asks, Failure::Refused(code)),
            (_, None) => self.refused(now, asks, Failure::Malformed),
        }
    }

    /// The server wants a proof, or another one than it got.
    fn challenged(&mut self, now: Instant, pending: &Pending, message: &Message<'_>) {
        let is_stale = message.error_code() == Some(438);
        if is_stale && pending.tries >= TRIES {
            return self.refused(now, pending.what, Failure::Refused(438));
        }
        if !is_stale && pending.is_signed {
            return self.refused(now, pending.what, Failure::Credentials);
        }
        let bounded = |attribute| message.get(attribute).filter(|value| value.len() <= MOST_BYTES);
        let (Some(realm), Some(nonce)) = (bounded(Attribute::REALM), bounded(Attribute::NONCE)) else {
            return self.refused(now, pending.what, Failure::Malformed);
        };
        let Credentials { user, password } = &self.credentials;
        let key = Key::long_term(user, realm, password.expose_secret());
        self.challenge = Some(Challenge { realm: realm.to_vec(), nonce: nonce.to_vec(), key });
        self.ask(now, pending.what, pending.tries + 1);
    }

    fn succeeded(&mut self, now: Instant, what: What, message: &Message<'_>) {
        match what {
            What::Allocate => {
                let lent = message.address(Attribute::XOR_RELAYED_ADDRESS);
                match lent.filter(|lent| !lent.ip().is_unspecified() && lent.port() != 0) {
                    Some(lent) if self.lasts(now, message) => self.out.push_back(Output::Allocated(lent)),
                    _ => self.fail(Failure::Malformed),
                }
            }
            What::Refresh => {
                if !self.lasts(now, message) {
                    self.fail(Failure::Lapsed);
                }
            }
            What::Permit(address) => {
                for data in self.peers.permitted(now, address) {
                    self.transmit(&Way::Indication, address, &data);
                }
            }
            What::Bind(address, number) => self.peers.bound(now, address, number),
        }
    }

    /// How long the allocation lasts from now on; whether it does.
    fn lasts(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let Some(seconds @ 1..) = message.number(Attribute::LIFETIME) else { return false };
        let lasts = Duration::from_secs(seconds.into());
        let refresh = if lasts > 2 * AHEAD { lasts - AHEAD } else { lasts / 2 };
        self.state = State::Standing { refresh: now + refresh, ends: now + lasts };
        true
    }

    fn refused(&mut self, now: Instant, what: What, failure: Failure) {
        match what {
            What::Allocate => self.fail(failure),
            What::Refresh => match (&mut self.state, failure) {
                (State::Standing { refresh, ends }, Failure::Silent) => *refresh = (now + AGAIN).min(*ends),
                _ => self.fail(Failure::Lapsed),
            },
            What::Permit(address) if failure == Failure::Silent => self.peers.unanswered(now, address),
            What::Permit(address) => self.peers.refused(now, address),
            What::Bind(address, _) => self.peers.unbound(address),
        }
    }

    fn transmit(&mut self, way: &Way, to: SocketAddr, data: &[u8]) {
        let message = match way {
            Way::Channel(number) => to_channel(*number, data),
            Way::Indication => Builder::new(Class::Indication, Method::SEND, rand::random())
                .address(Attribute::XOR_PEER_ADDRESS, to)
                .put(Attribute::DATA, data)
                .finish(),
        };
        let message = match self.carriage {
            Carriage::Datagrams => message,
            Carriage::Stream => padded(message),
        };
        self.out.push_back(Output::Packet(message));
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}
