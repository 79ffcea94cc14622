//! How often in a row sound without words was asked about, or stopped the bot for nothing.

use std::time::Duration;

/// Speech without words shorter than this is a noise, longer is "I did not understand".
const UNDERSTANDABLE: Duration = Duration::from_millis(250);
/// "I did not understand" at most this often in a row.
const MAX_REPROMPTS: u32 = 2;
/// Interruptions by sound alone that turned out to be none, before sound alone interrupts no more until words come.
const MAX_FALSE_ALARMS: u32 = 2;

/// Whether a sound is long enough to be speech.
pub fn is_understandable(voiced: Duration) -> bool {
    voiced >= UNDERSTANDABLE
}

/// What is held against sound that has no words.
#[derive(Debug, Default)]
pub struct Doubts {
    reprompts: u32,
    false_alarms: u32,
}

impl Doubts {
    /// Words came: the line carries speech.
    pub fn words_came(&mut self) {
        self.false_alarms = 0;
    }

    /// The caller said something that was understood.
    pub fn understood(&mut self) {
        self.reprompts = 0;
    }

    /// Whether sound alone may interrupt.
    pub fn trusts_sound(&self) -> bool {
        self.false_alarms < MAX_FALSE_ALARMS
    }

    /// An interruption was none.
    pub fn false_alarm(&mut self) {
        self.false_alarms += 1;
    }

    /// Whether speech of this length without words is answered by asking to say it again.
    pub fn may_ask_again(&mut self, voiced: Duration) -> bool {
        let may = is_understandable(voiced) && self.reprompts < MAX_REPROMPTS;
        self.reprompts += u32::from(may);
        may
    }
}
