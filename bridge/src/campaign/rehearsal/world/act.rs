//! A campaign on the stage: who is due, how many lines it may ring, and what it has learnt.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use vox_dialler::pacing::abandons::Ledger;
use vox_dialler::pacing::laws::Counted;
use vox_dialler::pacing::pacer::{Pacer, Situation};
use vox_dialler::pacing::share::Wants;
use vox_shared::wire::dialler::tick::Factor;

use super::super::super::calls::pacing;
use super::super::super::calls::rules::{Canary, Seen, is_too_many};
use super::super::super::outcome::{AttemptResult, Tally};
use super::super::stage::Played;
use super::{TICK, after, span};

/// Of a campaign whose first calls all failed: somebody mends it, and it goes on after so long.
const MENDED_AFTER: SignedDuration = SignedDuration::from_mins(15);
const MOST_DOUBLINGS: u32 = 6;

/// Who is due, by what comes first.
pub(super) type Place = (u32, Timestamp, usize);

/// See the module.
pub(super) struct Act<'a> {
    pub played: &'a Played,
    pub pacer: Pacer,
    ready: BTreeSet<Place>,
    /// Calls that ring or are about to, since when.
    pub ringing: BTreeMap<u64, Timestamp>,
    pub talking: u32,
    /// Lines that may be rung more.
    budget: u32,
    /// Something happened since they were counted.
    pub is_stirred: bool,
    /// When they are counted again whatever happens.
    look_at: Option<Timestamp>,
    held_until: Timestamp,
    refused: u32,
    /// The trunks of its claims.
    pub trunks: BTreeSet<String>,
    ledger: Ledger,
    counted: Counted,
    first: Seen,
}

impl<'a> Act<'a> {
    pub fn new(played: &'a Played) -> Self {
        Self {
            played,
            pacer: fresh(played),
            ready: BTreeSet::new(),
            ringing: BTreeMap::new(),
            talking: 0,
            budget: 0,
            is_stirred: true,
            look_at: None,
            held_until: Timestamp::MIN,
            refused: 0,
            trunks: BTreeSet::new(),
            ledger: Ledger::default(),
            counted: Counted::default(),
            first: Seen::default(),
        }
    }

    /// Somebody is due.
    pub fn comes(&mut self, place: Place) {
        self.ready.insert(place);
        self.is_stirred = true;
    }

    /// Who is the next.
    pub fn first_due(&mut self) -> Option<Place> {
        self.ready.pop_first()
    }

    /// Its claim came to nothing, which is no fault of its own.
    pub fn put_back(&mut self, place: Place) {
        self.ready.insert(place);
    }

    /// When its lines are counted again without an event.
    pub fn looks_at(&self) -> Option<Timestamp> {
        if self.ready.is_empty() { None } else { self.look_at }
    }

    /// How many slots its calls may have.
    pub fn slots(&self) -> u32 {
        let set = &self.played.settings.pacing;
        set.slots.unwrap_or(set.max_lines)
    }

    /// Lines at once, while the outcomes of its first calls are waited for.
    pub fn most_lines(&self) -> u32 {
        let most = self.played.settings.pacing.max_lines;
        match self.first_calls() {
            Canary::Wait(left) => left.min(most),
            Canary::Over | Canary::Failed => most,
        }
    }

    fn first_calls(&self) -> Canary {
        match self.played.settings.first_calls() {
            0 => Canary::Over,
            wanted => self.first.verdict(wanted),
        }
    }

    /// Count how many lines it may ring more, if that may have changed.
    pub fn pace(&mut self, now: Timestamp, since: Duration) {
        let is_due = self.is_stirred || self.look_at.is_some_and(|at| at <= now);
        if self.ready.is_empty() || !is_due {
            return;
        }
        self.is_stirred = false;
        if self.first_calls() == Canary::Failed {
            (self.first, self.held_until) = (Seen::default(), after(now, MENDED_AFTER));
        }
        let set = &self.played.settings.pacing;
        let ages: Vec<Duration> = self.ringing.values().map(|from| span(*from, now)).collect();
        let on = Situation { now: since, slots: self.slots(), talking: self.talking, ringing: &ages };
        let hard_stop = is_too_many((self.ledger.answered, self.ledger.abandoned), set.abandon_percent);
        self.pacer.set(pacing(set, hard_stop));
        let wanted = self.pacer.wanted(&on);
        self.look_at = (wanted.limit == Factor::Pacing).then(|| after(now, TICK));
        self.budget = wanted.lines;
        if matches!(self.first_calls(), Canary::Wait(_)) {
            let in_flight =
                u32::try_from(self.ringing.len()).unwrap_or(u32::MAX).saturating_add(self.talking);
            self.budget = self.budget.min(self.most_lines().saturating_sub(in_flight));
        }
    }

    pub fn may_claim(&self, now: Timestamp) -> bool {
        self.budget > 0 && !self.ready.is_empty() && self.held_until <= now
    }

    pub fn wants(&self, campaign: usize) -> Wants<usize> {
        Wants { campaign, weight: self.played.settings.pacing.weight, cost: self.pacer.laws.cost() }
    }

    /// A call begins.
    pub fn begun(&mut self, (call, now): (u64, Timestamp), since: Duration) {
        self.ringing.insert(call, now);
        self.pacer.begun(since);
        self.budget = self.budget.saturating_sub(1);
        self.refused = 0;
    }

    /// No claim for a while: the longer, the more were refused one after the other.
    pub fn hold(&mut self, now: Timestamp, wait: Duration, longest: SignedDuration) {
        let wait = SignedDuration::try_from(wait).unwrap_or(longest);
        let wait = wait.saturating_mul(1 << self.refused.min(MOST_DOUBLINGS)).min(longest);
        self.refused += 1;
        self.held_until = after(now, wait);
    }

    /// Whoever is held looks again when that is over.
    pub fn look_again(&mut self, now: Timestamp) {
        if now < self.held_until && self.budget > 0 && !self.ready.is_empty() {
            self.look_at = Some(self.held_until);
        }
    }

    /// A person answered; answers whether a slot is free.
    pub fn answered(&mut self) -> bool {
        let is_free = self.talking < self.slots();
        self.ledger.answered += 1;
        self.ledger.answered_today += 1;
        if !is_free {
            self.ledger.abandoned += 1;
            self.ledger.abandoned_today += 1;
        }
        is_free
    }

    /// A call that was dialled came to this.
    pub fn outcome(&mut self, result: AttemptResult, since: Duration) {
        self.first.note(result);
        let tally = result.tally();
        let is = |of: &[Tally]| u64::from(of.contains(&tally));
        let new = Counted {
            outcomes: 1 - is(&[Tally::Uncounted]),
            humans: is(&[Tally::Human, Tally::Abandoned]),
            machines: is(&[Tally::Machine]),
            failed: is(&[Tally::Failed]),
        };
        self.counted = Counted {
            outcomes: self.counted.outcomes + new.outcomes,
            humans: self.counted.humans + new.humans,
            machines: self.counted.machines + new.machines,
            failed: self.counted.failed + new.failed,
        };
        self.pacer.laws.count(new);
        self.pacer.see(self.counted.outcomes, self.ledger, since);
    }

    /// What was abandoned yesterday does not hold today.
    pub fn begin_day(&mut self, since: Duration) {
        (self.ledger.answered_today, self.ledger.abandoned_today) = (0, 0);
        self.pacer.see(self.counted.outcomes, self.ledger, since);
        self.is_stirred = true;
    }

    /// Its dialler is a new one: it has what the bridge tells it, and looks at it from then on.
    pub fn begin_anew(&mut self, from: Timestamp, since: Duration) {
        self.pacer = fresh(self.played);
        self.pacer.laws.count(self.counted);
        self.pacer.see(self.counted.outcomes, self.ledger, since);
        self.trunks.clear();
        self.ringing.clear();
        (self.refused, self.held_until) = (0, Timestamp::MIN);
        (self.look_at, self.is_stirred) = (Some(from), true);
    }
}

fn fresh(played: &Played) -> Pacer {
    let mut pacer = Pacer::new(pacing(&played.settings.pacing, false));
    pacer.laws.set_talk(played.expectation.talk_secs);
    pacer
}
