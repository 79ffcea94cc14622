//! Messages of a carrier that cannot be used. One is left out and counted; the call goes on. It ends only when nothing else
//! has come for a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::reason::Reason;

/// Nothing but bad messages for this long ends a call.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is wrong with a message that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Untidy {
    /// No JSON object.
    NotJson,
    /// An object that nests too deep to be stored inside other documents.
    TooDeep,
    /// No event name, or one that is no text.
    NoEvent,
    /// Binary where text is expected.
    Binary,
    /// Media without a payload, or with one that is no text.
    NoPayload,
    NotBase64,
    /// A piece of 16-bit audio whose length is odd.
    HalfSample,
    /// Media without audio.
    Empty,
    /// Another field is missing or makes no sense.
    BadField,
    /// It has its place, but not now.
    OutOfOrder,
    /// A handshake message after the handshake.
    Repeated,
    UnknownEvent,
}

impl Untidy {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 12] = [
        Self::NotJson,
        Self::TooDeep,
        Self::NoEvent,
        Self::Binary,
        Self::NoPayload,
        Self::NotBase64,
        Self::HalfSample,
        Self::Empty,
        Self::BadField,
        Self::OutOfOrder,
        Self::Repeated,
        Self::UnknownEvent,
    ];

    /// The word in metrics and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::NoEvent => "no_event",
            Self::Binary => "binary",
            Self::NoPayload => "no_payload",
            Self::NotBase64 => "not_base64",
            Self::HalfSample => "half_sample",
            Self::Empty => "empty",
            Self::BadField => "bad_field",
            Self::OutOfOrder => "out_of_order",
            Self::Repeated => "repeated",
            Self::UnknownEvent => "unknown_event",
        }
    }

    /// For a carrier's engineer: what would be right.
    pub fn expected(self) -> &'static str {
        match self {
            Self::NotJson => "a text frame holds one JSON object",
            Self::TooDeep => "a message nests at most 32 levels deep",
            Self::NoEvent => "every message has an 'event' (on /talk a 'type')",
            Self::Binary => "this line carries JSON text only",
            Self::NoPayload => "media has a 'payload'",
            Self::NotBase64 => "the payload is base64",
            Self::HalfSample => "audio is 16-bit samples: an even number of bytes",
            Self::Empty => "media has audio",
            Self::BadField => "a field is missing or has the wrong type",
            Self::OutOfOrder => "the message has no meaning at this point",
            Self::Repeated => "the handshake comes once",
            Self::UnknownEvent => "the event is unknown",
        }
    }

    /// Whether it may stand for audio that was lost. The others are harmless however many there are.
    fn is_lost_media(self) -> bool {
        !matches!(self, Self::Empty | Self::BadField | Self::OutOfOrder | Self::Repeated | Self::UnknownEvent)
    }
}

/// What a decoder does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This message is left out.
    Dropped(Untidy),
    /// The protocol is broken for good: the call ends.
    Fatal(Reason),
}

impl From<Untidy> for Fault {
    fn from(untidy: Untidy) -> Self {
        Self::Dropped(untidy)
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::Fatal(reason)
    }
}

/// How many messages of a line were left out, by kind. The socket's side counts, the call's side reads.
#[derive(Debug, Default)]
pub struct Dropped([AtomicU64; Untidy::ALL.len()]);

impl Dropped {
    pub fn note(&self, untidy: Untidy) {
        self.0[untidy as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The kinds that occurred.
    pub fn counts(&self) -> Vec<(Untidy, u64)> {
        let all = Untidy::ALL.into_iter().map(|kind| (kind, self.0[kind as usize].load(Ordering::Relaxed)));
        all.filter(|(_, count)| *count > 0).collect()
    }
}

/// How long bad messages have been coming.
#[derive(Debug, Default)]
pub struct Patience {
    /// The first and the newest of those that came one upon the other.
    bad: Option<(Instant, Instant)>,
}

impl Patience {
    /// Something usable came.
    pub fn restore(&mut self) {
        self.bad = None;
    }

    /// A bad message came; the reason to end the call when that goes on for too long.
    pub fn strain(&mut self, untidy: Untidy, now: Instant) -> Result<(), Reason> {
        if !untidy.is_lost_media() {
            return Ok(());
        }
        // A lone one now and then on a line that is otherwise silent is no stream of them.
        let began = match self.bad {
            Some((began, newest)) if now.duration_since(newest) < PATIENCE => began,
            _ => now,
        };
        self.bad = Some((began, now));
        match now.duration_since(began) >= PATIENCE {
            true => Err(Reason::NothingUsable(untidy)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bad messages every so many milliseconds; the one, counted from 1, that ends the call.
    fn ends_with(untidy: Untidy, every_ms: u64, mut usable: impl FnMut(u64) -> bool) -> Option<u64> {
        let (mut patience, start) = (Patience::default(), Instant::now());
        (1..=100).find(|n| {
            if usable(*n) {
                patience.restore();
            }
            patience.strain(untidy, start + Duration::from_millis(every_ms * n)).is_err()
        })
    }

    #[test]
    fn only_a_second_of_nothing_else_ends_a_call() {
        assert_eq!(ends_with(Untidy::NotBase64, 20, |_| false), Some(51));
        assert_eq!(ends_with(Untidy::NotJson, 100, |_| false), Some(11));
        assert_eq!(ends_with(Untidy::Binary, 20, |n| n % 40 == 0), None, "one good frame in 0.8 s");
        assert_eq!(ends_with(Untidy::HalfSample, 1_000, |_| false), None, "one a second is no stream");
        for harmless in [Untidy::Empty, Untidy::Repeated, Untidy::UnknownEvent, Untidy::OutOfOrder] {
            assert_eq!(ends_with(harmless, 20, |_| false), None, "{}", harmless.as_str());
        }
    }

    #[test]
    fn each_kind_has_its_counter_and_its_word() {
        let dropped = Dropped::default();
        assert_eq!(dropped.counts(), []);
        Untidy::ALL.iter().for_each(|kind| dropped.note(*kind));
        dropped.note(Untidy::NotBase64);
        let counts = dropped.counts();
        assert_eq!(counts.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), Untidy::ALL);
        assert!(counts.iter().all(|(kind, n)| *n == 1 + u64::from(*kind == Untidy::NotBase64)));
        let words: std::collections::HashSet<_> = Untidy::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), Untidy::ALL.len());
    }
}
