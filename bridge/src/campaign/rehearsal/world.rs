//! One run: campaigns, lines and what happens to them, from one event to the next. What may be rung and when, by which number, over which
//! trunk and by how many lines is decided by the product's own rules; only the order of events is this module's.

mod act;
mod calls;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use vox_dialler::breaker::Trunks;
use vox_dialler::pacing::dice::Dice;
use vox_dialler::pacing::share::{Share, Wants};
use vox_shared::phone::Number;

use super::super::calendar::Rules;
use super::stage::{Cast, Person, Stage, Telephones, Told};
use crate::coordination::permits::Permits;
use crate::store::contacts::ContactStatus;
use crate::store::numbers::CalledNumber;
use act::Act;
use calls::Call;

/// How often it is looked whether more is to be dialled, while lines ring and somebody waits.
const TICK: SignedDuration = SignedDuration::from_secs(1);

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub ended_at: Timestamp,
    /// Calls that were dialled.
    pub attempts: u64,
    pub answers: u64,
    pub abandoned: u64,
    pub talk_secs: f64,
    /// Dials at the wrong hour.
    pub outside: u64,
    /// Most dials in an hour of one number.
    pub busiest_hour: u64,
    pub unfinished: u64,
    /// Those who were never dialled and never will be, by reason.
    pub skipped: BTreeMap<String, u64>,
}

/// What happens. Of those at one instant the first here is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Of the stage's listings.
    Listed(usize),
    Crash,
    /// Room and worker of a call are there.
    Ready(u64),
    /// It stops ringing: answered, or given up.
    Rang(u64),
    Over(u64),
    /// What became of a call whose dialler died is known, as far as it ever will be.
    Recovered(u64),
}

/// See the module.
pub struct World<'a> {
    stage: &'a Stage,
    telephones: &'a mut dyn Telephones,
    tell: &'a mut dyn FnMut(Told<'_>),
    people: Vec<Person>,
    known: HashMap<String, CalledNumber>,
    listed: HashSet<Number>,
    dice: Dice,
    now: Timestamp,
    /// Those whose time comes.
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    events: BinaryHeap<Reverse<(Timestamp, Event)>>,
    acts: Vec<Act<'a>>,
    calls: BTreeMap<u64, Call<'a>>,
    begun: u64,
    permits: Permits,
    share: Share<usize>,
    trunks: Trunks,
    /// The dialler's clock at the beginning.
    clock: Instant,
    /// Nobody dials before.
    able_from: Timestamp,
    day: i64,
    /// Dials by number and hour.
    hours: HashMap<(&'a str, i64), u64>,
    outcome: Outcome,
}

impl<'a> World<'a> {
    /// The same seed plays the same.
    pub fn new(
        stage: &'a Stage,
        cast: Cast,
        telephones: &'a mut dyn Telephones,
        tell: &'a mut dyn FnMut(Told<'_>),
        seed: u64,
    ) -> Self {
        let mut permits = Permits::default();
        permits.is_open = true;
        let outcome = Outcome {
            ended_at: stage.from,
            attempts: 0,
            answers: 0,
            abandoned: 0,
            talk_secs: 0.0,
            outside: 0,
            busiest_hour: 0,
            unfinished: 0,
            skipped: BTreeMap::new(),
        };
        let mut world = Self {
            stage,
            telephones,
            tell,
            people: cast.people,
            known: cast.called,
            listed: cast.listed,
            dice: Dice::new(seed),
            now: stage.from,
            waiting: BinaryHeap::new(),
            events: BinaryHeap::new(),
            acts: stage.campaigns.iter().map(Act::new).collect(),
            calls: BTreeMap::new(),
            begun: 0,
            permits,
            share: Share::default(),
            trunks: Trunks::default(),
            clock: Instant::now(),
            able_from: stage.from,
            day: day_of(stage.from),
            hours: HashMap::new(),
            outcome,
        };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        let troubles = &self.stage.troubles;
        let listings = troubles.listings.iter().enumerate().map(|(at, (when, _))| (*when, Event::Listed(at)));
        let crashes = troubles.crashes.iter().map(|when| (*when, Event::Crash));
        self.events.extend(listings.chain(crashes).map(Reverse));
        for (person, one) in self.people.iter().enumerate() {
            let from = one.contact.next_at.0.max(self.now);
            self.waiting.push(Reverse((from, person)));
            (self.tell)(Told::Due { person, from, at: self.now });
        }
    }

    /// To the end.
    pub fn play(mut self) -> Outcome {
        while let Some(next) = self.next().filter(|next| *next <= self.stage.until) {
            self.now = self.now.max(next);
            self.begin_day();
            self.come_due();
            while let Some(Reverse((at, event))) = self.events.peek().copied()
                && at <= self.now
            {
                self.events.pop();
                self.happen(event);
            }
            self.dial();
        }
        let is_open = |person: &&Person| !person.contact.status.is_terminal();
        self.outcome.unfinished = self.people.iter().filter(is_open).count() as u64;
        self.outcome.busiest_hour = self.hours.values().copied().max().unwrap_or_default();
        self.outcome
    }

    /// When something is to be done; `None` at the end.
    fn next(&self) -> Option<Timestamp> {
        let event = self.events.peek().map(|Reverse((at, _))| *at);
        let comes = self.waiting.peek().map(|Reverse((at, _))| *at);
        let look = self.acts.iter().filter_map(Act::looks_at).min().map(|at| at.max(self.able_from));
        [event, comes, look].into_iter().flatten().min()
    }

    fn begin_day(&mut self) {
        let (day, since) = (day_of(self.now), self.since_start());
        if day != self.day {
            self.day = day;
            self.acts.iter_mut().for_each(|act| act.begin_day(since));
        }
    }

    /// Those whose time has come are the next.
    fn come_due(&mut self) {
        while let Some(Reverse((at, person))) = self.waiting.peek().copied()
            && at <= self.now
        {
            self.waiting.pop();
            let Person { campaign, contact } = &self.people[person];
            self.acts[*campaign].comes((contact.lane.unwrap_or_default(), at, person));
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Listed(at) => {
                if let Some((_, number)) = self.stage.troubles.listings.get(at) {
                    self.list(number);
                }
            }
            Event::Crash => self.crash(),
            Event::Ready(call) => self.commit(call),
            Event::Rang(call) => self.rang(call),
            Event::Over(call) => self.over(call),
            Event::Recovered(call) => self.recovered(call),
        }
    }

    /// Nothing of the tenant's calls it any more.
    fn list(&mut self, number: &Number) {
        if self.listed.insert(number.comparable()) {
            (self.tell)(Told::Listed { number: number.as_str(), at: self.now });
        }
    }

    /// Begin as many calls as the pacing wants, whose turn it is first.
    fn dial(&mut self) {
        let now = self.now;
        if now < self.able_from {
            return;
        }
        let since = self.since_start();
        self.acts.iter_mut().for_each(|act| act.pace(now, since));
        loop {
            let able = self.acts.iter().enumerate().filter(|(_, act)| act.may_claim(now));
            let wants: Vec<Wants<usize>> = able.map(|(campaign, act)| act.wants(campaign)).collect();
            let Some(next) = self.share.next(&wants, since) else { break };
            self.claim(next);
        }
        self.acts.iter_mut().for_each(|act| act.look_again(now));
    }

    fn since_start(&self) -> Duration {
        span(self.stage.from, self.now)
    }

    /// The dialler's clock.
    fn instant(&self) -> Instant {
        self.clock + self.since_start()
    }

    fn rules(&self, campaign: usize) -> Rules<'a> {
        let stage = self.stage;
        Rules { settings: &stage.campaigns[campaign].settings, calendar: &stage.calendar }
    }

    fn later(&mut self, secs: f64, event: Event) {
        let wait = SignedDuration::try_from_secs_f64(secs.clamp(0.0, 86_400.0)).unwrap_or_default();
        self.events.push(Reverse((after(self.now, wait), event)));
    }

    /// What becomes of somebody whom something happened to.
    fn goes_on(&mut self, person: usize) {
        let contact = &self.people[person].contact;
        if contact.status == ContactStatus::Ready {
            let from = contact.next_at.0;
            self.waiting.push(Reverse((from, person)));
            (self.tell)(Told::Due { person, from, at: self.now });
        } else if contact.status.is_terminal() {
            let reason = contact.reason.as_deref().unwrap_or_default();
            if contact.rung_at.is_empty() {
                *self.outcome.skipped.entry(reason.to_owned()).or_default() += 1;
            }
            (self.tell)(Told::Closed { person, at: self.now, status: contact.status, reason });
        }
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// From one instant until another; nothing when it is not later.
fn span(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or_default()
}

fn after(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
