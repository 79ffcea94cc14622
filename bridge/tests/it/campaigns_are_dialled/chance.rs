//! The protocol of an attempt in virtual time, over many seeds: the dialler's own state machine and the bridge's own desk and stores, between
//! diallers that die, stand still and are robbed of their leases, a bridge that dies between any two operations of its stores, and a network
//! that delays, loses and doubles. The carrier's journal is what is judged, and at the end what the stores hold.
//!
//! `VOX_TEST_DIAL_SEEDS=200` plays so many seeds (`just bench dials`); a seed that fails is named, and `VOX_TEST_DIAL_SEED` plays it alone.

mod carrier;
mod diallers;
mod judge;
mod line;
mod network;
mod steps;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Notify;
use vox_bridge::campaign::calls::CallDesk;
use vox_dialler::attempt::Event;
use vox_harness::Random;
use vox_shared::env::Env;
use vox_shared::ids::{AttemptId, CampaignId};
use vox_shared::wire::dialler::attempt::Ending;

use super::floor::Floor;
use carrier::{Carrier, Phone};
use diallers::Dialler;
use line::Line;
use network::{Ask, tell};

const DIALLERS: usize = 2;
const PEOPLE: usize = 8;
const CAMPAIGNS: usize = 2;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
/// So long trouble is made; then everything must come to its end.
const TROUBLE: u64 = 8 * MINUTE;
/// The longest wait between two attempts is half an hour here.
const END: u64 = 12 * 60 * MINUTE;
const ALIVE: i64 = i64::MAX;

/// What comes next, somewhere.
#[derive(Debug)]
enum Next {
    Tick(usize),
    /// A line does its step, or has its answer; of this turn.
    Step(u64, u64),
    Went(u64, u64, Event, Option<Ending>),
    MakesRoom(AttemptId, u64),
    Dials {
        line: (u64, u64),
        attempt: AttemptId,
        number: String,
        good_until: u64,
    },
    Joins {
        line: (u64, u64),
        attempt: AttemptId,
        number: String,
    },
    Rings((u64, u64), AttemptId),
    Talks(AttemptId),
    /// The worker delivers how a call went.
    Word(AttemptId),
    /// A request of a dialler arrives of which it has given up the answer.
    Late(AttemptId, u32, Ask),
    Trouble,
    BridgeIsBack,
    Upkeep,
}

/// How often what was done.
#[derive(Debug, Default)]
struct Done {
    kills: u32,
    stops: u32,
    bridges: u32,
    lost: u32,
    late: u32,
}

struct World {
    floor: Floor,
    campaigns: Vec<CampaignId>,
    dice: Random,
    now: u64,
    order: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    what: BTreeMap<u64, Next>,
    diallers: Vec<Dialler>,
    born: u32,
    lines: BTreeMap<u64, Line>,
    carrier: Carrier,
    /// Operations of the stores that the bridge still does before it dies.
    fuse: Arc<AtomicI64>,
    died: Arc<Notify>,
    desk: Option<CallDesk>,
    done: Done,
    /// What was wrong so far.
    seen: Vec<String>,
    weak: Weakness,
}

/// A protocol that is short of something: what the judge must see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weakness {
    None,
    /// Recovery does not wait until all requests are void.
    NoWait,
}

impl World {
    async fn new(seed: u64, weak: Weakness) -> Self {
        let floor = Floor::start().await;
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let again = json!({"delays_min": [2, 5, 10], "other_day_part": false});
        let names = ["no_answer", "busy", "network", "congestion", "abandoned", "unavailable"];
        let retries: BTreeMap<_, _> = names.into_iter().map(|name| (name, again.clone())).collect();
        let settings = json!({
            "hours": {"open": [{"days": days, "start": "00:00", "end": "24:00"}]}, "retries": retries,
            "caps": {"contact_attempts": 4, "number_day": 10, "number_gap_min": 10},
            "numbers": {"per_hour": 1_000, "per_day": 5_000, "health": false},
            "lost_policy": if seed.is_multiple_of(2) { "retry" } else { "report_only" },
        });
        let mut campaigns = Vec::new();
        for _ in 0..CAMPAIGNS {
            let campaign = floor.unowned_campaign(settings.clone()).await;
            for person in 0..PEOPLE {
                floor.contact(&campaign, &[&format!("+9198765{person:05}")]).await;
            }
            campaigns.push(campaign);
        }
        let mut world = Self {
            floor,
            campaigns,
            dice: Random::new(seed),
            now: 0,
            order: 0,
            queue: BinaryHeap::new(),
            what: BTreeMap::new(),
            diallers: Vec::new(),
            born: 0,
            lines: BTreeMap::new(),
            carrier: Carrier::default(),
            fuse: Arc::new(AtomicI64::new(ALIVE)),
            died: Arc::default(),
            desk: None,
            done: Done::default(),
            seen: Vec::new(),
            weak,
        };
        for who in 0..DIALLERS {
            let dialler = world.dialler();
            world.diallers.push(dialler);
            world.later(who as u64 * 300, Next::Tick(who));
        }
        world.bridge_starts().await;
        world.later(8 * SECOND, Next::Trouble);
        world.later(SECOND, Next::Upkeep);
        world
    }

    fn later(&mut self, after: u64, next: Next) {
        self.order += 1;
        self.queue.push(Reverse((self.now + after, self.order)));
        self.what.insert(self.order, next);
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.dice.below(100) < percent
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.dice.below(most - least + 1)
    }

    fn has_trouble(&self) -> bool {
        self.now < TROUBLE
    }

    /// Something goes wrong, while trouble is made.
    fn mishap(&mut self, percent: u64) -> bool {
        self.has_trouble() && self.chance(percent)
    }

    /// Until everything has come to its end.
    async fn play(&mut self) {
        while let Some(Reverse((at, order))) = self.queue.pop() {
            if at > self.now {
                let passed = i64::try_from(at - self.now).unwrap();
                self.floor.pass(SignedDuration::from_millis(passed));
                self.now = at;
            }
            let next = self.what.remove(&order).unwrap();
            if self.weak != Weakness::None && !self.seen.is_empty() {
                return;
            }
            if self.now > TROUBLE && self.lines.is_empty() && self.is_over().await {
                return;
            }
            if self.now >= END {
                let state = self.floor.state(&self.campaigns[0]).await;
                panic!("it does not end: {state:?} {:?} {:?}", self.lines, self.open().await);
            }
            Box::pin(self.happens(next)).await;
        }
    }

    async fn happens(&mut self, next: Next) {
        match next {
            Next::Tick(who) => Box::pin(self.ticks(who)).await,
            Next::Step(line, turn) => Box::pin(self.steps(line, turn)).await,
            Next::Went(line, turn, event, ending) => self.went(line, turn, event, ending),
            Next::MakesRoom(attempt, good_until) => {
                self.carrier.makes_room(&attempt, good_until, self.now);
            }
            Next::Dials { line, attempt, number, good_until } => {
                if self.carrier.finds_room(&attempt, good_until, self.now) {
                    let join = if self.mishap(10) {
                        self.between(SECOND, 20 * SECOND)
                    } else {
                        self.between(2, 400)
                    };
                    self.later(join, Next::Joins { line, attempt, number });
                } else {
                    self.answers(line, Event::NotDone, Ending::Infra);
                }
            }
            Next::Joins { line, attempt, number } => {
                self.carrier.invites(&attempt, &number, self.now);
                self.holds_number(&attempt).await;
                let ring = self.between(3 * SECOND, 25 * SECOND);
                self.later(ring, Next::Rings(line, attempt));
            }
            Next::Rings(line, attempt) => Box::pin(self.has_rung(line, &attempt)).await,
            Next::Talks(attempt) => {
                if self.carrier.room(&attempt).phone == Phone::Live {
                    self.holds_number(&attempt).await;
                }
                if self.carrier.hangs_up(&attempt, self.now) {
                    self.talked(&attempt);
                }
            }
            Next::Word(attempt) => Box::pin(self.delivers(attempt)).await,
            Next::Late(attempt, epoch, ask) => {
                let late = async move |desk: CallDesk| drop(tell(&desk, (&attempt, epoch), ask).await);
                self.at_bridge(late).await;
            }
            Next::Trouble => self.trouble(),
            Next::BridgeIsBack => self.bridge_starts().await,
            Next::Upkeep => {
                self.at_bridge(async |desk| drop(desk.round().await)).await;
                self.later(10 * SECOND, Next::Upkeep);
            }
        }
    }
}

#[tokio::test]
async fn whatever_dies_and_whatever_is_late_nobody_is_rung_twice() {
    let mut env = Env::of_process();
    let seeds: Vec<u64> = match env.parsed("VOX_TEST_DIAL_SEED") {
        Some(seed) => vec![seed],
        None => (1..=env.parsed("VOX_TEST_DIAL_SEEDS").unwrap_or(1)).collect(),
    };
    let (mut all, mut invites, mut answered) = (Done::default(), 0, 0);
    for seed in &seeds {
        let mut world = World::new(*seed, Weakness::None).await;
        world.play().await;
        let faults = world.faults().await;
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}\n{:#?}", world.carrier.journal);
        let Done { kills, stops, bridges, lost, late } = world.done;
        all.kills += kills;
        all.stops += stops;
        all.bridges += bridges;
        all.lost += lost;
        all.late += late;
        invites += world.carrier.journal.len();
        answered += world.carrier.rooms.values().filter(|room| room.phone == Phone::Over).count();
        world.floor.bridge.stop().await;
    }
    println!(
        "{} seeds: {invites} INVITEs ({answered} rooms in which a telephone was), none beside another of its number, none twice for an attempt; \
         {} diallers killed, {} stood still, {} bridges died between two operations, {} requests or answers lost, {} late",
        seeds.len(),
        all.kills,
        all.stops,
        all.bridges,
        all.lost,
        all.late
    );
    // A run in which nothing was tried shows nothing.
    let tried = [all.kills, all.stops, all.bridges, all.lost, all.late];
    assert!(invites >= 10 * seeds.len() && tried.iter().all(|tried| *tried > 0), "{tried:?} {invites}");
}

/// Of a run of which nothing is found nobody knows whether anything could be.
#[tokio::test]
async fn a_recovery_that_does_not_wait_is_found_out() {
    for seed in 3..12 {
        let mut world = World::new(seed, Weakness::NoWait).await;
        world.play().await;
        world.floor.bridge.stop().await;
        if let Some(found) = world.seen.first() {
            return println!("seed {seed}: {found}");
        }
    }
    panic!("nothing is found in nine seeds");
}
