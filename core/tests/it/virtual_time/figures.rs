//! What bad days showed, for the test and for `docs/benchmarks.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use super::wire::ears::transcription::Manner;
use super::world::Verdict;
use super::{LONGEST_SILENCE_MS, Run};

/// Sums over all conversations.
#[derive(Debug)]
pub struct Figures {
    failed: usize,
    fell_back: usize,
    second_requests: usize,
    common_answers: usize,
    handed_on: usize,
    ran: usize,
    of_servers: usize,
    agreed: usize,
    callbacks: usize,
    keys: usize,
    refused: usize,
    transfers: usize,
    joined: usize,
    came_back: usize,
    /// Vendors that were heard over their codecs, of each kind.
    pub vendors: BTreeSet<(&'static str, &'static str)>,
    /// How recognisers that are asked over HTTP have answered.
    pub answers_of_ears: BTreeMap<Manner, usize>,
}

impl Figures {
    pub fn of(verdicts: &[Verdict]) -> Self {
        let sum = |of: fn(&Verdict) -> usize| verdicts.iter().map(of).sum::<usize>();
        let mut answers_of_ears: BTreeMap<Manner, usize> = BTreeMap::new();
        for (manner, count) in verdicts.iter().flat_map(|v| &v.answers_of_ears) {
            *answers_of_ears.entry(*manner).or_default() += count;
        }
        Self {
            failed: sum(|v| v.failed),
            fell_back: sum(|v| v.fell_back),
            second_requests: sum(|v| v.second_requests),
            common_answers: sum(|v| v.common_answers),
            handed_on: sum(|v| v.handed_on),
            ran: sum(|v| v.ran),
            of_servers: sum(|v| v.count.of_servers),
            agreed: sum(|v| v.count.agreed),
            callbacks: sum(|v| v.count.callbacks),
            keys: sum(|v| v.count.keys),
            refused: sum(|v| v.refused),
            transfers: sum(|v| v.count.transfers),
            joined: sum(|v| v.joined),
            came_back: sum(|v| v.came_back),
            vendors: verdicts.iter().flat_map(|v| v.heard.iter().copied()).collect(),
            answers_of_ears,
        }
    }

    /// What is so rare that a few hundred conversations may not have it.
    pub fn check_rare(&self) {
        assert!(self.agreed > 0, "the caller was asked in vain: {self:?}");
    }

    /// All else was tried.
    pub fn check(&self) {
        let tried = [
            self.failed,
            self.fell_back,
            self.second_requests,
            self.common_answers,
            self.handed_on,
            self.ran,
            self.of_servers,
            self.callbacks,
            self.keys,
            self.refused,
            self.transfers,
            self.joined,
            self.came_back,
        ];
        assert!(tried.iter().all(|count| *count > 0), "not all of it was tried: {self:?}");
    }

    /// Counts, and no times: the same seeds give the same file.
    pub fn write(&self, path: &Path, run: &Run, conversations: u64) {
        let counts = json!({
            "conversations": conversations,
            "replies": run.replies,
            "interrupted": run.interrupted,
            "ended_by_bot": run.ended_by_bot,
            "longest_owed_silence_ms": run.longest_owed_silence_ms,
            "target_silence_ms": LONGEST_SILENCE_MS,
            "failed": self.failed,
            "fell_back": self.fell_back,
            "second_requests": self.second_requests,
            "common_answers": self.common_answers,
            "handed_on": self.handed_on,
            "tools_ran": self.ran,
            "tools_of_servers": self.of_servers,
            "tools_agreed": self.agreed,
            "callbacks": self.callbacks,
            "keys": self.keys,
            "tools_refused": self.refused,
            "transfers": self.transfers,
            "people_joined": self.joined,
            "callers_back": self.came_back,
        });
        std::fs::write(path, format!("{counts:#}\n")).expect("the counts are written");
    }
}
