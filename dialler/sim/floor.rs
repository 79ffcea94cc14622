//! A campaign of hours: lines that ring, people and machines that answer or do not, calls that talk, people who wait for two seconds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use vox_dialler::breaker::{Gate, Trunk};
use vox_dialler::pacing::abandons::Ledger;
use vox_dialler::pacing::dice::Dice;
use vox_dialler::pacing::laws::{By, Counted};
use vox_dialler::pacing::pacer::{Pacer, Situation};
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::dialler::{Mode, Pacing};

/// Half a second, in milliseconds.
const TICK: u64 = 500;
const HOUR: u64 = 3_600_000;
const RING: f64 = 28.0;
const TALK: f64 = 90.0;
/// So long somebody waits who has answered into silence.
const PATIENCE: u64 = 2_000;
/// What the first minutes do is not in the shares that are printed for utilisation and spread.
const WARM_UP: u64 = 600_000;
/// Autocorrelation is looked at from 30 s to 120 s, in ticks.
const ECHOES: [usize; 4] = [60, 120, 180, 240];

/// What happens to the world.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Steady,
    /// Every hour the share of people who answer is another: 12 % or 40 %.
    Jumping,
    /// In the second hour every call fails at once, for ten minutes.
    Outage,
    /// In the second hour half of the slots go.
    HalfLeave,
}

#[derive(Clone, Copy)]
pub struct Floor {
    pub mode: Mode,
    pub slots: u32,
    pub weather: Weather,
    pub hours: u64,
    pub seed: u64,
    pub target: f64,
    /// Of a fixed rate.
    pub per_minute: f64,
}

/// What a run was like.
pub struct Report {
    /// In all, and in the busiest minute.
    pub dials: u64,
    pub busiest_minute: u64,
    pub answered: u64,
    pub abandoned: u64,
    /// Highest share of abandoned calls at any time after a hundred answers.
    pub peak: f64,
    pub utilisation: f64,
    pub connects_per_slot_hour: f64,
    /// Of the lines in flight, ringing and talking: standard deviation by mean.
    pub spread: f64,
    /// Of them: the least autocorrelation from 30 s to 120 s.
    pub echo: f64,
    /// From the worst moment of bad weather until the slots are used as before.
    pub recovered_after: Duration,
}

impl Report {
    pub fn share(&self) -> f64 {
        self.abandoned as f64 / self.answered.max(1) as f64
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    Answers { line: u64, by: Who },
    Ends { line: u64, failed: bool, network: bool },
    HangsUp { talked_ms: u64 },
    GivesUp { line: u64 },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Human,
    Machine,
}

struct World {
    floor: Floor,
    dice: Dice,
    pacer: Pacer,
    /// As in the process: what the network does is seen by it first.
    trunk: Trunk,
    began: Instant,
    now: u64,
    next_line: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    order: u64,
    /// Since when each rings.
    ringing: BTreeMap<u64, u64>,
    talking: u32,
    waiting: VecDeque<u64>,
    ledger: Ledger,
    outcomes: u64,
    connects: u64,
    /// Dials of each minute.
    minutes: BTreeMap<u64, u64>,
    peak: f64,
    /// Of each tick: lines in flight, and slots that talk of those there are.
    lines: Vec<f64>,
    used: Vec<f64>,
}

/// Simulate.
pub fn run(floor: Floor) -> Report {
    let settings = Pacing {
        mode: floor.mode,
        ratio: 1.5,
        target: floor.target,
        reserve_sigma: 4.0,
        per_minute: floor.per_minute,
        max_lines: 1_000,
        slots: Some(floor.slots),
        hard_stop: false,
    };
    let mut world = World {
        floor,
        // Neighbouring seeds are far apart.
        dice: Dice::new(floor.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d),
        pacer: Pacer::new(settings),
        trunk: Trunk::default(),
        began: Instant::now(),
        now: 0,
        next_line: 0,
        events: BinaryHeap::new(),
        order: 0,
        ringing: BTreeMap::new(),
        talking: 0,
        waiting: VecDeque::new(),
        ledger: Ledger::default(),
        outcomes: 0,
        connects: 0,
        minutes: BTreeMap::new(),
        peak: 0.0,
        lines: Vec::new(),
        used: Vec::new(),
    };
    world.at(0, Event::Tick);
    let end = floor.hours * HOUR;
    while let Some(Reverse((at, _, event))) = world.events.pop() {
        if at > end {
            break;
        }
        world.now = at;
        world.happens(event);
    }
    world.report()
}

impl World {
    fn at(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((at, self.order, event)));
    }

    fn after(&mut self, secs: f64, event: Event) {
        self.at(self.now + (secs * 1_000.0) as u64, event);
    }

    fn slots(&self) -> u32 {
        let half_left = self.floor.weather == Weather::HalfLeave && self.now >= HOUR + HOUR / 2;
        if half_left { self.floor.slots / 2 } else { self.floor.slots }
    }

    fn instant(&self) -> Instant {
        self.began + Duration::from_millis(self.now)
    }

    fn humans(&self) -> f64 {
        match self.floor.weather {
            Weather::Jumping if (self.now / HOUR).is_multiple_of(2) => 0.12,
            Weather::Jumping => 0.40,
            _ => 0.22,
        }
    }

    fn is_out(&self) -> bool {
        self.floor.weather == Weather::Outage && (HOUR..HOUR + 600_000).contains(&self.now)
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Tick => self.tick(),
            Event::Answers { line, by: Who::Machine } => {
                self.over((line, Ending::Answered), Some(By::Machine), false);
            }
            Event::Answers { line, by: Who::Human } => {
                self.over((line, Ending::Answered), Some(By::Human), false);
                self.ledger.answered += 1;
                self.ledger.answered_today += 1;
                if self.talking < self.slots() {
                    self.talks();
                } else {
                    self.waiting.push_back(line);
                    self.at(self.now + PATIENCE, Event::GivesUp { line });
                }
            }
            Event::Ends { line, failed, network } => {
                let ending = match (failed, network) {
                    (_, true) => Ending::Congestion,
                    (true, false) => Ending::Busy,
                    (false, false) => Ending::NoAnswer,
                };
                self.over((line, ending), None, failed);
            }
            Event::HangsUp { talked_ms } => {
                self.talking -= 1;
                self.pacer.laws.talked(Duration::from_millis(talked_ms));
                if self.talking < self.slots() && self.waiting.pop_front().is_some() {
                    self.talks();
                }
            }
            Event::GivesUp { line } => {
                if let Some(at) = self.waiting.iter().position(|waits| *waits == line) {
                    self.waiting.remove(at);
                    self.ledger.abandoned += 1;
                    self.ledger.abandoned_today += 1;
                }
            }
        }
        if self.ledger.answered >= 100 {
            self.peak = self.peak.max(self.ledger.abandoned as f64 / self.ledger.answered as f64);
        }
    }

    fn talks(&mut self) {
        self.talking += 1;
        self.connects += 1;
        let secs = self.dice.exponential(TALK);
        self.after(secs, Event::HangsUp { talked_ms: (secs * 1_000.0) as u64 });
    }

    /// A line rings no more.
    fn over(&mut self, (line, ending): (u64, Ending), by: Option<By>, failed: bool) {
        let now = self.instant();
        self.trunk.ended(Some(ending), now);
        let since = self.ringing.remove(&line).expect("it rang");
        self.outcomes += 1;
        let one = |is: bool| u64::from(is);
        self.pacer.laws.count(Counted {
            outcomes: 1,
            humans: one(by == Some(By::Human)),
            machines: one(by == Some(By::Machine)),
            failed: one(failed),
        });
        if let Some(by) = by {
            self.pacer.laws.answered(by, Duration::from_millis(self.now - since));
        }
    }

    fn tick(&mut self) {
        let now = Duration::from_millis(self.now);
        self.pacer.see(self.outcomes, self.ledger, now);
        let ages: Vec<_> = self.ringing.values().map(|at| Duration::from_millis(self.now - at)).collect();
        let (slots, talking) = (self.slots(), self.talking + self.waiting.len() as u32);
        let wanted = self.pacer.wanted(&Situation { now, slots, talking, ringing: &ages });
        for _ in 0..wanted.lines {
            if matches!(self.trunk.gate(self.instant()), Gate::Shut(_)) {
                break;
            }
            self.dials();
        }
        self.lines.push(self.ringing.len() as f64 + f64::from(self.talking));
        self.used.push(f64::from(self.talking) / f64::from(slots));
        self.at(self.now + TICK, Event::Tick);
    }

    fn dials(&mut self) {
        let line = self.next_line;
        self.next_line += 1;
        self.ringing.insert(line, self.now);
        self.pacer.begun(Duration::from_millis(self.now));
        *self.minutes.entry(self.now / 60_000).or_default() += 1;
        let (human, which) = (self.humans(), self.dice.share());
        let (is_out, rings_out) = (self.is_out(), Event::Ends { line, failed: false, network: false });
        let (secs, event) = if is_out || which < 0.10 {
            (0.5 + 2.0 * self.dice.share(), Event::Ends { line, failed: true, network: is_out })
        } else if which < 0.10 + human {
            (self.dice.log_normal(9.0, 0.55), Event::Answers { line, by: Who::Human })
        } else if which < 0.10 + human + 0.33 {
            (self.dice.log_normal(21.0, 0.18), Event::Answers { line, by: Who::Machine })
        } else {
            (RING, rings_out)
        };
        if secs > RING {
            self.after(RING, rings_out);
        } else {
            self.after(secs, event);
        }
    }

    fn report(self) -> Report {
        let warm = (WARM_UP / TICK) as usize;
        let (lines, used) = (&self.lines[warm..], &self.used[warm..]);
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let average = mean(lines);
        let covariance = |lag: usize| {
            let pairs = lines.iter().zip(&lines[lag..]);
            pairs.map(|(a, b)| (a - average) * (b - average)).sum::<f64>() / (lines.len() - lag) as f64
        };
        let variance = covariance(0).max(1e-9);
        Report {
            dials: self.minutes.values().sum(),
            busiest_minute: self.minutes.values().copied().max().unwrap_or_default(),
            answered: self.ledger.answered,
            abandoned: self.ledger.abandoned,
            peak: self.peak,
            utilisation: mean(used),
            connects_per_slot_hour: self.connects as f64
                / (f64::from(self.floor.slots) * self.floor.hours as f64),
            spread: variance.sqrt() / average,
            echo: ECHOES.iter().map(|lag| covariance(*lag) / variance).fold(1.0, f64::min),
            recovered_after: self.recovery(),
        }
    }

    /// From the end of the bad weather until a minute's use of the slots is nine tenths of what it is otherwise.
    fn recovery(&self) -> Duration {
        let from = match self.floor.weather {
            Weather::Outage => HOUR + 600_000,
            Weather::HalfLeave => HOUR + HOUR / 2,
            Weather::Steady | Weather::Jumping => return Duration::ZERO,
        };
        let at = (from / TICK) as usize;
        let minute = (60_000 / TICK) as usize;
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let usual = mean(&self.used[(WARM_UP / TICK) as usize..(HOUR / TICK) as usize]);
        let ticks = self.used[at..].windows(minute).take_while(|used| mean(used) < 0.9 * usual).count();
        Duration::from_millis(ticks as u64 * TICK)
    }
}
