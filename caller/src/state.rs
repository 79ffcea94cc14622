//! How a call stands, for whoever waits for something to happen on it.

use crate::ear::Change;

/// What is going on, in one small value that changes only when something does.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub is_answered: bool,
    pub is_ended: bool,
    /// The bot is audible, or was within the hangover.
    pub bot_speaks: bool,
    /// How often the bot became audible.
    pub bot_onsets: u64,
    /// When it last did, in milliseconds after the answer.
    pub bot_since_ms: f64,
    /// Its last audible sample before it fell silent.
    pub bot_until_ms: f64,
}

impl State {
    pub(crate) fn heard(&mut self, change: Change, rate_hz: f64) {
        match change {
            Change::Onset(at) => {
                self.bot_speaks = true;
                self.bot_onsets += 1;
                self.bot_since_ms = at as f64 * 1_000.0 / rate_hz;
            }
            Change::Offset(at) => {
                self.bot_speaks = false;
                self.bot_until_ms = at as f64 * 1_000.0 / rate_hz;
            }
        }
    }
}
