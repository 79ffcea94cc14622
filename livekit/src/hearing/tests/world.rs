//! A server and people in virtual time. Nobody is careful but the floor: clients speak into every room in which the server lets them, all the
//! time, and hear all that the server sends; orders take their time, and so do packets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use vox_harness::Random;

use super::super::*;

/// Milliseconds that an order, its answer, or a packet may take.
const SLOWEST: u64 = 200;
/// A packet each.
const FRAME_MS: u64 = 20;

/// Somebody in a room.
#[derive(Clone, Copy)]
struct Present {
    seat: Seat,
    /// Another one after each right to speak that was given: packets of the one before go nowhere.
    track: u64,
}

/// Words, with what was in force when they were said.
#[derive(Clone)]
struct Packet {
    stage: Stage,
    speaker: String,
    role: Role,
    /// Through whose track it comes: the speaker's, or the bot's if it is carried.
    by: String,
    place: Place,
    track: u64,
}

pub struct World {
    floor: Floor,
    start: Instant,
    now: u64,
    random: Random,
    names: u32,
    there: BTreeMap<(String, Place), Present>,
    tracks: u64,
    /// By the moment at which the server does them; orders for the same seat keep their order.
    orders: BTreeMap<(u64, u64), Order>,
    answers: BTreeMap<(u64, u64), Order>,
    packets: BTreeMap<(u64, u64), Packet>,
    last: BTreeMap<(String, Place), u64>,
    count: u64,
    pub leaks: BTreeSet<String>,
    pub changes: u32,
    pub said: u64,
    pub heard: u64,
    pub whispers: u64,
    pub carried: u64,
}

impl World {
    pub fn new(floor: Floor, seed: u64) -> Self {
        Self {
            floor,
            start: Instant::now(),
            now: 0,
            random: Random::new(seed),
            names: 0,
            there: BTreeMap::new(),
            tracks: 0,
            orders: BTreeMap::new(),
            answers: BTreeMap::new(),
            packets: BTreeMap::new(),
            last: BTreeMap::new(),
            count: 0,
            leaks: BTreeSet::new(),
            changes: 0,
            said: 0,
            heard: 0,
            whispers: 0,
            carried: 0,
        }
    }

    pub fn run(&mut self, changes: u32) {
        self.caller_comes();
        self.floor.enter("bot", Role::Bot);
        while self.changes < changes {
            self.changes += 1;
            self.change();
            // Often the next one comes while this one is under way.
            let most = if self.below(6) == 0 { 1600 } else { 100 };
            let until = self.now + self.below(most);
            while self.now < until {
                self.step();
            }
        }
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.below(most)
    }

    fn moment(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("p{:05}", self.names)
    }

    fn caller_comes(&mut self) {
        let name = self.name();
        self.put(&name, Place::Call, Some(Seat::BOTH));
        self.floor.enter(name, Role::Caller);
    }

    fn someone(&mut self, is_it: impl Fn(Role) -> bool) -> Option<String> {
        let people = self.floor.people().iter().filter(|(_, role)| is_it(**role));
        let found: Vec<String> = people.map(|(who, _)| who.clone()).collect();
        (!found.is_empty()).then(|| found[self.below(found.len() as u64) as usize].clone())
    }

    /// Anything that may happen.
    fn change(&mut self) {
        let supervision = [
            Supervision::Listens,
            Supervision::Whispers(Ear::Bot),
            Supervision::Whispers(Ear::Agent),
            Supervision::Barges,
        ][self.below(4) as usize];
        let is_supervisor = |role| matches!(role, Role::Supervisor(_));
        let crowd = self.floor.people().len();
        match self.below(20) {
            0..4 if crowd < 9 => {
                let role = if self.below(3) == 0 { Role::Agent } else { Role::Supervisor(supervision) };
                let name = self.name();
                self.floor.enter(name, role);
            }
            4..10 => {
                if let Some(name) = self.someone(is_supervisor) {
                    self.floor.enter(name, Role::Supervisor(supervision));
                }
            }
            10..12 => {
                if let Some(name) = self.someone(|role| is_supervisor(role) || role == Role::Agent) {
                    self.floor.leave(&name);
                }
            }
            12 => {
                // A caller hangs up, and another call is another room: here it is one after another.
                if let Some(name) = self.someone(|role| role == Role::Caller) {
                    self.put(&name, Place::Call, None);
                    self.floor.gone(&name, Place::Call);
                    self.floor.leave(&name);
                }
                self.caller_comes();
            }
            13 => {
                // A desk breaks down: the server notices, in one room after another.
                if let Some(name) = self.someone(|role| is_supervisor(role) || role == Role::Agent) {
                    for place in Place::ALL {
                        self.put(&name, place, None);
                        self.floor.gone(&name, place);
                    }
                    self.floor.leave(&name);
                }
            }
            14..16 => {
                self.floor.go(Stage::Consult);
                if self.someone(|role| role == Role::Third).is_none() {
                    let name = self.name();
                    self.floor.enter(name, Role::Third);
                }
            }
            16..18 => self.floor.go(Stage::Conference),
            _ => {
                self.floor.go(Stage::Talk);
                if let Some(name) = self.someone(|role| role == Role::Third) {
                    self.floor.leave(&name);
                }
            }
        }
        self.tell();
    }

    /// Ask the floor, and send its orders on their way.
    fn tell(&mut self) {
        for order in self.floor.orders(self.moment()) {
            let key = (order.identity.clone(), order.place);
            let at = (self.now + 1 + self.below(SLOWEST)).max(self.last.get(&key).map_or(0, |last| last + 1));
            self.last.insert(key, at);
            self.count += 1;
            self.orders.insert((at, self.count), order);
        }
    }

    /// What the server holds of somebody in a room.
    fn put(&mut self, who: &str, place: Place, seat: Option<Seat>) {
        let key = (who.to_owned(), place);
        let Some(seat) = seat else {
            self.there.remove(&key);
            return;
        };
        self.tracks += 1;
        let track = match self.there.get(&key) {
            Some(present) if present.seat.speaks && seat.speaks => present.track,
            _ => self.tracks,
        };
        self.there.insert(key, Present { seat, track });
    }

    fn step(&mut self) {
        self.now += 1;
        while let Some(order) = due(&mut self.orders, self.now) {
            // One who was there no more when the order came: nobody to give anything to.
            let is_known = order.narrows || self.floor.people().contains_key(&order.identity);
            if is_known {
                self.put(&order.identity, order.place, order.seat);
            }
            if order.narrows {
                self.count += 1;
                let at = self.now + 1 + self.below(SLOWEST);
                self.answers.insert((at, self.count), order);
            }
        }
        while let Some(order) = due(&mut self.answers, self.now) {
            // Now and then the answer is lost, and it is done again.
            if self.below(10) == 0 {
                self.floor.again(&order)
            } else {
                self.floor.done(&order)
            }
            self.tell();
        }
        while let Some(packet) = due(&mut self.packets, self.now) {
            self.arrive(&packet);
        }
        if self.now.is_multiple_of(FRAME_MS) {
            self.speak();
        }
    }

    /// Everybody says something wherever it may, by what is in force.
    fn speak(&mut self) {
        let stage = self.floor.stage();
        let speaking: Vec<_> = self
            .there
            .iter()
            .filter(|(_, present)| present.seat.speaks)
            .map(|((who, place), present)| (who.clone(), *place, present.track))
            .collect();
        for (who, place, track) in speaking {
            // One who has just come, or gone, is not in force: it is nobody yet.
            let Some(role) = self.floor.role(&who) else { continue };
            if says(stage, role, place) == Sound::Music {
                continue;
            }
            self.said += 1;
            self.send(Packet { stage, speaker: who.clone(), role, by: who, place, track });
        }
    }

    fn send(&mut self, packet: Packet) {
        self.count += 1;
        let at = self.now + 1 + self.below(SLOWEST);
        self.packets.insert((at, self.count), packet);
    }

    /// A packet is at the server: who listens there now gets it, and the bot may carry it on.
    fn arrive(&mut self, packet: &Packet) {
        let by = self.there.get(&(packet.by.clone(), packet.place));
        if !by.is_some_and(|by| by.seat.speaks && by.track == packet.track) {
            return;
        }
        let listeners: Vec<String> = self
            .there
            .iter()
            .filter(|((who, place), present)| {
                *place == packet.place && present.seat.listens && *who != packet.by
            })
            .map(|((who, _), _)| who.clone())
            .collect();
        for listener in listeners.into_iter().filter(|listener| *listener != packet.speaker) {
            // What it is, or, for one who comes this moment, what it will be.
            let Some(role) =
                self.floor.role(&listener).or_else(|| self.floor.people().get(&listener).copied())
            else {
                continue;
            };
            self.heard += 1;
            if hears(packet.stage, role, packet.role) == Hearing::Never {
                let (stage, from) = (packet.stage, packet.role);
                self.leaks
                    .insert(format!("{role:?} heard {from:?} in {:?}, said at {stage:?}", packet.place));
            }
            if role == Role::Bot {
                self.whispers += u64::from(matches!(packet.role, Role::Supervisor(Supervision::Whispers(_))));
                self.carry(&listener, packet);
            }
        }
    }

    fn carry(&mut self, bot: &str, packet: &Packet) {
        if packet.by == bot || !self.floor.is_carrying(self.moment()) {
            return;
        }
        let Some(place) = carried(packet.place, packet.role) else { return };
        let Some(present) = self.there.get(&(bot.to_owned(), place)).copied().filter(|bot| bot.seat.speaks)
        else {
            return;
        };
        self.carried += 1;
        self.send(Packet { by: bot.to_owned(), place, track: present.track, ..packet.clone() });
    }
}

/// The next of a queue that is due.
fn due<T>(queue: &mut BTreeMap<(u64, u64), T>, now: u64) -> Option<T> {
    let first = queue.first_entry().filter(|first| first.key().0 <= now)?;
    Some(first.remove())
}
