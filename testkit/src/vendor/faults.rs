//! How a scripted vendor misbehaves. One vocabulary for all three, so that a conformance suite can put the same
//! question to every client: what do you do when the far side is slow, silent, cut, lying or oversized?

use serde::{Deserialize, Serialize};

/// What goes wrong, and for which requests. Every time is in milliseconds, every random choice follows `seed`.
///
/// A *request* is one HTTP request or one WebSocket handshake; the first has index 0. Key checks (`GET /v1/models`
/// and the like) suffer the faults but do not advance the count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seed of every random choice (jitter).
    pub seed: u64,
    /// Wait before the handshake or the response head is answered.
    pub accept_delay_ms: u64,
    /// Wait between the answered head and the first message or body byte.
    pub first_byte_delay_ms: u64,
    /// Each message is held back for a random time up to this; order is kept.
    pub jitter_ms: u64,
    /// Accept, then never say anything: no message, no body, no close.
    pub silent: bool,
    /// Accept, then neither read nor write, with the connection left open.
    pub half_open: bool,
    /// Write no faster than this many bytes in a second.
    pub drip_bytes_per_s: Option<u32>,
    /// When to cut the connection; a TCP reset unless `close_code` is given.
    pub cut_after: Option<Cut>,
    /// Refuse with this status and the vendor's own body: 401, 402, 403, 429, 500, 502, 503.
    pub status: Option<u16>,
    /// Close the WebSocket with this code: at `cut_after`, or as soon as it is open. A streamed model answer is ended
    /// by the vendor's error event when this is a status from 500 to 599, and otherwise reset.
    pub close_code: Option<u16>,
    /// Falsehoods mixed into what is sent, told in turn.
    pub lies: Vec<Lie>,
    /// One lie before every n-th genuine message; 0 counts as 1.
    pub lie_every: u32,
    /// Begin with one well-formed message of this many megabytes.
    pub oversized_mb: Option<u32>,
    /// Sent as `retry-after` (whole seconds, rounded up) and `retry-after-ms` with a refusing `status`.
    pub retry_after_ms: Option<u64>,
    /// The first n requests are served without fault.
    pub after: u32,
    /// After those, only n requests suffer; all of them when absent.
    pub fail_first: Option<u32>,
}

/// The point at which a connection is cut, counted from the accepted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// After this many messages (WebSocket messages or server-sent events).
    Messages(u32),
    /// After this many bytes on the wire, heads and framing included. Always a TCP reset.
    Bytes(u64),
    /// After this long.
    Ms(u64),
}

/// One kind of falsehood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// The first half of a message, which is not JSON.
    MalformedJson,
    /// A copy of the message in which every string is a number and every number a string.
    WrongTypes,
    /// A well-formed event of a kind the vendor does not have.
    UnknownEvent,
    /// The message comes after its successor.
    OutOfOrder,
    /// The message comes twice.
    Duplicate,
    /// A message for a context, choice or channel that the client never opened.
    UnknownContext,
    /// A copy of the message whose times or index go backwards.
    WrongSequence,
}

impl Faults {
    /// Suffer only the first `count` requests (counted after [`Faults::after`]).
    pub fn fail_first(mut self, count: u32) -> Self {
        self.fail_first = Some(count);
        self
    }

    /// Serve the first `count` requests without fault.
    pub fn after(mut self, count: u32) -> Self {
        self.after = count;
        self
    }

    /// The faults that the request with this index suffers; the harmless default when it is spared.
    pub fn for_request(&self, index: u32) -> Self {
        let suffers = match index.checked_sub(self.after) {
            None => false,
            Some(since) => self.fail_first.is_none_or(|count| since < count),
        };
        if suffers { self.clone() } else { Self { seed: self.seed, ..Self::default() } }
    }

    /// Whether the client hears nothing once its request is accepted.
    pub(crate) fn is_mute(&self) -> bool {
        self.silent || self.half_open
    }
}

/// A small seeded generator (splitmix64): the same seed gives the same faults on every machine and release.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Begin with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any value.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A value from 0 to `most`, both included.
    pub fn up_to(&mut self, most: u64) -> u64 {
        self.roll() % most.saturating_add(1).max(1)
    }

    /// An identifier in the form of a version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_the_requests_they_are_aimed_at() {
        let faults = Faults { silent: true, ..Faults::default() }.after(1).fail_first(2);
        let struck: Vec<bool> = (0..5).map(|index| faults.for_request(index).silent).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn an_identifier_looks_like_a_random_uuid_and_follows_its_seed() {
        let id = Dice::new(7).uuid();
        assert_eq!(id, Dice::new(7).uuid());
        assert_ne!(id, Dice::new(8).uuid());
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8'..=b'b'));
    }
}
