//! Voicing: from detector windows to "speech began" and "speech ended", with hysteresis, a loudness gate above
//! the measured noise floor, and the acoustic end of speech to 8 ms.

use std::time::Duration;

use vox_shared::model::bot::VadSettings;

use super::event::{LEVELS_PER_WINDOW, Window};
use crate::media::level::AUDIBLE_DB;

/// Length of a detector window.
pub const WINDOW: Duration = Duration::from_millis(32);
/// The noise floor never counts as lower than this: digital silence is no floor to measure from.
const FLOOR_MIN_DB: f32 = -70.0;
/// Where the noise floor stands before anything was heard.
const FLOOR_START_DB: f32 = -60.0;
/// The floor falls at once to a quieter window and rises this much per window of non-speech (about 3 dB a second).
const FLOOR_RISE_DB: f32 = 0.1;
/// Below this probability a window may teach the noise floor.
const CLEAR_NON_SPEECH: f32 = 0.2;

/// What a window changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Speech began; it really began at `since`.
    Began { since: Duration, probability: f32 },
    /// Speech ended; the last audible sample was at `acoustic_end`.
    Ended { acoustic_end: Duration, probability: f32 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Quiet,
    /// Speech-like since, not yet for long enough.
    Starting {
        since: Duration,
    },
    Speaking,
    /// Quiet since, not yet for long enough.
    Stopping {
        since: Duration,
    },
}

/// Whether the caller speaks, as far as sound tells..
#[derive(Debug)]
pub struct Voicing {
    settings: VadSettings,
    state: State,
    floor_db: f32,
    loud_until: Duration,
}

impl Voicing {
    /// An ear that has heard nothing yet.
    pub fn new(settings: VadSettings) -> Self {
        Self { settings, state: State::Quiet, floor_db: FLOOR_START_DB, loud_until: Duration::ZERO }
    }

    /// By other settings from now on. What is known of the line stays.
    pub fn set(&mut self, settings: VadSettings) {
        self.settings = settings;
    }

    /// Whether the caller is speaking (or only just stopped).
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking | State::Stopping { .. })
    }

    /// Whether the newest window was speech, and not the pause behind it.
    pub fn is_voiced(&self) -> bool {
        self.state == State::Speaking
    }

    /// Take a window.
    pub fn push(&mut self, window: &Window) -> Option<Change> {
        let loudest = window.levels_db.iter().copied().fold(f32::MIN, f32::max);
        self.learn_floor(window.probability, loudest);
        let loud = self.settings.min_volume <= 0.0 || loudest >= self.floor_db + self.settings.min_volume;
        self.note_loudness(window);
        let begins = window.ends_at.saturating_sub(WINDOW);
        let on = loud && window.probability >= self.settings.confidence;
        let off = !loud || window.probability < self.settings.off_confidence;
        match self.state {
            State::Quiet if on => {
                self.state = State::Starting { since: begins };
                self.begin_if_long(window)
            }
            State::Starting { .. } if off => {
                self.state = State::Quiet;
                None
            }
            State::Starting { .. } => self.begin_if_long(window),
            State::Speaking if off => {
                self.state = State::Stopping { since: begins };
                self.end_if_long(window)
            }
            State::Stopping { .. } if on => {
                self.state = State::Speaking;
                None
            }
            State::Stopping { .. } => self.end_if_long(window),
            State::Quiet | State::Speaking => None,
        }
    }

    fn begin_if_long(&mut self, window: &Window) -> Option<Change> {
        let State::Starting { since } = self.state else { return None };
        // Half a window of tolerance: 100 ms are three windows, not four.
        let needed = Duration::from_secs_f32(self.settings.start_secs.max(0.0)).saturating_sub(WINDOW / 2);
        if window.ends_at.saturating_sub(since) < needed {
            return None;
        }
        self.state = State::Speaking;
        Some(Change::Began { since, probability: window.probability })
    }

    fn end_if_long(&mut self, window: &Window) -> Option<Change> {
        let State::Stopping { since } = self.state else { return None };
        let needed = Duration::from_secs_f32(self.settings.stop_secs.max(0.0)).saturating_sub(WINDOW / 2);
        if window.ends_at.saturating_sub(since) < needed {
            return None;
        }
        self.state = State::Quiet;
        Some(Change::Ended {
            acoustic_end: self.loud_until.min(since + WINDOW),
            probability: window.probability,
        })
    }

    fn learn_floor(&mut self, probability: f32, level_db: f32) {
        if level_db < self.floor_db {
            self.floor_db = level_db.max(FLOOR_MIN_DB);
        } else if probability < CLEAR_NON_SPEECH {
            self.floor_db = (self.floor_db + FLOOR_RISE_DB).min(level_db);
        }
    }

    fn note_loudness(&mut self, window: &Window) {
        if window.probability < self.settings.off_confidence {
            return;
        }
        // The faint tail of a word, which no listener hears, is not the end of speech.
        let threshold = (self.floor_db + self.settings.min_volume.max(3.0)).max(AUDIBLE_DB);
        let quarter = WINDOW / u32::try_from(LEVELS_PER_WINDOW).expect("four fits");
        for (i, level) in window.levels_db.iter().enumerate().rev() {
            if *level >= threshold {
                let left = u32::try_from(LEVELS_PER_WINDOW - 1 - i).expect("four fits");
                self.loud_until = self.loud_until.max(window.ends_at.saturating_sub(quarter * left));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs windows given as (probability, level) and returns what changed and at which window.
    fn run(windows: &[(f32, f32)]) -> Vec<(usize, Change)> {
        let mut voicing = Voicing::new(VadSettings::default());
        let mut changes = Vec::new();
        for (i, (probability, level)) in windows.iter().enumerate() {
            let ends_at = WINDOW * u32::try_from(i + 1).unwrap();
            let window = Window { ends_at, probability: *probability, levels_db: [*level; 4] };
            changes.extend(voicing.push(&window).map(|c| (i, c)));
        }
        changes
    }

    fn speech(n: usize) -> Vec<(f32, f32)> {
        vec![(0.9, -20.0); n]
    }

    fn silence(n: usize) -> Vec<(f32, f32)> {
        vec![(0.02, -65.0); n]
    }

    #[test]
    fn three_windows_begin_speech_and_six_end_it() {
        let changes = run(&[silence(10), speech(10), silence(10)].concat());
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].0, 12);
        assert_eq!(changes[0].1, Change::Began { since: WINDOW * 10, probability: 0.9 });
        assert_eq!(changes[1].0, 25);
        assert!(matches!(changes[1].1, Change::Ended { acoustic_end, .. } if acoustic_end == WINDOW * 20));
    }

    #[test]
    fn a_click_and_a_short_gap_change_nothing() {
        assert!(run(&[silence(5), speech(2), silence(10)].concat()).is_empty());
        let changes = run(&[silence(5), speech(5), silence(4), speech(5), silence(10)].concat());
        assert_eq!(changes.len(), 2, "{changes:?}");
    }

    #[test]
    fn speech_like_noise_at_the_floor_is_no_speech() {
        let mut windows = vec![(0.05, -50.0); 200];
        windows.extend(vec![(0.8, -49.0); 20]);
        assert!(run(&windows).is_empty());
    }
}
