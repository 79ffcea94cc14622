//! Notices a bot that says the same again and again without having been asked to.

use crate::session::words::{asks_again, words};

/// The same reply to so many different things the caller said ends the call …
const LIMIT: u32 = 3;
/// … and to the same thing, or to a wish to hear it again, after so many: two machines may be talking to each other.
const ASKED_LIMIT: u32 = 8;

/// Counts equal replies.
#[derive(Debug, Default)]
pub struct LoopGuard {
    reply: Vec<String>,
    question: Vec<String>,
    unasked: u32,
    all: u32,
}

impl LoopGuard {
    /// The bot replies `reply` to `question`. True when that is the same once too often.
    pub fn is_looping(&mut self, question: &str, reply: &str) -> bool {
        let (asked, reply) = (words(question), words(reply));
        if self.reply != reply {
            *self = Self { reply, question: asked, unasked: 1, all: 1 };
            return false;
        }
        self.all += 1;
        if asked != self.question && !asks_again(question) {
            self.unasked += 1;
        }
        self.question = asked;
        self.unasked >= LIMIT || self.all >= ASKED_LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replies_that_nobody_asked_for_count() {
        let mut guard = LoopGuard::default();
        let different = ["When do you open?", "And on Sunday?", "Where are you?"];
        let looping: Vec<bool> = different.iter().map(|q| guard.is_looping(q, "We are closed.")).collect();
        assert_eq!(looping, [false, false, true]);

        let mut guard = LoopGuard::default();
        for question in [
            "When do you open?",
            "Sorry, what?",
            "Can you repeat that?",
            "Say that again, please.",
            "Pardon?",
        ] {
            assert!(!guard.is_looping(question, "We open at nine."), "{question}");
        }
        let mut guard = LoopGuard::default();
        let mut machine = std::iter::repeat_n("Press one for sales.", 20);
        assert!(machine.any(|q| guard.is_looping(q, "Hello?")));
    }
}
