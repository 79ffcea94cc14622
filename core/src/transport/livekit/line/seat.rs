//! Being in the room: one loop over what happens there, what is heard, what the call says, and what was asked of the server.

use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use vox_livekit::hearing::Role;
use vox_livekit::service::ServiceError;
use vox_livekit::{Disconnect, Event, Events, Heard, Microphone, Publish, Room, Sound, Track};
use vox_shared::wire::result::DisconnectedBy;

use super::clear::clear;
use super::dialling;
use super::dialling::Asked;
use super::supervising::Supervising;
use super::third::Consult;
use super::{Line, ready};
use crate::session::event::Notice;
use crate::transport::line::{LineIn, LineOut};
use crate::transport::livekit::caller::Caller;
use crate::transport::livekit::caption::{Captions, Told};
use crate::transport::livekit::order::{self, Begins, Whom};
use crate::transport::livekit::outcome::{not_transferred, room_ended};
use crate::transport::livekit::rooms::{Happened, Rooms};
use crate::transport::livekit::server::{DialError, RING_LIMIT, STATE, Wanted};
use crate::transport::livekit::voice::Voice;
use crate::transport::reason::Reason;

/// The server must have taken our track by then.
const PUBLISH_WITHIN: Duration = Duration::from_secs(5);
/// A telephone that rings says who it is when it is first seen; the call's config waits for that.
const ATTRIBUTES_PATIENCE: Duration = Duration::from_secs(2);
/// A telephone that is let go while it is dialled is in the room by then.
const DIAL_LATE: Duration = Duration::from_secs(1);
/// The bot's attribute that says that it waits for whoever is rung.
const READY: &str = "vox.ready";
/// Frames that the client may keep: more wait only while media does not flow, and then are old.
const QUEUE_FRAMES: usize = 4;

/// A call in its room.
pub(super) struct Seat {
    pub(super) line: Line,
    pub(super) room: Room,
    events: Events,
    sound: Sound,
    /// Its events have ended; its sound may end before the last of them was read.
    pub(super) room_is_over: bool,
    sound_is_over: bool,
    caller: Caller,
    /// The call knows who is there: they were seen, or the time for that is out.
    is_introduced: bool,
    introduce_by: Instant,
    pub(super) voice: Option<Voice>,
    captions: Option<Captions>,
    /// A telephone is rung; a caller is handed over.
    dialling: Option<Asked<DialError>>,
    transfer: Option<Asked<ServiceError>>,
    /// What the call is to be told unless the caller turns out to have been handed over.
    held: Option<LineIn>,
    handed_over: bool,
    /// Who sits where, in this room and in those beside it.
    pub(super) rooms: Rooms,
    /// People of ours who listen, whisper, or talk with the caller.
    pub(super) supervising: Supervising,
    /// Somebody is asked to take the call, or has taken it; and how many were asked so far.
    pub(super) consult: Option<Consult>,
    pub(super) thirds: u32,
    /// Frames of the caller's that the call did not take.
    unheard: u64,
}

/// Why the loop ends.
pub(super) enum End {
    /// The last words were said: let them be heard.
    HangUp,
    Now,
}

/// What woke the loop.
enum Woke {
    Room(Option<Event>),
    Heard(Option<Heard>),
    Said(Option<LineOut>),
    Dialled(Result<(), DialError>),
    Transferred(Result<(), ServiceError>),
    Rooms(Happened),
    /// Who is in the room, hidden ones too.
    Looked(Result<BTreeSet<String>, ServiceError>),
    ThirdDialled(Result<(), DialError>),
    Time,
}

impl Seat {
    pub(super) fn new(line: Line, room: Room, mut events: Events) -> Self {
        let now = Instant::now();
        let caller = Caller::new(line.order.whom.clone(), line.order.begins.clone(), now);
        let sound = events.sound().expect("it is taken once");
        let (call, bot) = (line.order.room.clone(), room.own().identity.clone());
        let rooms = Rooms::new(line.livekit.clone(), (call, line.order.rate()), bot, line.to_call.clone());
        let supervising = Supervising::new(&line.order.begins, now);
        Self {
            line,
            room,
            events,
            sound,
            room_is_over: false,
            sound_is_over: false,
            caller,
            is_introduced: false,
            introduce_by: now + ATTRIBUTES_PATIENCE,
            voice: None,
            captions: None,
            dialling: None,
            transfer: None,
            held: None,
            handed_over: false,
            rooms,
            supervising,
            consult: None,
            thirds: 0,
            unheard: 0,
        }
    }

    pub(super) async fn run(mut self) {
        if !self.line.order.wants_attributes() {
            self.introduce().await;
        }
        let end = loop {
            let end = match self.wait().await {
                Woke::Room(Some(event)) => self.on_room(event).await,
                Woke::Room(None) => self.on_room_over().await,
                Woke::Heard(heard) => {
                    self.on_heard(heard);
                    None
                }
                Woke::Said(Some(said)) => Box::pin(self.on_call(said)).await,
                Woke::Said(None) => Some(End::Now),
                Woke::Dialled(done) => {
                    self.dialling = None;
                    let told = self.caller.dialled(done, Instant::now());
                    self.tell(told).await
                }
                Woke::Transferred(done) => self.on_transferred(done).await,
                Woke::Rooms(happened) => {
                    self.supervise_rooms(&happened).await;
                    Box::pin(self.on_rooms(happened)).await
                }
                Woke::Looked(found) => {
                    self.on_looked(found).await;
                    None
                }
                Woke::ThirdDialled(done) => self.on_third_dialled(done).await,
                Woke::Time => self.on_time().await,
            };
            if let Some(end) = end {
                break end;
            }
        };
        self.leave(end).await;
    }

    async fn wait(&mut self) -> Woke {
        let mut due = self.caller.next_deadline();
        if !self.is_introduced {
            due = Some(due.map_or(self.introduce_by, |due| due.min(self.introduce_by)));
        }
        let of_consult = self.consult.as_ref().and_then(Consult::next_deadline);
        due = due.into_iter().chain(of_consult).chain(self.supervising.next_deadline()).min();
        let third = self.consult.as_mut().and_then(|consult| consult.dialling.as_mut());
        let time = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            event = self.events.next(), if !self.room_is_over => Woke::Room(event),
            heard = self.sound.next(), if !self.sound_is_over => Woke::Heard(heard),
            said = self.line.from_call.recv() => Woke::Said(said),
            done = answered(self.dialling.as_mut()) => Woke::Dialled(done),
            done = answered(self.transfer.as_mut()) => Woke::Transferred(done),
            done = answered(third) => Woke::ThirdDialled(done),
            happened = self.rooms.next() => Woke::Rooms(happened),
            found = self.supervising.looked() => Woke::Looked(found),
            () = time => Woke::Time,
        }
    }

    /// Say who calls, once.
    async fn introduce(&mut self) {
        if !std::mem::replace(&mut self.is_introduced, true) {
            let _gone = self.line.to_call.send(ready(&self.line.order)).await;
        }
    }

    /// Tell the call. A call that listens no more has said its last.
    pub(super) async fn tell(&mut self, told: Option<LineIn>) -> Option<End> {
        let told = told?;
        self.introduce().await;
        let is_gone = matches!(told, LineIn::HungUp { .. } | LineIn::Broken(_));
        // Whoever ordered the call knows that it was answered: it is a call that ended at once, not one that nobody took.
        if is_gone && self.line.order.begins == Begins::Answered && !self.caller.is_answered() {
            let _gone = self.line.to_call.send(LineIn::Answered).await;
        }
        if told == LineIn::Answered
            && let Some(rang) = self.caller.rang()
        {
            let _gone = self.line.to_call.send(LineIn::Rang(rang)).await;
        }
        if told == LineIn::Answered
            && let Some(caller) = self.caller.identity()
        {
            let seat = Box::new(self.line.order.seat(caller));
            let _gone = self.line.to_call.send(LineIn::Sits(seat)).await;
        }
        if told == LineIn::Answered
            && let Some(captions) = &mut self.captions
        {
            let told = captions.begin();
            self.tell_room(told).await;
        }
        let _gone = self.line.to_call.send(told).await;
        None
    }

    async fn on_room(&mut self, event: Event) -> Option<End> {
        match &event {
            Event::Joined(who) if who.kind == vox_livekit::Kind::Sip && !self.is_introduced => {
                order::add_attributes(&mut self.line.order.info.connected_event, who);
                self.introduce().await;
            }
            Event::Published { track_sid } => {
                if let Some(captions) = &mut self.captions {
                    captions.bot_track.clone_from(track_sid);
                }
            }
            Event::Refused { what } => tracing::debug!(what, "the LiveKit server refused something"),
            Event::Recovering => {
                tracing::warn!("the connection to a LiveKit room is lost; it is tried to be had back")
            }
            Event::Disconnected(why) if !self.caller.is_over() => {
                tracing::warn!(?why, "a LiveKit room ended for its call");
                self.caller.finish();
                return self.tell(Some(room_ended(why))).await;
            }
            _ => {}
        }
        let told = self.caller.on(&event, Instant::now());
        if let Some(identity) = self.caller.identity()
            && !self.rooms.people().contains_key(identity)
        {
            self.rooms.enter(identity, Role::Caller);
        }
        self.rooms.on_call(&event);
        self.supervise_room(&event).await;
        if let Event::Subscribed { identity, track } = &event {
            self.choose(identity, track).await;
        }
        if self.transfer.is_some() && matches!(told, Some(LineIn::HungUp { .. })) {
            // Whoever was handed over leaves too, and the gateway's word may come later.
            self.held = told;
            return None;
        }
        self.tell(told).await
    }

    /// Nothing follows. A room whose end was not told, by a fault of its client's, has ended all the same.
    async fn on_room_over(&mut self) -> Option<End> {
        self.room_is_over = true;
        if self.caller.is_over() {
            return None;
        }
        self.caller.finish();
        self.tell(Some(room_ended(&Disconnect::Lost))).await
    }

    /// The conversation is with the caller alone; people of ours are heard beside it, and nobody else is.
    async fn choose(&mut self, identity: &str, track: &Track) {
        if !self.caller.is(identity) {
            let subscribe = self.hears_in_call(identity, track);
            let _ended = self.room.subscribe(track.sid.clone(), subscribe).await;
        } else if let Some(captions) = &mut self.captions {
            captions.caller_track = Some(track.sid.clone());
        }
    }

    /// The sound of a call that is not answered is nobody's.
    fn on_heard(&mut self, heard: Option<Heard>) {
        let Some(heard) = heard else {
            self.sound_is_over = true;
            return;
        };
        if self.caller.is_answered() && !self.caller.is_over() {
            self.hear_supervisors(&heard.voices, heard.mix.len());
            self.on_heard_here(heard.mix);
        }
    }

    /// A call that is behind hears no old sound: time goes on.
    pub(super) fn hand_to_call(&mut self, sound: LineIn) {
        self.unheard += u64::from(self.line.to_call.try_send(sound).is_err());
    }

    async fn on_call(&mut self, said: LineOut) -> Option<End> {
        match said {
            LineOut::Accepted { .. } => return self.begin().await,
            LineOut::Audio(pcm) => self.say(pcm),
            LineOut::Mark(name) => self.mark(name),
            LineOut::Clear => self.clear_voices().await,
            LineOut::Supervise { id, order } => self.on_supervise(id, *order).await,
            LineOut::Consult(order, music) => return self.on_consult_order(order, music).await,
            LineOut::Notice(notice) => self.caption(&notice).await,
            LineOut::Key(key) => return self.press(key).await,
            LineOut::Transfer { to } => return self.hand_over(&to).await,
            LineOut::HangUp { by } => {
                let has_last_words = !matches!(by, DisconnectedBy::Customer | DisconnectedBy::NoAnswer);
                return Some(if has_last_words { End::HangUp } else { End::Now });
            }
            LineOut::Refuse(_) => return Some(End::Now),
        }
        None
    }

    /// The config stands: have a voice in the room, and ring whoever is to be rung.
    async fn begin(&mut self) -> Option<End> {
        let publish =
            Publish { rate: self.line.order.rate(), queue_frames: QUEUE_FRAMES, ..Publish::default() };
        let published = timeout(PUBLISH_WITHIN, self.room.publish(publish)).await;
        let microphone: Microphone = match published {
            Ok(Ok(microphone)) => microphone,
            failed => {
                let why = failed.map_or_else(
                    |_| "no answer in time".to_owned(),
                    |failed| failed.err().map_or_else(String::new, |error| error.to_string()),
                );
                self.caller.finish();
                return self.tell(Some(LineIn::Broken(Reason::NotJoined(why)))).await;
            }
        };
        let mut captions = Captions::new(microphone.sid().to_owned());
        captions.caller_track = self.track_of_caller().await;
        self.captions = Some(captions);
        self.voice = Some(Voice::new(microphone, self.line.to_call.clone()));
        if let (Begins::Dialled { to, from }, Whom::Phone(identity)) =
            (&self.line.order.begins, &self.line.order.whom)
        {
            let (room, identity) = (self.line.order.room.clone(), identity.clone());
            let wanted = Wanted { to: to.clone(), from: from.clone(), room, identity, ringing: RING_LIMIT };
            let (livekit, bridge) = (self.line.livekit.clone(), self.line.bridge.clone());
            self.dialling = Some(Box::pin(dialling::dial(livekit, bridge, wanted)));
        }
        if let Begins::Awaited { .. } = self.line.order.begins {
            // Whoever is to ring them waits for this.
            let ready = [(READY.to_owned(), "1".to_owned())].into();
            if let Err(error) = self.room.set_attributes(ready).await {
                tracing::warn!(%error, "a room could not be told that the bot is ready");
            }
        }
        let told = self.caller.can_hear(Instant::now());
        self.tell(told).await
    }

    async fn track_of_caller(&mut self) -> Option<String> {
        let identity = self.caller.identity()?.to_owned();
        let people = self.room.participants().await;
        let caller = people.iter().find(|who| who.identity == identity)?;
        Some(caller.tracks.first()?.sid.clone())
    }

    async fn caption(&mut self, notice: &Notice) {
        if let Some(captions) = &mut self.captions {
            let told = captions.of(notice);
            self.tell_room(told).await;
        }
    }

    /// A room that takes it not now misses it.
    async fn tell_room(&mut self, told: Told) {
        if let Some((head, text)) = told.text {
            let _missed = self.room.send_text(head, text).await;
        }
        if let Some(state) = told.state {
            let attributes = [(STATE.to_owned(), state.to_owned())].into();
            let _missed = self.room.set_attributes(attributes).await;
        }
    }

    /// The gateway plays it to the telephone. It goes to nobody else: who listens in takes no part in the call.
    async fn press(&mut self, key: char) -> Option<End> {
        let pressed = match self.caller.identity() {
            Some(identity) => {
                let to = vec![identity.to_owned()];
                self.room.send_digit(key, to).await.map_err(|error| error.to_string())
            }
            None => Err("the telephone is not in the room".to_owned()),
        };
        match pressed {
            Ok(()) => None,
            Err(why) => self.tell(Some(LineIn::KeyFailed { why })).await,
        }
    }

    async fn hand_over(&mut self, to: &str) -> Option<End> {
        let address = match order::address(to) {
            Ok(address) => address,
            Err(error) => return self.tell(Some(LineIn::TransferFailed { why: error.to_string() })).await,
        };
        let Some(identity) = self.caller.identity() else {
            let why = "the caller is not in the room".to_owned();
            return self.tell(Some(LineIn::TransferFailed { why })).await;
        };
        let (livekit, room, identity) =
            (self.line.livekit.clone(), self.line.order.room.clone(), identity.to_owned());
        self.transfer = Some(Box::pin(async move { livekit.transfer(room, identity, address).await }));
        None
    }

    async fn on_transferred(&mut self, done: Result<(), ServiceError>) -> Option<End> {
        self.transfer = None;
        let told = match (done, self.held.take()) {
            (Ok(()), _) => {
                self.handed_over = true;
                self.caller.finish();
                Some(LineIn::Transferred)
            }
            (Err(error), Some(held)) => {
                let why = not_transferred(&error);
                let told = match error.may_have_been_done() {
                    true => LineIn::TransferUnclear { why },
                    false => LineIn::TransferFailed { why },
                };
                let _goes_on = self.tell(Some(told)).await;
                Some(held)
            }
            (Err(_), None) if self.caller.is_over() => None,
            (Err(error), None) => Some(LineIn::TransferFailed { why: not_transferred(&error) }),
        };
        self.tell(told).await
    }

    async fn on_time(&mut self) -> Option<End> {
        let now = Instant::now();
        if now >= self.introduce_by {
            self.introduce().await;
        }
        self.on_supervision_time().await;
        let told = self.caller.on_time(now);
        let ended = self.tell(told).await;
        if ended.is_some() {
            return ended;
        }
        self.on_consult_time().await
    }

    /// The call is over here: nobody of it stays in the room, unless they were handed over.
    async fn leave(mut self, end: End) {
        if self.unheard > 0 {
            tracing::warn!(frames = self.unheard, "the call did not take all of the caller's sound");
        }
        if matches!(end, End::HangUp)
            && self.caller.is_answered()
            && !self.room_is_over
            && let Some(voice) = &self.voice
        {
            voice.finish().await;
        }
        self.let_supervisors_go().await;
        self.finish_consult().await;
        if !self.handed_over {
            self.clear_room().await;
        }
        let is_dialling = self.consult.as_ref().is_some_and(|consult| consult.dialling.is_some());
        self.rooms.close(is_dialling).await;
        self.room.leave().await;
    }

    async fn clear_room(&mut self) {
        clear(&self.line.livekit, &self.line.order, self.caller.seen()).await;
        if self.dialling.is_some() {
            // Its ringing may have been asked for a moment ago: the gateway joins after this.
            sleep(DIAL_LATE).await;
            clear(&self.line.livekit, &self.line.order, self.caller.seen()).await;
        }
    }
}

/// What was asked has its answer; for ever, where nothing was asked.
async fn answered<E>(asked: Option<&mut Asked<E>>) -> Result<(), E> {
    match asked {
        Some(asked) => asked.await,
        None => pending().await,
    }
}
