//! The ladders of vendors: who is asked first, who when that one fails, and who is passed over meanwhile.
//!
//! A bot names a vendor and its fallbacks, in order. Whoever refuses for good (the key, the settings) is not asked again in this
//! call. Whoever wishes to be asked later, and whoever's breaker is open in this process, is passed over while another can be asked.
//! Where no other can, the ladder goes as if there were no breakers: a caller is on the line, and nothing is left to be lost.

use std::time::Duration;

use vox_shared::wire::answers::Service;

use super::Session;
use super::event::Command;
use super::standing::{Did, Standing};
use crate::provider::{Failure, FailureClass};

/// Places of a ladder of which anything is known; a bot has a vendor and four fallbacks at most.
const PLACES: usize = 8;

/// A vendor that is busy and names no time is let alone for so long.
const BUSY_FOR: Duration = Duration::from_millis(500);

/// After how long a vendor that failed wishes to be asked again, where it does: every part of the session goes by this.
pub fn wish(failure: &Failure) -> Option<Duration> {
    failure.retry_after.or_else(|| (failure.class == FailureClass::OverLimit).then_some(BUSY_FOR))
}

/// What is known of the vendors of one ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Refused for good in this call.
    barred: [bool; PLACES],
    /// Wished, in this call, not to be asked before then.
    waits: [Duration; PLACES],
    /// The breaker is open until then.
    open: [Duration; PLACES],
}

impl Known {
    /// The vendor at this place failed.
    fn failed(&mut self, (service, place): (Service, usize), failure: &Failure, now: Duration) {
        if let Some(barred) = self.barred.get_mut(place) {
            *barred |= is_for_good(service, failure.class);
        }
        if let (Some(waits), Some(after)) = (self.waits.get_mut(place), wish(failure)) {
            *waits = now + after;
        }
    }

    fn set_open(&mut self, until: &[Duration]) {
        self.open = [Duration::ZERO; PLACES];
        self.open.iter_mut().zip(until).for_each(|(open, until)| *open = *until);
    }

    fn is_barred(&self, place: usize) -> bool {
        self.barred.get(place).copied().unwrap_or_default()
    }

    fn is_passed_over(&self, place: usize, now: Duration) -> bool {
        [&self.waits, &self.open].iter().any(|until| until.get(place).is_some_and(|until| now < *until))
    }
}

/// It cannot work with these settings. A model refuses a request; the next one is another.
fn is_for_good(service: Service, class: FailureClass) -> bool {
    match class {
        FailureClass::Unauthorised | FailureClass::Forbidden | FailureClass::NotInstalled => true,
        FailureClass::Refused => service != Service::Llm,
        FailureClass::OverLimit
        | FailureClass::Malformed
        | FailureClass::Unavailable
        | FailureClass::TimedOut => false,
    }
}

/// One ladder at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rungs {
    known: Known,
    of: usize,
    now: Duration,
}

impl Rungs {
    pub fn new(known: Known, of: usize, now: Duration) -> Self {
        Self { known, of, now }
    }

    /// How many vendors there are.
    pub fn len(&self) -> usize {
        self.of
    }

    pub fn is_empty(&self) -> bool {
        self.of == 0
    }

    /// Who is asked first.
    pub fn first(&self) -> usize {
        self.best(0..self.of).unwrap_or_default()
    }

    /// Who is asked when the one at this place failed: the first behind it, and the first of all again after the last. `None`
    /// where there is nobody else.
    pub fn after(&self, place: usize) -> Option<usize> {
        self.best((place + 1..self.of).chain(0..place.min(self.of)))
    }

    /// The same one may be asked once more.
    pub fn is_worth_it(&self, place: usize) -> bool {
        !self.known.is_barred(place)
    }

    /// Nobody should be asked: each of them refuses for good, wishes to wait, or has an open breaker.
    pub fn are_all_out(&self) -> bool {
        self.of > 0 && (0..self.of).all(|place| self.is_out(place))
    }

    fn is_out(&self, place: usize) -> bool {
        self.known.is_barred(place) || self.known.is_passed_over(place, self.now)
    }

    fn best(&self, places: impl Iterator<Item = usize> + Clone) -> Option<usize> {
        let mut free = places.clone().filter(|place| !self.is_out(*place));
        let mut any = places.filter(|place| !self.known.is_barred(*place));
        free.next().or_else(|| any.next())
    }
}

/// The three ladders of a call.
#[derive(Debug, Default)]
pub struct Ladders {
    stt: Known,
    llm: Known,
    tts: Known,
}

impl Ladders {
    fn of(&mut self, service: Service) -> &mut Known {
        match service {
            Service::Stt => &mut self.stt,
            Service::Llm => &mut self.llm,
            Service::Tts => &mut self.tts,
        }
    }
}

impl Session {
    /// The vendors of this kind as they are now.
    pub(super) fn rungs(&self, service: Service) -> Rungs {
        let (known, of) = match service {
            Service::Stt => (self.ladders.stt, self.rules.stt.len()),
            Service::Llm => (self.ladders.llm, self.rules.llm.len()),
            Service::Tts => (self.ladders.tts, self.rules.tts.len()),
        };
        Rungs::new(known, of, self.now)
    }

    /// The ladder of whoever says the bot's words.
    pub(super) fn voice_service(&self) -> Service {
        if self.rules.model_speaks() { Service::Llm } else { Service::Tts }
    }

    /// The process knows more of the vendors.
    pub(super) fn on_standing(&mut self, standing: Standing) {
        self.ladders.stt.set_open(&standing.stt);
        self.ladders.llm.set_open(&standing.llm);
        self.ladders.tts.set_open(&standing.tts);
        self.seconds.know(standing.llm_p90, standing.second_tokens);
    }

    /// A vendor failed: the ladder and the process learn it.
    pub(super) fn note_failed(
        &mut self,
        (service, place): (Service, usize),
        failure: &Failure,
        out: &mut Vec<Command>,
    ) {
        let now = self.now;
        self.ladders.of(service).failed((service, place), failure, now);
        let did = Did::Failed { class: failure.class, retry_after: failure.retry_after };
        out.push(Command::Vendor { service, place, did });
    }

    /// A vendor answered.
    pub(super) fn note_answered(
        &mut self,
        (service, place): (Service, usize),
        after: Option<Duration>,
        out: &mut Vec<Command>,
    ) {
        out.push(Command::Vendor { service, place, did: Did::Answered { after } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn rungs(known: Known, now: u64) -> Rungs {
        Rungs::new(known, 3, secs(now))
    }

    #[test]
    fn who_refuses_for_good_is_asked_no_more_and_who_wishes_to_wait_is_passed_over() {
        let mut known = Known::default();
        assert_eq!(
            (rungs(known, 0).first(), rungs(known, 0).after(0), rungs(known, 0).after(2)),
            (0, Some(1), Some(0))
        );
        known.failed((Service::Llm, 0), &Failure::new(FailureClass::Unauthorised, "401"), secs(1));
        let wait = Failure { retry_after: Some(secs(20)), ..Failure::new(FailureClass::OverLimit, "429") };
        known.failed((Service::Llm, 1), &wait, secs(1));
        assert_eq!((rungs(known, 2).first(), rungs(known, 2).after(2)), (2, Some(1)));
        assert!(!rungs(known, 2).is_worth_it(0) && rungs(known, 2).is_worth_it(1));
        assert_eq!((rungs(known, 21).first(), rungs(known, 900).after(1)), (1, Some(2)));
    }

    #[test]
    fn open_breakers_change_the_order_and_leave_nobody_without_a_vendor() {
        let mut known = Known::default();
        known.set_open(&[secs(30)]);
        assert_eq!((rungs(known, 10).first(), rungs(known, 30).first()), (1, 0));
        known.set_open(&[secs(30), secs(30), secs(40)]);
        assert!(rungs(known, 10).are_all_out() && !rungs(known, 35).are_all_out());
        assert_eq!((rungs(known, 10).first(), rungs(known, 10).after(0)), (0, Some(1)), "all the same");
        known.set_open(&[]);
        assert_eq!(rungs(known, 10).first(), 0);
        assert_eq!(Rungs::new(known, 1, secs(0)).after(0), None);
        assert!(!Rungs::default().are_all_out(), "a bot without a voice of its own");
    }
}
