//! What each of the bot's voices was given to say: vendors bill characters, and a voice that is dropped in the middle (at a
//! fail-over, at the end of the call) never says how many.

use crate::provider::tts::UtteranceId;

/// What one of the bot's voices was given in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Its place among the voices of the call: [`super::billed::Billed`].
    pub index: usize,
    /// As it bills them, if that is more than it was sent.
    pub characters: u64,
    /// Replies and phrases.
    pub requests: u64,
}

/// Counts them.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Sent on the open stream, and what it has billed so far.
    sent: u64,
    billed: u64,
    requests: u64,
    newest: Option<UtteranceId>,
    /// Whose stream is open.
    index: usize,
    spoken: Vec<Spoken>,
}

impl Counted {
    /// A stream of the voice with this index is opened; the one before it is over.
    pub fn open(&mut self, index: usize) {
        self.close();
        self.index = index;
    }

    /// The voice was sent this.
    pub fn sent(&mut self, utterance: UtteranceId, text: &str) {
        self.sent += text.chars().count() as u64;
        if self.newest.replace(utterance) != Some(utterance) {
            self.requests += 1;
        }
    }

    /// The voice bills this for another reply.
    pub fn billed(&mut self, characters: u64) {
        self.billed += characters;
    }

    /// All of the call until now.
    pub fn so_far(&self) -> Vec<Spoken> {
        self.clone().finish()
    }

    /// All of the call.
    pub fn finish(mut self) -> Vec<Spoken> {
        self.close();
        self.spoken
    }

    fn close(&mut self) {
        let characters = std::mem::take(&mut self.sent).max(std::mem::take(&mut self.billed));
        let requests = std::mem::take(&mut self.requests);
        self.newest = None;
        if characters == 0 {
            return;
        }
        match self.spoken.iter_mut().find(|s| s.index == self.index) {
            Some(known) => {
                known.characters += characters;
                known.requests += requests;
            }
            None => self.spoken.push(Spoken { index: self.index, characters, requests }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_is_dropped_before_it_bills_has_its_characters_counted() {
        let mut counted = Counted::default();
        counted.open(0);
        counted.sent(1, "Hello.");
        counted.billed(6);
        counted.sent(2, "नमस्ते");
        counted.sent(2, " Yes.");
        counted.open(1);
        counted.sent(2, "Yes.");
        counted.billed(9);
        counted.open(0);
        counted.open(0);
        counted.sent(3, "Bye.");
        let spoken = |index, characters, requests| Spoken { index, characters, requests };
        assert_eq!(counted.finish(), [spoken(0, 21, 3), spoken(1, 9, 1)]);
    }
}
