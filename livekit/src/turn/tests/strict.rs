//! A TURN server as RFC 8656 has it, which tells no kindness: whoever leaves something out is refused, or the test ends.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::super::message::{
    Attribute, Builder, Class, Integrity, Key, Message, Method, channel_data, to_channel,
};

pub(super) const LENT: &str = "203.0.113.5:49152";
const REALM: &[u8] = b"example.org";
const PERMISSION: Duration = Duration::from_secs(300);
const CHANNEL: Duration = Duration::from_secs(600);

pub(super) struct Strict {
    /// Seconds that an address is lent for.
    pub lifetime: u32,
    /// Minutes that a nonce is good for; none: never.
    pub nonce_lasts: u64,
    /// What it says to a wrong password: 401, or 400 without a proof.
    pub wrong_password: u16,
    pub is_deaf: bool,
    pub banned: Option<IpAddr>,
    pub lends: SocketAddr,
    pub lent_until: Option<Instant>,
    pub began: Option<Instant>,
    pub permissions: BTreeMap<IpAddr, Instant>,
    pub channels: BTreeMap<u16, (SocketAddr, Instant)>,
    /// What went out to others.
    pub relayed: Vec<(SocketAddr, Vec<u8>)>,
    pub by_channel: usize,
    pub said_by_channel: usize,
    pub requests: usize,
    pub refreshed: usize,
    pub permitted: usize,
    pub bound: usize,
    pub stale: usize,
}

impl Default for Strict {
    fn default() -> Self {
        Self {
            lifetime: 600,
            nonce_lasts: 1000,
            wrong_password: 401,
            is_deaf: false,
            banned: None,
            lends: LENT.parse().unwrap(),
            lent_until: None,
            began: None,
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
            relayed: Vec::new(),
            by_channel: 0,
            said_by_channel: 0,
            requests: 0,
            refreshed: 0,
            permitted: 0,
            bound: 0,
            stale: 0,
        }
    }
}

impl Strict {
    pub(super) fn is_lent(&self) -> bool {
        self.lent_until.is_some()
    }

    /// As after it was started again.
    pub(super) fn forget(&mut self) {
        self.lent_until = None;
        self.permissions.clear();
        self.channels.clear();
    }

    fn nonce(&self, now: Instant) -> Vec<u8> {
        let minutes = (now - self.began.unwrap()).as_secs() / 60;
        let age = minutes.checked_div(self.nonce_lasts).unwrap_or(self.requests as u64);
        format!("nonce-{age}").into_bytes()
    }

    /// A packet from the client; the answers.
    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.began.get_or_insert(now);
        if self.is_deaf {
            return Vec::new();
        }
        if self.lent_until.is_some_and(|until| until <= now) {
            self.forget();
        }
        if let Some((number, data)) = channel_data(bytes) {
            assert!(bytes.len() - 4 - data.len() < 4, "padding alone");
            let (peer, until) = self.channels[&number];
            assert!(until > now, "the channel has lapsed");
            self.by_channel += 1;
            self.send_out(now, peer, data);
            return Vec::new();
        }
        let message = Message::read(bytes).expect("a message");
        match (message.class, message.method) {
            (Class::Indication, Method::SEND) => {
                let peer = message.address(Attribute::XOR_PEER_ADDRESS).expect("a peer");
                self.send_out(now, peer, message.get(Attribute::DATA).expect("data"));
                Vec::new()
            }
            (Class::Request, _) => {
                self.requests += 1;
                vec![self.request(now, &message)]
            }
            other => panic!("{other:?} from a client"),
        }
    }

    fn send_out(&mut self, now: Instant, peer: SocketAddr, data: &[u8]) {
        assert!(self.lent_until.is_none_or(|until| until > now), "nothing was lent");
        if self.lent_until.is_some() {
            assert!(self.permissions.get(&peer.ip()).is_some_and(|until| *until > now), "no permission");
            self.relayed.push((peer, data.to_vec()));
        }
    }

    /// A packet from somebody; what the client gets of it.
    pub(super) fn relay(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        self.permissions.get(&from.ip()).filter(|until| **until > now)?;
        let bound = self.channels.iter().find(|(_, (peer, until))| *peer == from && *until > now);
        if let Some((number, _)) = bound {
            self.said_by_channel += 1;
            return Some(to_channel(*number, data));
        }
        let data = Builder::new(Class::Indication, Method::DATA, [9; 12])
            .address(Attribute::XOR_PEER_ADDRESS, from)
            .put(Attribute::DATA, data);
        Some(data.finish())
    }

    fn request(&mut self, now: Instant, message: &Message<'_>) -> Vec<u8> {
        let refusal = |code: u16| {
            let value = [0, 0, (code / 100) as u8, (code % 100) as u8];
            Builder::new(Class::Failure, message.method, message.id).put(Attribute::ERROR_CODE, &value)
        };
        let challenge = |code: u16| {
            refusal(code).put(Attribute::REALM, REALM).put(Attribute::NONCE, &self.nonce(now)).finish()
        };
        let key = Key::long_term("ada", REALM, "secret");
        match message.integrity(&key) {
            Integrity::None => {
                assert_eq!(message.get(Attribute::USERNAME), None, "no name without a proof");
                return challenge(401);
            }
            Integrity::Bad if self.wrong_password == 401 => return challenge(401),
            Integrity::Bad => return refusal(self.wrong_password).finish(),
            Integrity::Good => {}
        }
        assert_eq!(message.get(Attribute::USERNAME), Some(&b"ada"[..]));
        assert_eq!(message.get(Attribute::REALM), Some(REALM));
        if message.get(Attribute::NONCE) != Some(&self.nonce(now)[..]) {
            let answer = challenge(438);
            self.stale += 1;
            return answer;
        }
        match self.granted(now, message) {
            Ok(answer) => answer.sign(&key),
            Err(code) => refusal(code).sign(&key),
        }
    }

    /// What a request of a known user is answered.
    fn granted(&mut self, now: Instant, message: &Message<'_>) -> Result<Builder, u16> {
        let success = Builder::new(Class::Success, message.method, message.id);
        let lifetime = Duration::from_secs(self.lifetime.into());
        if message.method == Method::ALLOCATE {
            assert_eq!(message.get(Attribute::REQUESTED_TRANSPORT), Some(&[17, 0, 0, 0][..]));
            // One that was answered before, and whose answer was lost, comes with the same number: it is the only one here.
            self.lent_until = Some(now + lifetime);
            return Ok(success
                .address(Attribute::XOR_RELAYED_ADDRESS, self.lends)
                .put(Attribute::LIFETIME, &self.lifetime.to_be_bytes()));
        }
        if self.lent_until.is_none() {
            return Err(437);
        }
        let peer = message.address(Attribute::XOR_PEER_ADDRESS);
        if peer.is_some_and(|peer| Some(peer.ip()) == self.banned) {
            return Err(403);
        }
        match message.method {
            Method::REFRESH => {
                let asked = message.number(Attribute::LIFETIME).unwrap_or(self.lifetime);
                self.refreshed += 1;
                self.lent_until = (asked > 0).then_some(now + lifetime);
                Ok(success.put(Attribute::LIFETIME, &asked.to_be_bytes()))
            }
            Method::CREATE_PERMISSION => {
                self.permitted += 1;
                self.permissions.insert(peer.ok_or(400_u16)?.ip(), now + PERMISSION);
                Ok(success)
            }
            Method::CHANNEL_BIND => {
                let peer = peer.ok_or(400_u16)?;
                let number = (message.number(Attribute::CHANNEL_NUMBER).ok_or(400_u16)? >> 16) as u16;
                assert!((0x4000..0x5000).contains(&number));
                let others = self
                    .channels
                    .iter()
                    .any(|(of, (other, until))| *until > now && ((*of == number) != (*other == peer)));
                assert!(!others, "one number, one peer");
                self.bound += 1;
                self.channels.insert(number, (peer, now + CHANNEL));
                self.permissions.insert(peer.ip(), now + PERMISSION);
                Ok(success)
            }
            other => panic!("{other:?}"),
        }
    }
}
