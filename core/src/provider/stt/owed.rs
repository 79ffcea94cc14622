//! The final words that a vendor was asked for and owes. Some answer only when there is something to answer with, so the session
//! would wait; it gets an answer in any case.

use std::time::Duration;

use tokio::time::Instant;

use super::SttEvent;

/// A vendor may leave the question unanswered when little audio was buffered; then it is answered here. Below the session's own wait
/// for a transcript, so that the session gets an answer and need not guess.
pub(super) const FINALIZE_WAIT: Duration = Duration::from_millis(700);

/// Whether final words are owed, and until when they are waited for.
#[derive(Debug, Default)]
pub(super) struct Owed {
    until: Option<Instant>,
}

impl Owed {
    /// The vendor is asked.
    pub fn ask(&mut self, now: Instant) {
        self.until = Some(now + FINALIZE_WAIT);
    }

    /// An answer has come. True when there was a question.
    pub fn paid(&mut self) -> bool {
        self.until.take().is_some()
    }

    /// When to answer instead of the vendor.
    pub fn due(&self) -> Option<Instant> {
        self.until
    }

    /// Whether that moment has come; it comes once.
    pub fn is_over(&mut self, now: Instant) -> bool {
        self.until.take_if(|until| *until <= now).is_some()
    }
}

/// The answer of a vendor that heard nothing more.
pub(super) fn nothing_more() -> SttEvent {
    SttEvent::Final {
        text: String::new(),
        confidence: None,
        words: Vec::new(),
        from_finalize: true,
        utterance_end: false,
    }
}
