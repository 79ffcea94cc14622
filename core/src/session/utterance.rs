//! One reply of the bot on its way to the caller's ear: text, audio, and what of it was heard.

use std::time::Duration;

use super::books::{self, Books};
use super::event::RequestId;
use super::text::{Piece, joined};
use crate::provider::tts::{UtteranceId, WordMark};

/// Why the bot speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The opening message.
    Greeting,
    /// A reply of the model.
    Reply,
    /// A fixed phrase: a prompt or an excuse. The conversation goes on after it.
    Prompt,
    /// Words that somebody outside ordered: what the caller says before they were heard does not take them away.
    Ordered,
    /// A fixed phrase that only says that the reply takes a while.
    Filler,
    /// The last words: the call ends after them.
    Goodbye,
}

/// A reply in progress.
#[derive(Debug)]
pub struct Utterance {
    pub id: UtteranceId,
    pub kind: Kind,
    pub turn: u32,
    /// The model's own sound, of the reply to this request.
    pub sound: Option<RequestId>,
    /// It is a whole phrase, which may be kept as sound.
    pub is_phrase: bool,
    /// Pieces sent so far, or what the model's own sound says so far.
    pub sent: Vec<Piece>,
    /// The voice was told that no more text comes.
    pub end_sent: bool,
    /// The voice has given all audio; nothing more of it is wanted.
    pub audio_complete: bool,
    pub audio_ms: u32,
    pub played_ms: u32,
    pub marks: Vec<WordMark>,
    pub first_sent_at: Option<Duration>,
    pub first_audio_at: Option<Duration>,
    /// First audible sample on the wire.
    pub audible_at: Option<Duration>,
    /// First sample on the wire.
    pub started_at: Option<Duration>,
}

impl Utterance {
    /// A reply that has no text yet.
    pub fn new(id: UtteranceId, kind: Kind, turn: u32) -> Self {
        Self {
            id,
            kind,
            turn,
            sound: None,
            is_phrase: false,
            sent: Vec::new(),
            end_sent: false,
            audio_complete: false,
            audio_ms: 0,
            played_ms: 0,
            marks: Vec::new(),
            first_sent_at: None,
            first_audio_at: None,
            audible_at: None,
            started_at: None,
        }
    }

    /// Audio at hand that the caller has not heard yet, milliseconds.
    pub fn ahead_ms(&self) -> u32 {
        self.audio_ms.saturating_sub(self.played_ms)
    }

    /// Everything was said and heard.
    pub fn is_finished(&self) -> bool {
        self.audio_complete && self.ahead_ms() == 0
    }

    /// Something was sent to the voice, and nothing is left to play, and more must come.
    pub fn is_dry(&self) -> bool {
        let is_begun = self.sound.is_some() || !self.sent.is_empty();
        is_begun && !self.audio_complete && self.ahead_ms() == 0
    }

    /// This is all of it.
    pub fn send_whole(&mut self, text: Piece, now: Duration) {
        self.sent.push(text);
        self.end_sent = true;
        self.is_phrase = true;
        self.first_sent_at = Some(now);
    }

    /// More of what the model's own sound says.
    pub fn add_words(&mut self, more: &str) {
        let known = self.sent.first().map(Piece::keep).unwrap_or_default();
        let whole = format!("{known}{}", if known.is_empty() { more.trim_start() } else { more });
        if !whole.is_empty() {
            self.sent = vec![Piece::plain(&whole)];
        }
    }

    /// How long the text sent so far takes to say, milliseconds.
    pub fn expected_ms(&self) -> u32 {
        books::expected_ms(&self.sent)
    }

    /// The model's own words as far as the caller has heard them.
    pub fn heard(&self) -> String {
        if self.is_finished() {
            return joined(&self.sent);
        }
        joined(&self.split(self.played_ms).0)
    }

    /// What was sent to the voice and not heard.
    pub fn unheard(&self) -> Vec<Piece> {
        if self.is_finished() { Vec::new() } else { self.split(self.played_ms).1 }
    }

    /// The sent text cut at a place of its audio: (before, after). A word belongs to the part before when its audio ends
    /// there.
    pub fn split(&self, at_ms: u32) -> (Vec<Piece>, Vec<Piece>) {
        self.books().split(at_ms)
    }

    /// The words heard so far with their audio, as they are written.
    pub fn heard_words(&self) -> Vec<WordMark> {
        self.books().words(if self.is_finished() { self.audio_ms } else { self.played_ms })
    }

    /// What the voice says between two places of its audio: in the words that it was given, and as it is written.
    pub fn said_between(&self, from_ms: u32, until_ms: u32) -> [String; 2] {
        self.books().between(from_ms, until_ms)
    }

    /// Whether the audio at hand is long enough for every word that was sent.
    pub fn is_covered(&self) -> bool {
        if self.marks.is_empty() {
            return self.audio_ms >= self.expected_ms() / 2;
        }
        let books = Books::new(&self.sent, &self.marks, None, self.audio_ms);
        books.split(self.audio_ms).1.is_empty()
    }

    fn books(&self) -> Books<'_> {
        Books::new(&self.sent, &self.marks, self.audio_complete.then_some(self.audio_ms), self.audio_ms)
    }
}
