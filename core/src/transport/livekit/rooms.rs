//! The rooms of one call and who sits where in them. One owner: [`Rooms`] holds the call's [`Floor`], carries out its orders at the server
//! in their sequence, sits for the bot in the rooms beside the call's own, and leaves none of them behind.
//!
//! A call that is nobody's but the caller's and the bot's has no room beside its own, and costs nothing here. Whoever owns a call's line
//! tells of what happens in the call's room ([`Rooms::on_call`]), asks for changes ([`Rooms::enter`], [`Rooms::leave`], [`Rooms::go`]), and
//! waits for what comes of them ([`Rooms::next`]).

mod asked;
mod closing;
mod join;
mod side;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use vox_livekit::hearing::{Floor, Order, Place, Role, Seat, Stage, seat};
use vox_livekit::{Event, Heard, Kind, Rate};

use super::server::LiveKit;
use crate::transport::line::LineIn;
use asked::{Done, carry_out};
pub use closing::sweep;
use side::Side;

/// What the server did not do is asked again after this.
const AGAIN: Duration = Duration::from_millis(500);
/// So often; then whoever waits for it is told that it cannot be done.
const TRIES: u32 = 6;
/// How long whoever was given a token has to come before it is good for nothing.
pub const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// So often who was rung and is not wanted is looked for.
const TURNED_AWAY: usize = 3;
/// A telephone whose ringing was asked for a moment ago is in its room by then.
pub const DIAL_LATE: Duration = Duration::from_secs(1);

/// What happened beside the call's own room.
#[derive(Debug)]
pub enum Happened {
    /// All that was ordered so far is in force, this stage with it.
    Settled(Stage),
    /// Something was taken away from somebody: what waited for it may be in force.
    Taken,
    /// Somebody may sit there from now on, who is not ours to bring: a telephone is to be rung there, a person is to be given a token
    /// ([`Rooms::token`]).
    Seated { identity: String, role: Role, place: Place },
    /// The bot is in this room now, and has a voice there if it may speak.
    Joined(Place),
    /// Something in a room beside the call's own, as its client tells it.
    Event(Place, Event),
    /// 20 ms of what the bot hears there.
    Heard(Place, Heard),
    /// The bot is out of this room, or could not join it.
    Lost(Place, String),
    /// The server does not do what is to be taken away: until it does, nothing is given to anybody.
    Stuck(String),
}

/// The rooms of one call.
#[derive(Debug)]
pub struct Rooms {
    livekit: Arc<LiveKit>,
    /// The name of the call's room, its sound's rate within the worker, and who the bot is in all of them.
    call: String,
    rate: Rate,
    bot: String,
    /// For marks of what is said in a side room.
    to_call: mpsc::Sender<LineIn>,
    floor: Floor,
    /// The stage whose coming into force was told last.
    told: Stage,
    /// Requests on their way, each bounded in time: at most one for each person and place.
    asked: JoinSet<Done>,
    /// What is to be asked again.
    later: VecDeque<(Instant, Order, u32)>,
    sides: BTreeMap<Place, Side>,
    /// Rooms that the bot joins just now, or may join when there is a reason.
    joining: BTreeSet<Place>,
    may_join: BTreeMap<Place, Seat>,
    /// Rooms in which somebody may be.
    used: BTreeSet<Place>,
    /// Who was given a token for which place, and may be there.
    invited: BTreeSet<(String, Place)>,
    /// Since when somebody who was being rung is looked for, to be let go.
    turning_away: Option<Instant>,
    happened: VecDeque<Happened>,
}

impl Rooms {
    /// Of a call whose bot is in its room, and whose sound has this rate in all of them. `to_call` is told of marks.
    pub fn new(
        livekit: Arc<LiveKit>,
        (call, rate): (String, Rate),
        bot: String,
        to_call: mpsc::Sender<LineIn>,
    ) -> Self {
        let mut floor = Floor::new();
        floor.found(bot.clone(), Place::Call, Seat::BOTH);
        floor.enter(bot.clone(), Role::Bot);
        Self {
            livekit,
            call,
            rate,
            bot,
            to_call,
            floor,
            told: Stage::Talk,
            asked: JoinSet::new(),
            later: VecDeque::new(),
            sides: BTreeMap::new(),
            joining: BTreeSet::new(),
            may_join: BTreeMap::new(),
            used: BTreeSet::new(),
            invited: BTreeSet::new(),
            turning_away: None,
            happened: VecDeque::new(),
        }
    }

    /// Somebody comes, or is another thing from now on.
    pub fn enter(&mut self, identity: &str, role: Role) {
        self.floor.enter(identity, role);
        self.settle();
    }

    /// Somebody goes, and is put out of all rooms.
    pub fn leave(&mut self, identity: &str) {
        self.floor.leave(identity);
        self.settle();
    }

    /// The call goes on to another stage. It is in force when [`Happened::Settled`] says so.
    pub fn go(&mut self, stage: Stage) {
        self.floor.go(stage);
        self.settle();
    }

    /// The stage that is in force.
    pub fn stage(&self) -> Stage {
        self.floor.stage()
    }

    /// What somebody is, in force.
    pub fn role(&self, identity: &str) -> Option<Role> {
        self.floor.role(identity)
    }

    /// Everybody, as ordered.
    pub fn people(&self) -> &BTreeMap<String, Role> {
        self.floor.people()
    }

    /// What somebody may do there now.
    pub fn seat(&self, identity: &str, place: Place) -> Option<Seat> {
        self.floor.held(identity, place)
    }

    /// Whether what is said in one room is carried into the other now.
    pub fn is_carrying(&self) -> bool {
        self.floor.is_carrying(Instant::now().into_std())
    }

    /// A way in for somebody who may sit there, with the rights of the seat and no others; good for [`TOKEN_LIFE`].
    pub fn token(&mut self, identity: &str, place: Place) -> Option<String> {
        let role = self.floor.role(identity)?;
        let seat = self.floor.held(identity, place)?;
        self.invited.insert((identity.to_owned(), place));
        let room = place.room(&self.call);
        Some(self.livekit.seat_token(&room, (identity, Kind::Standard), seat.grants(role), TOKEN_LIFE))
    }

    /// The name of a room.
    pub fn room(&self, place: Place) -> String {
        place.room(&self.call)
    }

    /// The bot's place in a room beside the call's own.
    pub fn side(&mut self, place: Place) -> Option<&mut Side> {
        self.sides.get_mut(&place)
    }

    /// Something happened in the call's own room.
    pub fn on_call(&mut self, event: &Event) {
        self.on_event(Place::Call, event);
    }

    /// What happened next. Waits for ever while nothing can; cancel-safe.
    pub async fn next(&mut self) -> Happened {
        loop {
            if let Some(happened) = self.happened.pop_front() {
                return happened;
            }
            let due = self.later.front().map(|(at, ..)| *at);
            let time = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            let (mut consult, mut ear) = (None, None);
            for (place, side) in &mut self.sides {
                *(if *place == Place::Consult { &mut consult } else { &mut ear }) = Some((*place, side));
            }
            tokio::select! {
                Some(done) = self.asked.join_next() => match done {
                    Ok(done) => self.on_done(done),
                    Err(error) => tracing::error!(%error, "a request for a call's rooms broke off"),
                },
                (place, happened) = side_next(consult) => self.on_side(place, happened),
                (place, happened) = side_next(ear) => self.on_side(place, happened),
                () = time => {
                    if let Some((_, order, tries)) = self.later.pop_front() {
                        self.ask(order, tries);
                    }
                }
            }
        }
    }

    /// Somebody who was being rung is not wanted any more, and may come yet: a gateway that was asked a moment ago joins after this.
    pub fn turn_away(&mut self, identity: &str, place: Place) {
        self.turning_away = Some(Instant::now());
        let (livekit, room, identity) = (self.livekit.clone(), place.room(&self.call), identity.to_owned());
        self.asked.spawn(async move {
            for _ in 0..TURNED_AWAY {
                sleep(DIAL_LATE).await;
                if let Err(error) = livekit.remove(&room, &identity).await {
                    tracing::warn!(%error, "a telephone that is not wanted any more could not be let go");
                }
            }
            Done::Left
        });
    }

    /// Have the server told what the floor orders, as far as it orders now.
    fn settle(&mut self) {
        loop {
            let orders = self.floor.orders(Instant::now().into_std());
            if orders.is_empty() {
                break;
            }
            let mut is_waiting = false;
            for order in orders {
                is_waiting |= order.narrows && order.identity != self.bot;
                self.perform(order);
            }
            if is_waiting {
                break;
            }
        }
        self.join_where_needed();
        let stage = self.floor.stage();
        if stage != self.told {
            self.told = stage;
            self.choose_again();
            self.happened.push_back(Happened::Settled(stage));
        }
    }

    fn perform(&mut self, order: Order) {
        if order.identity == self.bot {
            return self.seat_bot(&order);
        }
        self.used.insert(order.place);
        let was_invited = self.invited.contains(&(order.identity.clone(), order.place));
        if order.narrows {
            return self.ask(order, 1);
        }
        // Whoever is not there is brought; whoever is, or may come with a token of before, has its rights changed.
        let Order { identity, role, place, .. } = order.clone();
        if was_invited {
            self.ask(order, 1);
        }
        if role != Role::Caller {
            self.happened.push_back(Happened::Seated { identity, role, place });
        }
    }

    fn seat_bot(&mut self, order: &Order) {
        let place = order.place;
        match order.seat {
            _ if place == Place::Call => {}
            Some(seat) => {
                self.may_join.insert(place, seat);
            }
            None => {
                self.may_join.remove(&place);
                if let Some(side) = self.sides.remove(&place) {
                    self.asked.spawn(async move {
                        side.leave().await;
                        Done::Left
                    });
                }
            }
        }
        if order.narrows {
            self.floor.done(order);
        }
    }

    /// The bot goes where somebody else may be. An ear that nobody whispers into needs no bot.
    fn join_where_needed(&mut self) {
        let is_needed = |place: Place| {
            self.floor.people().iter().any(|(identity, role)| {
                *identity != self.bot && seat(self.floor.stage(), *role, place).is_some()
            })
        };
        let wanted: Vec<(Place, Seat)> = self
            .may_join
            .iter()
            .map(|(place, seat)| (*place, *seat))
            .filter(|(place, _)| !self.sides.contains_key(place) && !self.joining.contains(place))
            .filter(|(place, _)| is_needed(*place))
            .collect();
        for (place, seat) in wanted {
            self.joining.insert(place);
            self.used.insert(place);
            let (livekit, room, bot) = (self.livekit.clone(), place.room(&self.call), self.bot.clone());
            let (to_call, rate) = (self.to_call.clone(), self.rate);
            self.asked.spawn(async move {
                let joined = Box::pin(join::join(&livekit, (&room, rate), &bot, seat, to_call)).await;
                Done::Joined(place, Box::new(joined))
            });
        }
    }

    fn ask(&mut self, order: Order, tries: u32) {
        let (livekit, room) = (self.livekit.clone(), order.place.room(&self.call));
        self.asked.spawn(async move {
            let done = carry_out(&livekit, &room, &order).await;
            Done::Asked { order, tries, done }
        });
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Left => {}
            Done::Joined(place, joined) => self.on_joined(place, *joined),
            Done::Asked { order, done: Ok(()), .. } => {
                if order.narrows {
                    self.floor.done(&order);
                    self.happened.push_back(Happened::Taken);
                }
                if order.seat.is_none() {
                    self.invited.remove(&(order.identity.clone(), order.place));
                }
                self.settle();
            }
            Done::Asked { order, tries, done: Err(error) } => {
                self.on_refused(order, tries, &error.to_string())
            }
        }
    }

    /// What is to be taken away and is not is asked for for ever; what is to be given is given up at last.
    fn on_refused(&mut self, order: Order, tries: u32, error: &str) {
        tracing::warn!(error, place = ?order.place, role = ?order.role, "a seat in a call's rooms was not changed");
        let is_superseded = self.floor.held(&order.identity, order.place) != order.seat;
        if !order.narrows && (tries >= TRIES || is_superseded) {
            return;
        }
        if tries == TRIES {
            self.happened.push_back(Happened::Stuck(error.to_owned()));
        }
        if order.narrows && is_superseded {
            self.floor.again(&order);
            return self.settle();
        }
        self.later.push_back((Instant::now() + AGAIN, order, tries + 1));
    }

    fn on_joined(&mut self, place: Place, joined: Result<Side, String>) {
        self.joining.remove(&place);
        match joined {
            // It was not wanted any more when it came about.
            Ok(side) if !self.may_join.contains_key(&place) => {
                self.asked.spawn(async move {
                    side.leave().await;
                    Done::Left
                });
            }
            Ok(side) => {
                self.sides.insert(place, side);
                self.happened.push_back(Happened::Joined(place));
            }
            Err(why) => self.lose(place, why),
        }
    }

    /// It is not joined again by itself: whoever owns the call decides what that means.
    fn lose(&mut self, place: Place, why: String) {
        self.sides.remove(&place);
        self.may_join.remove(&place);
        self.floor.gone(&self.bot, place);
        self.happened.push_back(Happened::Lost(place, why));
    }

    fn on_side(&mut self, place: Place, happened: side::Happened) {
        match happened {
            side::Happened::Heard(heard) => self.happened.push_back(Happened::Heard(place, heard)),
            side::Happened::Over(why) => self.lose(place, why),
            side::Happened::Event(event) => {
                self.on_event(place, &event);
                self.happened.push_back(Happened::Event(place, event));
            }
        }
    }

    fn on_event(&mut self, place: Place, event: &Event) {
        match event {
            Event::Joined(who) if who.identity != self.bot => self.on_came(place, &who.identity),
            Event::Left { participant, .. } => {
                let is_stranger =
                    self.floor.people().get(&participant.identity).is_some_and(|r| r.is_stranger());
                if is_stranger && place != Place::Call {
                    self.floor.gone(&participant.identity, place);
                }
            }
            Event::Subscribed { identity, track } => self.choose(place, identity.clone(), track.sid.clone()),
            _ => {}
        }
    }

    /// Somebody came with a token, which may be one of before. Nobody is in a side room who was not asked there.
    fn on_came(&mut self, place: Place, identity: &str) {
        let role = self.floor.people().get(identity).copied();
        match (role, self.floor.held(identity, place)) {
            (Some(role), _) if role.is_stranger() => {}
            (Some(role), held) => {
                let identity = identity.to_owned();
                self.ask(Order { identity, role, place, seat: held, narrows: false }, 1);
            }
            // A front end, a recorder: they may be in the call's room, and are not heard.
            (None, _) if place == Place::Call => {}
            (None, _) => {
                let order = Order {
                    identity: identity.to_owned(),
                    role: Role::Third,
                    place,
                    seat: None,
                    narrows: false,
                };
                self.ask(order, 1);
            }
        }
    }

    /// Whom the bot hears in a side room.
    fn choose(&mut self, place: Place, identity: String, track_sid: String) {
        if place == Place::Call {
            return;
        }
        let role = self.floor.people().get(&identity).copied();
        if let Some(side) = self.sides.get_mut(&place) {
            side.choose(place, role, track_sid);
        }
    }

    /// Who is heard goes by the stage.
    fn choose_again(&mut self) {
        for side in self.sides.values_mut() {
            side.forget_old_sound();
        }
    }
}

async fn side_next(side: Option<(Place, &mut Side)>) -> (Place, side::Happened) {
    match side {
        Some((place, side)) => (place, side.next().await),
        None => pending().await,
    }
}
