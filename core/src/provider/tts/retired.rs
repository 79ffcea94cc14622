//! Replies that are over, for texts that cross with an interruption.

use std::collections::VecDeque;

use super::UtteranceId;

/// How many are remembered.
const MOST: usize = 64;

/// The last replies that are over.
#[derive(Debug, Default)]
pub(super) struct Retired(VecDeque<UtteranceId>);

impl Retired {
    pub fn add(&mut self, utterance: UtteranceId) {
        if self.has(utterance) {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(utterance);
    }

    pub fn has(&self, utterance: UtteranceId) -> bool {
        self.0.contains(&utterance)
    }
}
