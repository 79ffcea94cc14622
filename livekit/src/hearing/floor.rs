//! From one arrangement to the next, so that nobody hears too much on the way: first all that must go is taken away, and the server has said
//! so; then what was ordered is in force; then what is new is given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Place, Role, Seat, Stage, seat};
use crate::token::Grants;

/// For so long after a conference has begun nothing is carried from one room into the other: what is on its way then was said before. Longer
/// than a packet is on its way and in a jitter buffer.
pub const GUARD: Duration = Duration::from_millis(600);

/// What the server is to be told of one person in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub identity: String,
    pub role: Role,
    pub place: Place,
    /// `None`: it is to be removed from the room. Else it joins with these rights, or, if it is there, has its permission changed.
    pub seat: Option<Seat>,
    /// Something is taken away: [`Floor::done`] is waited for.
    pub narrows: bool,
}

impl Order {
    /// The rights, if it has any.
    pub fn grants(&self) -> Option<Grants> {
        self.seat.map(|seat| seat.grants(self.role))
    }
}

/// Who is in a call as what.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub stage: Stage,
    pub people: BTreeMap<String, Role>,
}

pub(super) type Table = fn(Stage, Role, Place) -> Option<Seat>;

/// The owner of who sits where in one call.
///
/// ```
/// # use std::time::Instant;
/// use vox_livekit::hearing::{Ear, Floor, Place, Role, Supervision};
///
/// let mut floor = Floor::new();
/// floor.enter("caller", Role::Caller);
/// floor.enter("bot", Role::Bot);
/// floor.enter("eve", Role::Supervisor(Supervision::Whispers(Ear::Bot)));
/// for order in floor.orders(Instant::now()) {
///     // Eve may speak where the bot alone listens, and listens in the call.
///     let speaks = order.seat.is_some_and(|seat| seat.speaks);
///     assert!(order.identity != "eve" || speaks == (order.place == Place::BotsEar));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Floor {
    table: Table,
    guard: Duration,
    waits: bool,
    wanted: Scene,
    in_force: Scene,
    /// What the server has given, or may have.
    held: BTreeMap<(String, Place), Seat>,
    /// What is being taken away: what will be left.
    narrowing: BTreeMap<(String, Place), Option<Seat>>,
    /// Of these it is not known what the server has: it is told once more.
    unsure: BTreeSet<(String, Place)>,
    together_since: Option<Instant>,
}

impl Default for Floor {
    fn default() -> Self {
        Self::new()
    }
}

impl Floor {
    pub fn new() -> Self {
        let scene = Scene { stage: Stage::Talk, people: BTreeMap::new() };
        Self {
            table: seat,
            guard: GUARD,
            waits: true,
            wanted: scene.clone(),
            in_force: scene,
            held: BTreeMap::new(),
            narrowing: BTreeMap::new(),
            unsure: BTreeSet::new(),
            together_since: None,
        }
    }

    /// With another table and less care: to show that a check finds what is wrong.
    #[cfg(test)]
    pub(super) fn careless(table: Table, guard: Duration, waits: bool) -> Self {
        Self { table, guard, waits, ..Self::new() }
    }

    /// Somebody comes, or is another thing from now on. A caller is in the call's room by itself; all others are brought by
    /// [`orders`](Self::orders).
    pub fn enter(&mut self, identity: impl Into<String>, role: Role) {
        let identity = identity.into();
        if role == Role::Caller {
            self.held.insert((identity.clone(), Place::Call), Seat::BOTH);
        }
        self.wanted.people.insert(identity, role);
    }

    /// Somebody goes: from all places.
    pub fn leave(&mut self, identity: &str) {
        self.wanted.people.remove(identity);
    }

    /// The call goes on to another stage.
    pub fn go(&mut self, stage: Stage) {
        self.wanted.stage = stage;
    }

    /// Somebody was found in a place, by whoever takes a call over: it is brought where it belongs.
    pub fn found(&mut self, identity: impl Into<String>, place: Place, seat: Seat) {
        self.held.insert((identity.into(), place), seat);
    }

    /// The server tells that somebody is in a place no more.
    pub fn gone(&mut self, identity: &str, place: Place) {
        let key = (identity.to_owned(), place);
        self.held.remove(&key);
        self.narrowing.remove(&key);
        self.unsure.remove(&key);
    }

    /// What the server is to be told now. To be asked after every change and after every [`done`](Self::done).
    pub fn orders(&mut self, now: Instant) -> Vec<Order> {
        let mut orders = self.narrow();
        if self.waits && !self.narrowing.is_empty() {
            return orders;
        }
        self.in_force = self.wanted.clone();
        let together = self.in_force.stage == Stage::Conference;
        self.together_since = together.then(|| self.together_since.unwrap_or(now));
        orders.extend(self.widen());
        orders
    }

    /// The server has done what was taken away, or nobody of this name was there. Of an order that failed [`again`](Self::again) is told.
    pub fn done(&mut self, order: &Order) {
        let key = (order.identity.clone(), order.place);
        if self.narrowing.get(&key) != Some(&order.seat) {
            return;
        }
        self.narrowing.remove(&key);
        match order.seat {
            Some(seat) => self.held.insert(key, seat),
            None => self.held.remove(&key),
        };
    }

    /// The server could not be told, or did not say that it has done it: it is told once more, and until it says so, nothing is given to
    /// anybody.
    pub fn again(&mut self, order: &Order) {
        let key = (order.identity.clone(), order.place);
        self.narrowing.remove(&key);
        if self.held.contains_key(&key) {
            self.unsure.insert(key);
        }
    }

    /// The stage that is in force: the bot plays music, or talks, by this one.
    pub fn stage(&self) -> Stage {
        self.in_force.stage
    }

    /// What somebody is, in force.
    pub fn role(&self, identity: &str) -> Option<Role> {
        self.in_force.people.get(identity).copied()
    }

    /// What somebody may do in a place now: what the server has given, or will have left when it has taken away what is being taken.
    pub fn held(&self, identity: &str, place: Place) -> Option<Seat> {
        let key = (identity.to_owned(), place);
        match self.narrowing.get(&key) {
            Some(left) => *left,
            None => self.held.get(&key).copied(),
        }
    }

    /// Everybody, as ordered.
    pub fn people(&self) -> &BTreeMap<String, Role> {
        &self.wanted.people
    }

    /// Whether the bot carries what is said from one room into the other.
    pub fn is_carrying(&self, now: Instant) -> bool {
        let is_wanted = self.wanted.stage == Stage::Conference;
        is_wanted
            && self.together_since.is_some_and(|since| now.saturating_duration_since(since) >= self.guard)
    }

    /// Take away what is too much.
    fn narrow(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (key, has) in &self.held {
            let (identity, place) = key;
            let role = self.wanted.people.get(identity).copied();
            let wanted = role.and_then(|role| (self.table)(self.wanted.stage, role, *place));
            let left = has.within(wanted);
            let is_right = left == Some(*has) && !self.unsure.contains(key);
            if is_right || self.narrowing.contains_key(key) {
                continue;
            }
            self.unsure.remove(key);
            self.narrowing.insert(key.clone(), left);
            let known = role.or_else(|| self.in_force.people.get(identity).copied());
            orders.push(Order {
                identity: identity.clone(),
                role: known.unwrap_or(Role::Caller),
                place: *place,
                seat: left,
                narrows: true,
            });
        }
        orders
    }

    /// Give what is missing.
    fn widen(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (identity, role) in &self.in_force.people {
            for place in Place::ALL {
                let Some(wanted) = (self.table)(self.in_force.stage, *role, place) else { continue };
                let key = (identity.clone(), place);
                if self.held.get(&key) == Some(&wanted) || self.narrowing.contains_key(&key) {
                    continue;
                }
                self.held.insert(key, wanted);
                let identity = identity.clone();
                orders.push(Order { identity, role: *role, place, seat: Some(wanted), narrows: false });
            }
        }
        orders
    }
}
