//! How long a pause may be before the turn counts as over.

use std::time::Duration;

use vox_shared::model::bot::TurnSettings;

use crate::session::event::PauseId;
use crate::session::spelled::{self, Wanted};
use crate::session::words::is_incomplete;

/// From this probability on a turn model's word counts as "complete".
const COMPLETE: f32 = 0.5;

/// The caller's newest pause, and what a turn model says of it.
#[derive(Debug, Default)]
pub struct Pause {
    pub id: PauseId,
    complete: Option<bool>,
}

impl Pause {
    /// The caller fell silent.
    pub fn begin(&mut self) {
        *self = Self { id: self.id + 1, complete: None };
    }

    /// A turn model has judged a pause. True when it is this one.
    pub fn judged(&mut self, id: PauseId, probability: f32) -> bool {
        let is_this = id == self.id;
        if is_this {
            self.complete = Some(probability >= COMPLETE);
        }
        is_this
    }

    /// How long it may be after these words: whoever reads a number in groups gets the longest, then the turn model decides if
    /// there is one, else the words.
    pub fn longest(&self, text: &str, wanted: Wanted, settings: &TurnSettings) -> Duration {
        let secs = if spelled::is_in_the_middle(text, wanted) {
            settings.spelling_secs
        } else if self.complete.map_or_else(|| is_incomplete(text), |complete| !complete) {
            settings.incomplete_secs
        } else {
            settings.complete_secs
        };
        Duration::from_secs_f32(secs.clamp(0.0, settings.watchdog_secs.max(0.1)))
    }
}
