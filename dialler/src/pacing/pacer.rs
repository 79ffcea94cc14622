//! How many more lines a campaign rings now, by the rule that it has chosen.

use std::time::Duration;

use vox_shared::wire::dialler::tick::Factor;
use vox_shared::wire::dialler::{Mode, Pacing};

use super::abandons::{Abandons, Ledger, Room};
use super::laws::Laws;
use super::overflow::Overflow;
use super::reserve::{self, Expected};
use super::turns::Turns;

/// Answers within so long are looked at by [`Mode::Predictive`]. 8 to 20 s work alike, and 4 s do not.
const HORIZON: Duration = Duration::from_secs(8);
/// So many outcomes are known before anything but one slot for each line is tried.
const KNOWN: u64 = 50;
/// Fewer slots gain too little by a reserve.
const MIN_SLOTS: u32 = 6;
/// Most lines for each free slot, whatever a ratio says.
const MAX_RATIO: f64 = 2.0;
/// Most ringing lines for each slot: what is known of answers may be wrong from one minute to the next.
const MOST_FOR_A_SLOT: u32 = 8;
/// Until a ringing line has rung out, about: by then its answers, half a deviation above, fit into the slots that there will be. Without
/// that a morning on which all slots are free would begin with far too many lines.
const FAR: Duration = Duration::from_secs(20);
const FAR_SIGMA: f64 = 0.5;

/// What is on now.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Since the process began.
    pub now: Duration,
    /// Calls that may talk at once.
    pub slots: u32,
    /// Calls that talk.
    pub talking: u32,
    /// For how long each line rings already.
    pub ringing: &'a [Duration],
}

/// What is to be done, and why not more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    pub lines: u32,
    /// What keeps it from more, as far as pacing knows.
    pub limit: Factor,
    /// Answers to be expected of the lines that ring now.
    pub expected: Expected,
}

/// Paces one campaign.
#[derive(Clone, Debug)]
pub struct Pacer {
    settings: Pacing,
    pub laws: Laws,
    abandons: Abandons,
    /// Outcomes that are known.
    outcomes: u64,
    /// Of [`Mode::Rate`].
    turns: Turns,
}

impl Pacer {
    pub fn new(settings: Pacing) -> Self {
        let (laws, abandons, turns) = (Laws::default(), Abandons::default(), Turns::default());
        Self { settings, laws, abandons, outcomes: 0, turns }
    }

    /// What an operator has set since.
    pub fn set(&mut self, settings: Pacing) {
        self.settings = settings;
    }

    /// How many outcomes are known by now, and what became of answered calls.
    pub fn see(&mut self, outcomes: u64, ledger: Ledger, now: Duration) {
        self.outcomes = outcomes;
        self.abandons.see(ledger, self.settings.target, now);
    }

    /// A call begins that was wanted.
    pub fn begun(&mut self, now: Duration) {
        self.turns.take(self.settings.per_minute, now);
    }

    /// One that began came to nothing before anything was dialled.
    pub fn not_begun(&mut self) {
        self.turns.give_back(self.settings.per_minute);
    }

    /// How many more lines are rung now.
    pub fn wanted(&self, on: &Situation<'_>) -> Wanted {
        let free = on.slots.saturating_sub(on.talking);
        let ringing = u32::try_from(on.ringing.len()).unwrap_or(u32::MAX);
        let expected = Expected::of(on.ringing.iter().map(|age| self.laws.answers_ever(*age)));
        let plain = free.saturating_sub(ringing);
        let (lines, limit) = match self.mode(on.slots) {
            Ok(Mode::Preview | Mode::Progressive) => (plain, Factor::Slots),
            Ok(Mode::Rate) => match self.turns.due(self.settings.per_minute, on.now) {
                due if due < plain => (due, Factor::Pacing),
                _ => (plain, Factor::Slots),
            },
            Ok(Mode::Reserve) => {
                let fresh = self.laws.answers_ever(Duration::ZERO);
                let sigma = self.abandons.sigma(self.settings.reserve_sigma);
                (reserve::more(expected, fresh, sigma, (ringing, free)), Factor::Pacing)
            }
            Ok(Mode::Power) => {
                let ratio = self.settings.ratio.clamp(1.0, MAX_RATIO);
                let lines = (ratio * f64::from(free)).floor() as u32;
                (lines.saturating_sub(ringing), Factor::Pacing)
            }
            Ok(Mode::Predictive) => (self.predicted(on, free, expected), Factor::Pacing),
            Err(limit) => (plain, limit),
        };
        let most = on.slots.saturating_mul(MOST_FOR_A_SLOT).saturating_sub(ringing).max(plain);
        let lines = lines.min(most);
        // Whoever rings has one of the lines.
        let room = self.settings.max_lines.saturating_sub(on.talking.saturating_add(ringing));
        if lines >= room {
            Wanted { lines: room, limit: Factor::CampaignLines, expected }
        } else {
            Wanted { lines, limit, expected }
        }
    }

    /// The rule for now, or why it is one slot for each line.
    fn mode(&self, slots: u32) -> Result<Mode, Factor> {
        let mode = self.settings.mode;
        // None of them has more lines than slots.
        if matches!(mode, Mode::Preview | Mode::Progressive | Mode::Rate) {
            return Ok(mode);
        }
        if self.settings.hard_stop {
            return Err(Factor::Abandons);
        }
        if self.outcomes < KNOWN {
            return Err(Factor::Slots);
        }
        match (mode, self.abandons.room(self.settings.target, slots)) {
            (Mode::Power | Mode::Predictive, Room::Enough) => return Ok(mode),
            (Mode::Power | Mode::Predictive, Room::None) => return Err(Factor::Abandons),
            // Meanwhile hardly anybody is abandoned.
            _ => {}
        }
        match mode {
            _ if self.abandons.is_over_for_today() => Err(Factor::Abandons),
            _ if slots < MIN_SLOTS => Err(Factor::Slots),
            _ => Ok(Mode::Reserve),
        }
    }

    /// More lines while so few answers find no slot as are allowed.
    fn predicted(&self, on: &Situation<'_>, free: u32, expected: Expected) -> u32 {
        let falls_free = 1.0 - (-HORIZON.as_secs_f64() / self.laws.talk_secs()).exp();
        let mut overflow = Overflow::new(free, on.talking, falls_free);
        for age in on.ringing {
            overflow.line(self.laws.answers_within(*age, HORIZON));
        }
        let fresh = self.laws.answers_within(Duration::ZERO, HORIZON);
        let allowed = self.settings.target * self.abandons.correction();
        let (ringing, mut more) = (on.ringing.len() as u32, 0);
        let fall_free = f64::from(on.talking) * (1.0 - (-FAR.as_secs_f64() / self.laws.talk_secs()).exp());
        let (far_slots, fresh_ever) = (f64::from(free) + fall_free, self.laws.answers_ever(Duration::ZERO));
        let mut far = expected;
        while more < self.settings.max_lines {
            overflow.line(fresh);
            far = far.with(fresh_ever);
            let fits_far = far.mean + FAR_SIGMA * far.variance.sqrt() <= far_slots;
            let fits = ringing + more < free
                || (fits_far && overflow.without_slot() <= allowed * overflow.answers());
            if !fits {
                break;
            }
            more += 1;
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(mode: Mode) -> Pacing {
        let (ratio, target, reserve_sigma, per_minute) = (1.5, 0.02, 4.0, 6.0);
        let (max_lines, slots, hard_stop) = (200, None, false);
        Pacing { mode, ratio, target, reserve_sigma, per_minute, max_lines, slots, hard_stop }
    }

    fn on(talking: u32, ringing: &[Duration]) -> Situation<'_> {
        Situation { now: Duration::ZERO, slots: 20, talking, ringing }
    }

    fn known(mode: Mode) -> Pacer {
        let mut pacer = Pacer::new(settings(mode));
        let ledger = Ledger { answered: 1_000, answered_today: 1_000, ..Ledger::default() };
        pacer.see(KNOWN, ledger, Duration::ZERO);
        pacer
    }

    #[test]
    fn each_rule_rings_as_many_lines_as_it_says() {
        let ages = [Duration::from_secs(3); 4];
        let lines = |mode| known(mode).wanted(&on(6, &ages)).lines;
        assert_eq!((lines(Mode::Progressive), lines(Mode::Preview)), (10, 10));
        assert_eq!(lines(Mode::Power), 17);
        assert!(lines(Mode::Reserve) > 10 && lines(Mode::Reserve) < 40, "{}", lines(Mode::Reserve));
        assert!(lines(Mode::Predictive) > lines(Mode::Reserve), "{}", lines(Mode::Predictive));
    }

    #[test]
    fn a_rate_is_kept_and_never_has_more_lines_than_slots() {
        let mut pacer = Pacer::new(settings(Mode::Rate));
        let at = |secs| Situation { now: Duration::from_secs(secs), ..on(0, &[]) };
        assert_eq!((pacer.wanted(&at(100)).lines, pacer.wanted(&at(100)).limit), (1, Factor::Pacing));
        pacer.begun(Duration::from_secs(100));
        assert_eq!(pacer.wanted(&at(108)).lines, 0);
        assert_eq!(pacer.wanted(&at(110)).lines, 1);
        pacer.not_begun();
        assert_eq!(pacer.wanted(&at(108)).lines, 1);
        let busy = Situation { talking: 20, ..at(200) };
        assert_eq!((pacer.wanted(&busy).lines, pacer.wanted(&busy).limit), (0, Factor::Slots));
        pacer.set(Pacing { hard_stop: true, ..settings(Mode::Rate) });
        assert_eq!(pacer.wanted(&at(200)).lines, 1, "it leaves nobody in silence");
    }

    #[test]
    fn nothing_is_overdialled_before_enough_is_known() {
        for mode in [Mode::Reserve, Mode::Power, Mode::Predictive] {
            let wanted = Pacer::new(settings(mode)).wanted(&on(0, &[]));
            assert_eq!((wanted.lines, wanted.limit), (20, Factor::Slots), "{mode:?}");
        }
    }

    #[test]
    fn a_young_campaign_of_many_slots_keeps_the_reserve() {
        let lines = |mode| {
            let mut pacer = Pacer::new(settings(mode));
            pacer.see(KNOWN, Ledger::default(), Duration::ZERO);
            pacer.wanted(&on(6, &[])).lines
        };
        assert_eq!(
            (lines(Mode::Predictive), lines(Mode::Power)),
            (lines(Mode::Reserve), lines(Mode::Reserve))
        );
    }

    #[test]
    fn too_many_abandoned_calls_stop_it() {
        let over = Ledger { answered: 1000, abandoned: 28, answered_today: 1000, abandoned_today: 28 };
        for mode in [Mode::Reserve, Mode::Power, Mode::Predictive] {
            let mut pacer = Pacer::new(settings(mode));
            pacer.see(5000, over, Duration::ZERO);
            let wanted = pacer.wanted(&on(0, &[]));
            assert_eq!((wanted.lines, wanted.limit), (20, Factor::Abandons), "{mode:?}");
            let mut stopped = known(mode);
            stopped.set(Pacing { hard_stop: true, ..settings(mode) });
            assert_eq!(stopped.wanted(&on(0, &[])).limit, Factor::Abandons, "{mode:?}");
        }
    }

    #[test]
    fn lines_have_a_limit_of_their_own() {
        let mut pacer = known(Mode::Reserve);
        pacer.set(Pacing { max_lines: 8, ..settings(Mode::Reserve) });
        let wanted = pacer.wanted(&on(3, &[Duration::ZERO; 2]));
        assert_eq!((wanted.lines, wanted.limit), (3, Factor::CampaignLines));
        assert_eq!(pacer.wanted(&on(12, &[])).lines, 0);
    }
}
