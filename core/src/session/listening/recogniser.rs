//! The ladder of recognisers: another one, the same one after a while, and none.
//!
//! Silence is no failure. A recogniser without a word while the line carries sound may be deaf, or the sound may have no words
//! (television, music, a cough): it is opened anew once, and then believed until words come.

use std::time::Duration;

use crate::session::rules::next_place;

/// Reopened this often without a result in between, the recogniser counts as lost.
const STT_ATTEMPTS: u32 = 3;
/// Before the same recogniser is tried for the third time; the fourth waits three times as long …
const STT_RETRY: Duration = Duration::from_millis(500);
/// … and a vendor's own wish counts up to this.
const STT_RETRY_MOST: Duration = Duration::from_secs(2);

/// What follows when a recogniser breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextRecogniser {
    Open,
    /// Open it after this.
    OpenAfter(Duration),
    /// None is left to be tried.
    Lost,
}

/// Which recogniser is in use, and how it does.
#[derive(Debug, Default)]
pub struct Recogniser {
    provider: usize,
    failures: u32,
    /// Opened anew for its silence since the last words.
    reopened: usize,
    lost: bool,
}

impl Recogniser {
    pub fn provider(&self) -> usize {
        self.provider
    }

    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Words came: it works.
    pub fn gave_words(&mut self) {
        self.failures = 0;
        self.reopened = 0;
    }

    /// It is silent while there is speech to hear. True when another try is worth it.
    pub fn is_silent(&mut self, recognisers: usize) -> bool {
        if self.reopened >= recognisers {
            return false;
        }
        self.reopened += 1;
        self.provider = next_place(self.provider, recognisers);
        true
    }

    /// A failure that will not pass, at the only recogniser there is: no use in trying again.
    pub fn give_up(&mut self) {
        self.failures = STT_ATTEMPTS;
    }

    /// It broke. Another one is opened at once; the same one too the first time, and then after a while, or a short trouble at
    /// the vendor would use up all attempts within a second.
    pub fn failed(&mut self, recognisers: usize, retry_after: Option<Duration>) -> NextRecogniser {
        self.failures += 1;
        if self.failures > STT_ATTEMPTS {
            self.lost = true;
            return NextRecogniser::Lost;
        }
        let next = next_place(self.provider, recognisers);
        let is_other = next != self.provider;
        self.provider = next;
        let asked = retry_after.unwrap_or_default().min(STT_RETRY_MOST);
        let wait = (STT_RETRY * (self.failures - 1) * self.failures / 2).max(asked);
        if is_other || wait.is_zero() { NextRecogniser::Open } else { NextRecogniser::OpenAfter(wait) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_recogniser_is_opened_anew_once_until_words_come() {
        let mut recogniser = Recogniser::default();
        assert!(recogniser.is_silent(1) && !recogniser.is_silent(1));
        recogniser.gave_words();
        assert!(recogniser.is_silent(1));
        assert!(!recogniser.is_lost());
    }

    #[test]
    fn a_broken_one_is_tried_four_times_and_waits_longer_each_time() {
        let mut recogniser = Recogniser::default();
        assert_eq!(recogniser.failed(1, None), NextRecogniser::Open);
        assert_eq!(recogniser.failed(1, None), NextRecogniser::OpenAfter(Duration::from_millis(500)));
        assert_eq!(recogniser.failed(1, None), NextRecogniser::OpenAfter(Duration::from_millis(1_500)));
        assert_eq!(recogniser.failed(1, None), NextRecogniser::Lost);
    }
}
