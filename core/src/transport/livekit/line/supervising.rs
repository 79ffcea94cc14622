//! Supervisors in the call's rooms: what they ask for is done on the floor, who of them is there is told to the call, and what they say
//! goes to whom it is for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use vox_livekit::hearing::Place;
use vox_livekit::service::ServiceError;
use vox_livekit::{Event, Subscribe, TextHead, Track};
use vox_shared::redact::Redacted;
use vox_shared::wire::order::Order;
use vox_shared::wire::supervision::{Part, RoomGiven, SeatGiven};

use super::seat::Seat;
use crate::session::event::OrderId;
use crate::transport::line::{Aside, LineIn};
use crate::transport::livekit::order::Begins;
use crate::transport::livekit::rooms::{Happened, TOKEN_LIFE};
use crate::transport::livekit::supervisors::{Act, Supervisors};

/// Where somebody is told why they are put out.
const TOPIC: &str = "vox.supervision";
/// Being put out goes another way than the word why, and would overtake it.
const WORD: Duration = Duration::from_millis(150);
/// Frames of whoever talks beside the bot that wait for a frame of its ear.
const BESIDE: usize = 5;

type Looked = Pin<Box<dyn Future<Output = Result<BTreeSet<String>, ServiceError>> + Send>>;

/// What the line knows of a call's supervisors.
pub(super) struct Supervising {
    supervisors: Supervisors,
    /// It is being looked who is there.
    looking: Option<Looked>,
    /// Voices of people of ours in the call's room, by track.
    tracks: BTreeMap<String, String>,
    beside: VecDeque<Vec<i16>>,
}

impl Supervising {
    pub(super) fn new(begins: &Begins, now: Instant) -> Self {
        let supervisors = match begins {
            Begins::Again => Supervisors::of_another(now),
            _ => Supervisors::default(),
        };
        Self { supervisors, looking: None, tracks: BTreeMap::new(), beside: VecDeque::new() }
    }

    /// When something is due although nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.supervisors.next_deadline()
    }

    /// Who is there; for ever, while it is not being looked. Cancel-safe.
    pub(super) async fn looked(&mut self) -> Result<BTreeSet<String>, ServiceError> {
        match &mut self.looking {
            Some(looking) => looking.await,
            None => std::future::pending().await,
        }
    }
}

impl Seat {
    /// A supervisor wants a seat, or gives one up.
    pub(super) async fn on_supervise(&mut self, id: OrderId, order: Order) {
        let acts = self.supervising.supervisors.order(id, order, Supervisors::name(), Instant::now());
        self.act(acts).await;
    }

    pub(super) async fn on_supervision_time(&mut self) {
        let acts = self.supervising.supervisors.on_time(Instant::now());
        self.act(acts).await;
    }

    /// It was looked who is there.
    pub(super) async fn on_looked(&mut self, found: Result<BTreeSet<String>, ServiceError>) {
        self.supervising.looking = None;
        match found {
            Ok(there) => {
                let acts = self.supervising.supervisors.looked(&there, Instant::now());
                self.act(acts).await;
            }
            // It is looked again.
            Err(error) => tracing::debug!(%error, "it is not known who is in a call's room"),
        }
    }

    /// Something happened in the call's own room.
    pub(super) async fn supervise_room(&mut self, event: &Event) {
        match event {
            Event::Joined(who) => {
                let acts = self.supervising.supervisors.came(&who.identity);
                self.act(acts).await;
            }
            Event::Left { participant, .. } => {
                self.supervising.supervisors.went(&participant.identity, Instant::now());
            }
            Event::Unsubscribed { track, .. } => {
                self.supervising.tracks.remove(&track.sid);
            }
            _ => {}
        }
    }

    /// Something happened beside the call's own room, or on the floor.
    pub(super) async fn supervise_rooms(&mut self, happened: &Happened) {
        let now = Instant::now();
        let acts = match happened {
            Happened::Event(Place::BotsEar, Event::Joined(who)) => {
                self.supervising.supervisors.came(&who.identity)
            }
            Happened::Lost(Place::BotsEar, _) => self.supervising.supervisors.ear_is_lost(),
            Happened::Settled(_) => self.supervising.supervisors.moved(now),
            Happened::Heard(Place::BotsEar, heard) => {
                self.hear_whispers(heard.mix.clone());
                return;
            }
            Happened::Heard(..) => return,
            _ => Vec::new(),
        };
        self.act(acts).await;
    }

    /// How the bot hears somebody in the call's room who is not the caller: people of ours apart, others not at all.
    pub(super) fn hears_in_call(&mut self, identity: &str, track: &Track) -> Subscribe {
        if self.supervising.supervisors.aloud(identity).is_none() {
            return Subscribe::No;
        }
        self.supervising.tracks.insert(track.sid.clone(), identity.to_owned());
        Subscribe::Apart
    }

    /// 20 ms of the call's room: what people of ours say in it. Their silence is told too, or nobody would know where a sentence ends.
    pub(super) fn hear_supervisors(&mut self, voices: &[(String, Vec<i16>)], frame: usize) {
        let supervising = &self.supervising;
        let parts: Vec<bool> = supervising
            .supervisors
            .identities()
            .iter()
            .filter_map(|identity| supervising.supervisors.aloud(identity))
            .collect();
        if parts.is_empty() {
            return;
        }
        let said_by = |bot_goes_on: bool| {
            let is_theirs = |track: &String| {
                let identity = supervising.tracks.get(track);
                identity.and_then(|identity| supervising.supervisors.aloud(identity)) == Some(bot_goes_on)
            };
            let theirs = voices.iter().filter(|(track, _)| is_theirs(track)).map(|(_, pcm)| pcm);
            parts.contains(&bot_goes_on).then(|| together(frame, theirs))
        };
        let (led, beside) = (said_by(false), said_by(true));
        if let Some(pcm) = led {
            self.hand_to_call(LineIn::Aside { from: Aside::Aloud, pcm });
        }
        match beside {
            // The bot's ear has frames of its own, to which it is added.
            Some(pcm) if self.supervising.supervisors.whispers() => {
                self.supervising.beside.push_back(pcm);
                if self.supervising.beside.len() > BESIDE {
                    self.supervising.beside.pop_front();
                }
            }
            Some(pcm) => self.hand_to_call(LineIn::Aside { from: Aside::Whispered, pcm }),
            None => {}
        }
    }

    fn hear_whispers(&mut self, whispered: Vec<i16>) {
        if !self.supervising.supervisors.whispers() {
            return;
        }
        let beside = self.supervising.beside.pop_front();
        let pcm = together(whispered.len(), beside.iter().chain([&whispered]));
        self.hand_to_call(LineIn::Aside { from: Aside::Whispered, pcm });
    }

    /// The call is over: everybody is told, and put out with the rooms.
    pub(super) async fn let_supervisors_go(&mut self) {
        let people = self.supervising.supervisors.identities();
        if people.is_empty() || self.room_is_over {
            return;
        }
        for identity in people {
            self.tell_supervisor(identity, "the call ended").await;
        }
        sleep(WORD).await;
    }

    async fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Enter(identity, role) => self.rooms.enter(&identity, role),
                Act::Leave(identity, why) => {
                    self.tell_supervisor(identity.clone(), why).await;
                    self.rooms.leave(&identity);
                }
                act => self.act_at_once(act).await,
            }
        }
        let rooms = &self.rooms;
        for act in self.supervising.supervisors.settled(|identity| rooms.role(identity)) {
            self.act_at_once(act).await;
        }
    }

    /// What changes nothing on the floor.
    async fn act_at_once(&mut self, act: Act) {
        match act {
            Act::Give { id, identity, part } => {
                let seat = Ok(Some(Box::new(self.seat_given(identity, part))));
                let _gone = self.line.to_call.send(LineIn::Seated { id, seat }).await;
            }
            Act::Done(id) => {
                let _gone = self.line.to_call.send(LineIn::Seated { id, seat: Ok(None) }).await;
            }
            Act::Refuse(id, why) => {
                let _gone = self.line.to_call.send(LineIn::Seated { id, seat: Err(why) }).await;
            }
            Act::Tell(event) => {
                let _gone = self.line.to_call.send(LineIn::Supervised(event)).await;
            }
            Act::Look if self.supervising.looking.is_none() => {
                let place = match self.rooms.stage() {
                    vox_livekit::hearing::Stage::Consult => Place::Consult,
                    _ => Place::Call,
                };
                let (livekit, room) = (self.line.livekit.clone(), self.rooms.room(place));
                self.supervising.looking = Some(Box::pin(async move { livekit.people(&room).await }));
            }
            Act::PutOut(identity) => {
                let (livekit, room) = (self.line.livekit.clone(), self.line.order.room.clone());
                tokio::spawn(async move {
                    if let Err(error) = livekit.remove(&room, &identity).await {
                        tracing::warn!(%error, "who has no seat in a call any more could not be put out of it");
                    }
                });
            }
            Act::Look | Act::Enter(..) | Act::Leave(..) => {}
        }
    }

    fn seat_given(&mut self, identity: String, part: Part) -> SeatGiven {
        let mut rooms = Vec::new();
        for place in Place::ALL {
            let Some(seat) = self.rooms.seat(&identity, place) else { continue };
            let Some(token) = self.rooms.token(&identity, place) else { continue };
            let (room, token) = (self.rooms.room(place), Redacted::new(token));
            rooms.push(RoomGiven { room, token, speaks: seat.speaks, listens: seat.listens });
        }
        SeatGiven { identity, part, rooms, seconds: TOKEN_LIFE.as_secs() as u32 }
    }

    /// A word to one supervisor alone, in the call's room. One who is not there any more misses it.
    async fn tell_supervisor(&mut self, identity: String, why: &str) {
        let head = TextHead { topic: TOPIC.to_owned(), to: vec![identity], ..TextHead::default() };
        let _missed = self.room.send_text(head, json!({"left": why}).to_string()).await;
    }
}

/// Voices in one frame.
fn together<'a>(frame: usize, voices: impl Iterator<Item = &'a Vec<i16>>) -> Vec<i16> {
    let mut mix = vec![0_i16; frame];
    for voice in voices {
        for (sum, sample) in mix.iter_mut().zip(voice) {
            *sum = sum.saturating_add(*sample);
        }
    }
    mix
}
