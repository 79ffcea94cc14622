//! A vendor's words for what [`super::RepliesCodec`] does.

use std::time::Duration;

use tokio::time::Instant;

use crate::provider::link::{Flaw, Outgoing, close_failure};
use crate::provider::tts::{UtteranceId, WordMark};
use crate::provider::{Failure, FailureClass};

/// What an interruption comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The vendor says when the reply is silent ([`Told::Silent`]).
    Told,
    /// What still comes of it bears its name and is thrown away.
    Forgotten,
    /// Only another connection is without its sound.
    Connection,
}

/// What a message says. `of` is the reply; without it the oldest one under way.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Little-endian 16-bit samples at [`Tongue::sound_hz`]; one may be cut between messages.
    Sound { of: Option<UtteranceId>, bytes: Vec<u8> },
    /// Words, by the time since the reply's first sample.
    Words { of: Option<UtteranceId>, words: Vec<WordMark> },
    /// All sound of a reply has come, if its text has ended.
    Over { of: Option<UtteranceId> },
    /// An interrupted reply is silent.
    Silent { of: Option<UtteranceId> },
    /// Characters that the vendor bills for a reply.
    Billed { of: Option<UtteranceId>, characters: u64 },
    /// A reply has failed; without `of` the connection.
    Failed { of: Option<UtteranceId>, failure: Failure },
}

impl Told {
    pub(super) fn of(&self) -> Option<UtteranceId> {
        match self {
            Self::Sound { of, .. }
            | Self::Words { of, .. }
            | Self::Over { of }
            | Self::Silent { of }
            | Self::Billed { of, .. }
            | Self::Failed { of, .. } => *of,
        }
    }
}

/// What comes of a message or an order.
#[derive(Debug, Default)]
pub struct Reaction {
    pub told: Vec<Told>,
    /// To the vendor, in order.
    pub messages: Vec<Outgoing>,
}

impl Reaction {
    /// Say something to the session.
    pub fn tell(&mut self, told: Told) {
        self.told.push(told);
    }

    /// Send a text message.
    pub fn send(&mut self, text: impl ToString) {
        self.messages.push(Outgoing::Text(text.to_string()));
    }
}

/// A vendor's words. Text is without white space at its ends and never empty; nothing is said to it of a reply after its end, its
/// interruption or [`Tongue::forget`].
pub trait Tongue: Send {
    fn vendor(&self) -> &'static str;
    /// How many replies it speaks at once on a connection, interrupted ones that are not silent included.
    fn replies_max(&self) -> usize;
    /// The rate at which its sound comes.
    fn sound_hz(&self) -> u32;

    /// A connection stands, on which nothing is known of the one before it.
    fn open(&mut self, _to: &mut Reaction) {}
    /// Speak this too.
    fn speak(&mut self, utterance: UtteranceId, text: &str, now: Instant, to: &mut Reaction);
    /// No more text: tell [`Told::Over`] once it is spoken.
    fn end(&mut self, utterance: UtteranceId, to: &mut Reaction);
    /// Nothing more of it is wanted.
    fn cancel(&mut self, utterance: UtteranceId, to: &mut Reaction) -> Cancelled;
    /// The reply is over; its name may be forgotten.
    fn forget(&mut self, utterance: UtteranceId);
    /// The word that has begun of a reply of which nothing more will come, where the vendor tells characters.
    fn last_word(&mut self, _utterance: UtteranceId) -> Option<WordMark> {
        None
    }
    /// Whether there is text of this reply of which nothing was heard, as far as the vendor's protocol shows it.
    fn owes(&self, _utterance: UtteranceId) -> bool {
        false
    }

    /// Read a text message.
    fn text(&mut self, text: &str, now: Instant, to: &mut Reaction) -> Result<(), Flaw>;
    /// Read a binary message.
    fn binary(&mut self, _bytes: &[u8], _to: &mut Reaction) -> Result<(), Flaw> {
        Err(Flaw::Malformed("a binary message".into()))
    }

    /// After how long without a message from us the vendor needs a sign of life.
    fn keep_alive(&self) -> Duration;
    /// That sign, where there is one.
    fn stay(&mut self) -> Option<Outgoing>;
    /// How long a connection may stand without use before the vendor closes it, less a little.
    fn idle_most(&self) -> Option<Duration> {
        None
    }
    /// How long a connection may stand at all, less a little.
    fn age_most(&self) -> Option<Duration> {
        None
    }
    /// What a close frame means.
    fn closed(&self, code: Option<u16>, reason: &str) -> Failure {
        close_failure(self.vendor(), code, reason)
    }
    /// Asks the vendor to say its last words and close, where there is such a message.
    fn goodbye(&mut self) -> Option<Outgoing> {
        None
    }
}

/// The failure that an error message is, by its HTTP-like code where it has one. `word` is a code word and no free text, which could
/// quote what was spoken.
pub(in crate::provider::tts) fn reported(vendor: &str, code: Option<u64>, word: Option<&str>) -> Failure {
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
    let class = status.map_or(FailureClass::Unavailable, crate::provider::egress::class_of_status);
    let word = word.unwrap_or("no code");
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    Failure::new(class, format!("{vendor} reports an error: {word}{code}"))
}
