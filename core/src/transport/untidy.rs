//! Messages of a carrier that cannot be used, by what is wrong with them. Each is left out and counted.

use std::sync::atomic::{AtomicU64, Ordering};

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
    pub fn is_lost_media(self) -> bool {
        !matches!(self, Self::Empty | Self::BadField | Self::OutOfOrder | Self::Repeated | Self::UnknownEvent)
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

#[cfg(test)]
mod tests {
    use super::*;

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
