//! The supervisors of one call: who has which seat, who has taken it, and when it is given up. No I/O and no clock; where they sit in the
//! rooms, and what they may do there, is the floor's ([`super::rooms`]).
//!
//! Who only listens is hidden, also from the bot, so it is looked who is in the room. A seat that is asked for has to be taken
//! while its tokens are good; one whose owner is gone is given up after a while, for a browser that joins anew is gone for a moment.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use vox_livekit::hearing::{Ear, Role, Supervision};
use vox_shared::wire::order::Order;
use vox_shared::wire::supervision::Part;

use crate::session::event::{OrderId, SupervisorEvent};

/// Most in a call at once.
pub const MOST: usize = 3;
/// A seat is taken within this, and the tokens for it are good as long.
pub const TAKE_WITHIN: Duration = super::rooms::TOKEN_LIFE;
/// Who was there and is gone may come back.
pub const RETURN_WITHIN: Duration = Duration::from_secs(8);
/// How often it is looked who is there: while somebody is expected or a token of before is good, and else.
const LOOK_SOON: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_secs(3);
/// Names of supervisors in rooms begin with this. The bot's and callers' do not.
const PREFIX: &str = "supervisor-";

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// This one has this part from now on.
    Enter(String, Role),
    /// This one is put out of all rooms, having been told why.
    Leave(String, &'static str),
    /// The seat that an order asked for is in force.
    Give {
        id: OrderId,
        identity: String,
        part: Part,
    },
    /// The order is done.
    Done(OrderId),
    Refuse(OrderId, String),
    /// The call is told.
    Tell(SupervisorEvent),
    /// It is to be looked who is there.
    Look,
    /// A token of before was used: who is no supervisor any more goes.
    PutOut(String),
}

#[derive(Debug)]
struct Seat {
    who: String,
    identity: String,
    part: Part,
    bot_goes_on: bool,
    /// The order that waits until the seat is in force.
    asked: Option<OrderId>,
    is_in_force: bool,
    /// What the call was told last.
    told: Option<(Part, bool)>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Awaited { until: Instant },
    Here,
    Away { until: Instant },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Supervisors {
    seats: Vec<Seat>,
    look_at: Option<Instant>,
    /// Tokens that were given out are good until then, whoever has them.
    watch_until: Option<Instant>,
}

/// What a part is on the floor.
pub const fn role(part: Part) -> Role {
    match part {
        Part::Listen => Role::Supervisor(Supervision::Listens),
        Part::WhisperToBot => Role::Supervisor(Supervision::Whispers(Ear::Bot)),
        Part::WhisperToAgent => Role::Supervisor(Supervision::Whispers(Ear::Agent)),
        Part::Barge => Role::Supervisor(Supervision::Barges),
        Part::TakeOver => Role::Agent,
    }
}

/// Whether somebody of this name is, or was, a supervisor.
pub fn is_supervisor(identity: &str) -> bool {
    identity.starts_with(PREFIX)
}

impl Supervisors {
    /// Of a call that another worker had, which is dead: nobody knows here who supervised it, so whoever did is put out, and may ask again.
    pub fn of_another(now: Instant) -> Self {
        Self { seats: Vec::new(), look_at: Some(now), watch_until: Some(now + TAKE_WITHIN) }
    }

    /// A seat is asked for, or given up. `identity` is a name that nobody has, for one who has no seat yet.
    pub fn order(&mut self, id: OrderId, order: Order, identity: String, now: Instant) -> Vec<Act> {
        match order {
            Order::Supervise { supervisor, part, bot_goes_on } => {
                self.seat((id, supervisor), (part, bot_goes_on), identity, now)
            }
            Order::StopSupervising { supervisor } => {
                let mut acts = self.give_up(|seat| seat.who == supervisor, "you have left");
                acts.push(Act::Done(id));
                acts
            }
            _ => vec![Act::Refuse(id, "it is no order about a seat".to_owned())],
        }
    }

    /// A name for a supervisor in the rooms, which tells others nothing.
    pub fn name() -> String {
        format!("{PREFIX}{:012x}", rand::random::<u64>() >> 16)
    }

    fn seat(
        &mut self,
        (id, who): (OrderId, String),
        (part, bot_goes_on): (Part, bool),
        identity: String,
        now: Instant,
    ) -> Vec<Act> {
        let awaited = State::Awaited { until: now + TAKE_WITHIN };
        self.watch_until = Some(now + TAKE_WITHIN);
        let mut acts = Vec::new();
        let is_full = self.seats.len() >= MOST;
        match self.seats.iter_mut().find(|seat| seat.who == who) {
            Some(seat) => {
                if let Some(before) = seat.asked.replace(id) {
                    acts.push(Act::Refuse(before, "another part was asked for meanwhile".to_owned()));
                }
                (seat.part, seat.bot_goes_on, seat.state) = (part, bot_goes_on, awaited);
                seat.is_in_force = false;
                acts.push(Act::Enter(seat.identity.clone(), role(part)));
            }
            None if is_full => {
                return vec![Act::Refuse(
                    id,
                    format!("{MOST} supervisors are in the call: one has to leave first"),
                )];
            }
            None => {
                acts.push(Act::Enter(identity.clone(), role(part)));
                self.seats.push(Seat {
                    who,
                    identity,
                    part,
                    bot_goes_on,
                    asked: Some(id),
                    is_in_force: false,
                    told: None,
                    state: awaited,
                });
            }
        }
        self.look_by(now + LOOK_SOON);
        acts
    }

    /// What is in force on the floor may have changed. `in_force` says what somebody is there.
    pub fn settled(&mut self, in_force: impl Fn(&str) -> Option<Role>) -> Vec<Act> {
        let mut acts = Vec::new();
        for seat in &mut self.seats {
            if seat.is_in_force || in_force(&seat.identity) != Some(role(seat.part)) {
                continue;
            }
            seat.is_in_force = true;
            if let Some(id) = seat.asked.take() {
                acts.push(Act::Give { id, identity: seat.identity.clone(), part: seat.part });
            }
            acts.extend(seat.tell());
        }
        acts
    }

    /// The call goes on in other rooms: everybody has to take a seat there, and may ask for it.
    pub fn moved(&mut self, now: Instant) -> Vec<Act> {
        for seat in &mut self.seats {
            seat.state = State::Awaited { until: now + TAKE_WITHIN };
        }
        let who = self.seats.iter().map(|seat| seat.who.clone());
        who.map(|who| Act::Tell(SupervisorEvent::Moved { who })).collect()
    }

    /// Somebody is seen in a room.
    pub fn came(&mut self, identity: &str) -> Vec<Act> {
        match self.seats.iter_mut().find(|seat| seat.identity == identity) {
            Some(seat) => {
                seat.state = State::Here;
                seat.tell().into_iter().collect()
            }
            None if is_supervisor(identity) => vec![Act::PutOut(identity.to_owned())],
            None => Vec::new(),
        }
    }

    /// Somebody is seen leaving, and may come back at once: it is looked.
    pub fn went(&mut self, identity: &str, now: Instant) {
        if self.seats.iter().any(|seat| seat.identity == identity) {
            self.look_by(now);
        }
    }

    /// It was looked who is in the room in which all of them listen: these.
    pub fn looked(&mut self, there: &BTreeSet<String>, now: Instant) -> Vec<Act> {
        let mut acts: Vec<Act> = there.iter().flat_map(|identity| self.came(identity)).collect();
        for seat in self.seats.iter_mut().filter(|seat| !there.contains(&seat.identity)) {
            if seat.state == State::Here {
                seat.state = State::Away { until: now + RETURN_WITHIN };
            }
        }
        acts.dedup();
        acts
    }

    /// The bot has no ear any more: who whispers into it is heard by nobody.
    pub fn ear_is_lost(&mut self) -> Vec<Act> {
        self.give_up(|seat| seat.part == Part::WhisperToBot, "the bot's ear was lost")
    }

    /// When something is due although nothing happens.
    pub fn next_deadline(&self) -> Option<Instant> {
        let seats = self.seats.iter().filter_map(|seat| match seat.state {
            State::Awaited { until } | State::Away { until } => Some(until),
            State::Here => None,
        });
        seats.chain(self.look_at).min()
    }

    /// It is due.
    pub fn on_time(&mut self, now: Instant) -> Vec<Act> {
        let is_out = |seat: &Seat| match seat.state {
            State::Awaited { until } | State::Away { until } => until <= now,
            State::Here => false,
        };
        let is_late = |seat: &Seat| is_out(seat) && matches!(seat.state, State::Awaited { .. });
        let mut acts = self.give_up(is_late, "the seat was not taken in time");
        acts.extend(self.give_up(is_out, "the connection was lost, or the rooms were left"));
        if self.look_at.is_some_and(|at| at <= now) {
            acts.push(Act::Look);
            let is_waiting = self.seats.iter().any(|seat| seat.state != State::Here);
            let is_watched = self.watch_until.is_some_and(|until| now < until);
            self.look_at = match (self.seats.is_empty(), is_watched) {
                (true, false) => None,
                _ => Some(now + if is_waiting || is_watched { LOOK_SOON } else { LOOK }),
            };
        }
        acts
    }

    /// Whether this one talks aloud now, and whether the bot goes on meanwhile.
    pub fn aloud(&self, identity: &str) -> Option<bool> {
        let seat = self.seats.iter().find(|seat| seat.identity == identity)?;
        (seat.is_in_force && seat.part.is_aloud()).then_some(seat.bot_goes_on)
    }

    /// Whether somebody whispers to the bot.
    pub fn whispers(&self) -> bool {
        self.seats.iter().any(|seat| seat.part == Part::WhisperToBot && seat.is_in_force)
    }

    /// All of them.
    pub fn identities(&self) -> Vec<String> {
        self.seats.iter().map(|seat| seat.identity.clone()).collect()
    }

    fn give_up(&mut self, is_it: impl Fn(&Seat) -> bool, why: &'static str) -> Vec<Act> {
        let (gone, kept) = std::mem::take(&mut self.seats).into_iter().partition(is_it);
        self.seats = kept;
        let mut acts = Vec::new();
        for Seat { who, identity, asked, told, .. } in gone {
            acts.extend(asked.map(|id| Act::Refuse(id, why.to_owned())));
            acts.push(Act::Leave(identity, why));
            if told.is_some() {
                acts.push(Act::Tell(SupervisorEvent::Left { who, why: why.to_owned() }));
            }
        }
        acts
    }

    fn look_by(&mut self, at: Instant) {
        self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
    }
}

impl Seat {
    /// Who is there, in a part that the call does not know of.
    fn tell(&mut self) -> Option<Act> {
        let now = (self.part, self.bot_goes_on);
        if self.state != State::Here || !self.is_in_force || self.told == Some(now) {
            return None;
        }
        self.told = Some(now);
        let (part, bot_goes_on) = now;
        Some(Act::Tell(SupervisorEvent::Joined { who: self.who.clone(), part, bot_goes_on }))
    }
}

#[cfg(test)]
mod tests;
