//! A relay as those meet it who may send it anything: the server, proved or not, and whoever stands between.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::message::{Attribute, Builder, Class, Id, Key, Message, Method};
use super::{Carriage, Client, Credentials, Frames, Output};

const USER: &str = "u";
const PASSWORD: &str = "p";
const REALM: &[u8] = b"r";
/// What a client may have to say at most about one message.
const MOST: usize = 10_000;

/// Read a list of messages: of each a byte that says what it is, two of length (little endian), and so many bytes. The first byte of all
/// says how they travel: an even one in datagrams, an odd one in a stream.
///
/// `0` what came through the socket, `1` a refusal of the last request that wants a proof (401, or 438 if the first byte is odd), `2` an
/// answer to it with a proof: a byte, odd for a refusal, then attributes of a kind (two bytes, big endian), a length (one) and a value,
/// `3` a packet to send to somebody (four bytes of address, two of port), `4` time that passes, in tenths of seconds (one byte), `5` a packet
/// that came, in an indication: address and port as above. Another number is read as the rest of its division by six.
///
/// How much was said to the program: addresses that were lent and packets that came.
pub(crate) fn read(bytes: &[u8]) -> usize {
    let Some((first, mut bytes)) = bytes.split_first() else { return 0 };
    let carriage = if first % 2 == 0 { Carriage::Datagrams } else { Carriage::Stream };
    let mut door = Door::new(carriage, Instant::now());
    while let Some((head, rest)) = bytes.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([head[1], head[2]])).min(rest.len());
        let (message, rest) = rest.split_at(length);
        bytes = rest;
        door.step(head[0] % 6, message);
        door.settle();
    }
    door.said
}

struct Door {
    client: Client,
    carriage: Carriage,
    frames: Frames,
    now: Instant,
    last: Option<(Method, Id)>,
    said: usize,
}

impl Door {
    fn new(carriage: Carriage, now: Instant) -> Self {
        let credentials = Credentials { user: USER.to_owned(), password: PASSWORD.to_owned().into() };
        let client = Client::new(credentials, carriage, now);
        let mut door = Self { client, carriage, frames: Frames::default(), now, last: None, said: 0 };
        door.settle();
        door
    }

    fn step(&mut self, kind: u8, message: &[u8]) {
        match (kind, self.last) {
            (0, _) => self.comes(message),
            (1, Some((method, id))) => {
                let number = if message.first().is_some_and(|byte| byte % 2 == 1) { 38 } else { 1 };
                let refusal = Builder::new(Class::Failure, method, id)
                    .put(Attribute::ERROR_CODE, &[0, 0, 4, number])
                    .put(Attribute::REALM, REALM)
                    .put(Attribute::NONCE, message);
                self.comes(&refusal.finish());
            }
            (2, Some((method, id))) => {
                let (class, attributes) = message.split_first().unwrap_or((&0, &[]));
                let class = if class % 2 == 0 { Class::Success } else { Class::Failure };
                let answer = with_attributes(Builder::new(class, method, id), attributes);
                self.comes(&answer.sign(&Key::long_term(USER, REALM, PASSWORD)));
            }
            (3, _) => {
                if let Some((to, data)) = addressed(message) {
                    self.client.send(self.now, to, data);
                }
            }
            (4, _) => {
                self.now += Duration::from_millis(100) * u32::from(message.first().copied().unwrap_or(1));
                self.client.timeout(self.now);
            }
            (5, _) => {
                if let Some((from, data)) = addressed(message) {
                    let indication = Builder::new(Class::Indication, Method::DATA, [0; 12])
                        .address(Attribute::XOR_PEER_ADDRESS, from)
                        .put(Attribute::DATA, data);
                    self.comes(&indication.finish());
                }
            }
            _ => {}
        }
    }

    fn comes(&mut self, bytes: &[u8]) {
        if self.carriage == Carriage::Datagrams {
            return self.client.handle(self.now, bytes);
        }
        self.frames.push(bytes);
        loop {
            match self.frames.next_message() {
                Ok(Some(message)) => self.client.handle(self.now, &message),
                Ok(None) => return,
                // The connection would end.
                Err(_) => self.frames = Frames::default(),
            }
        }
    }

    fn settle(&mut self) {
        for said in 0.. {
            assert!(said < MOST, "a message without end");
            match self.client.next_output() {
                Some(Output::Packet(bytes)) => {
                    let request = Message::read(&bytes).filter(|message| message.class == Class::Request);
                    self.last = request.map(|message| (message.method, message.id)).or(self.last);
                }
                Some(Output::Allocated(_) | Output::Data { .. }) => self.said += 1,
                Some(Output::Failed(_)) => assert!(self.client.due().is_none(), "over is over"),
                None => return,
            }
        }
    }
}

fn with_attributes(mut message: Builder, mut attributes: &[u8]) -> Builder {
    while let Some((head, rest)) = attributes.split_first_chunk::<3>() {
        let (value, rest) = rest.split_at(usize::from(head[2]).min(rest.len()));
        message = message.put(Attribute(u16::from_be_bytes([head[0], head[1]])), value);
        attributes = rest;
    }
    message
}

fn addressed(message: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (head, data) = message.split_first_chunk::<6>()?;
    let [a, b, c, d, high, low] = *head;
    Some((([a, b, c, d], u16::from_be_bytes([high, low])).into(), data))
}
