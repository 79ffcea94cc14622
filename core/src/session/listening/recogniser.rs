//! The ladder of recognisers: the same one anew, another one, the same one after a while, and none.
//!
//! Silence is no failure. A recogniser without a word while the line carries sound may be deaf, or the sound may have no words
//! (television, music, a cough): it is opened anew once, and then believed until words come.

use std::time::Duration;

use crate::session::ladder::Rungs;

/// Reopened this often without a result in between, a single recogniser counts as lost.
const STT_ATTEMPTS: usize = 3;
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
    begun: bool,
    failures: usize,
    /// The stream was ready: what broke off may work again.
    worked: bool,
    /// This one was opened anew since its last words.
    again: bool,
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

    /// The one to be opened: the first time the best of all, and from then on the one in use.
    pub fn begin(&mut self, rungs: Rungs) -> usize {
        if !std::mem::replace(&mut self.begun, true) {
            self.provider = rungs.first();
        }
        self.provider
    }

    /// It is connected.
    pub fn is_ready(&mut self) {
        self.worked = true;
    }

    /// Words came: it works.
    pub fn gave_words(&mut self) {
        self.failures = 0;
        self.reopened = 0;
        self.again = false;
        self.worked = true;
    }

    /// It is silent while there is speech to hear. True when another try is worth it.
    pub fn is_silent(&mut self, rungs: Rungs) -> bool {
        if self.reopened >= rungs.len() {
            return false;
        }
        self.reopened += 1;
        self.go_to(rungs.after(self.provider).unwrap_or(self.provider));
        true
    }

    /// It broke. One that had worked is connected anew, once; then another one is opened at once. Where there is no other the same
    /// one is too the first time, and then after a while, or a short trouble at the vendor would use up all attempts within a
    /// second.
    pub fn failed(&mut self, rungs: Rungs, retry_after: Option<Duration>) -> NextRecogniser {
        self.failures += 1;
        let may_stay = rungs.is_worth_it(self.provider);
        let reconnects = self.worked && !self.again && may_stay && retry_after.is_none();
        let other = rungs.after(self.provider).filter(|_| !reconnects);
        let next = other.or(may_stay.then_some(self.provider));
        let most = STT_ATTEMPTS.max((rungs.len() * 2).saturating_sub(1));
        let Some(next) = next.filter(|_| self.failures <= most) else {
            self.lost = true;
            return NextRecogniser::Lost;
        };
        self.worked = false;
        if reconnects {
            self.again = true;
            return NextRecogniser::Open;
        }
        self.go_to(next);
        let asked = retry_after.unwrap_or_default().min(STT_RETRY_MOST);
        let before = u32::try_from(self.failures).unwrap_or(u32::MAX);
        let wait = (STT_RETRY * (before - 1) * before / 2).max(asked);
        match other {
            None if !wait.is_zero() => NextRecogniser::OpenAfter(wait),
            _ => NextRecogniser::Open,
        }
    }

    fn go_to(&mut self, next: usize) {
        self.again &= next == self.provider;
        self.worked = false;
        self.provider = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::ladder::Known;

    fn of(recognisers: usize) -> Rungs {
        Rungs::new(Known::default(), recognisers, Duration::ZERO)
    }

    #[test]
    fn a_silent_recogniser_is_opened_anew_once_until_words_come() {
        let mut recogniser = Recogniser::default();
        assert!(recogniser.is_silent(of(1)) && !recogniser.is_silent(of(1)));
        recogniser.gave_words();
        assert!(recogniser.is_silent(of(1)));
        assert!(!recogniser.is_lost());
    }

    #[test]
    fn a_broken_one_is_tried_four_times_and_waits_longer_each_time() {
        let mut recogniser = Recogniser::default();
        assert_eq!(recogniser.failed(of(1), None), NextRecogniser::Open);
        assert_eq!(recogniser.failed(of(1), None), NextRecogniser::OpenAfter(Duration::from_millis(500)));
        assert_eq!(recogniser.failed(of(1), None), NextRecogniser::OpenAfter(Duration::from_millis(1_500)));
        assert_eq!(recogniser.failed(of(1), None), NextRecogniser::Lost);
    }

    #[test]
    fn one_that_had_worked_is_connected_anew_before_the_next_one_is_asked() {
        let mut recogniser = Recogniser::default();
        let mut places = Vec::new();
        for has_worked in [true, true, false, true, true] {
            if has_worked {
                recogniser.is_ready();
            }
            assert_eq!(recogniser.failed(of(3), None), NextRecogniser::Open);
            places.push(recogniser.provider());
        }
        assert_eq!(places, [0, 1, 2, 2, 0], "0 and 2 once more, 1 was never ready");
        assert_eq!(recogniser.failed(of(3), None), NextRecogniser::Lost);
        // A wish to wait is no reason to connect anew.
        let mut recogniser = Recogniser::default();
        recogniser.is_ready();
        recogniser.failed(of(2), Some(Duration::from_secs(9)));
        assert_eq!(recogniser.provider(), 1);
    }
}
