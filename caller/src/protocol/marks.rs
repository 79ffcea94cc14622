//! The marks of a carrier that tells when it has played what was sent before them.

use super::{Effect, Intake};
use crate::violation::Rule;

/// Most marks that may be outstanding before the codec stops keeping their names.
const MARKS_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Marks {
    outstanding: Vec<String>,
    has_audio: bool,
}

impl Marks {
    /// Sound came.
    pub(super) fn audio(&mut self) {
        self.has_audio = true;
    }

    /// The server sent a mark.
    pub(super) fn sent(&mut self, name: String, intake: &Intake<'_>) -> Option<Effect> {
        if !self.has_audio {
            intake.note(Rule::MarkOrder, || format!("mark {name:?} before any audio"));
        }
        if self.outstanding.contains(&name) {
            intake.note(Rule::MarkOrder, || format!("mark {name:?} while it is outstanding"));
        }
        if self.outstanding.len() >= MARKS_MAX {
            intake.note(Rule::MarkOrder, || format!("{MARKS_MAX} marks are outstanding"));
            return None;
        }
        self.outstanding.push(name.clone());
        Some(Effect::Mark(name))
    }

    /// Everything before it was played. False of one that is not waited for any more.
    pub(super) fn played(&mut self, name: &str) -> bool {
        let at = self.outstanding.iter().position(|mark| mark == name);
        at.map(|at| self.outstanding.remove(at)).is_some()
    }

    /// What was outstanding does not come back: the carrier dropped the sound before it.
    pub(super) fn forget(&mut self) {
        self.outstanding.clear();
    }
}
