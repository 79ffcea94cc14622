//! Rooms and who is in them, by the server's rules: a room that nobody joined ends after its empty timeout, one that everybody left after
//! its departure timeout, and a second participant of the same identity puts out the first. Whoever changes something is handed what is to
//! be told of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::callees::{Class, Side};
use crate::vendor::Dice;

/// The server's own time-outs.
const EMPTY_TIMEOUT: u32 = 300;
const DEPARTURE_TIMEOUT: u32 = 20;
/// Longest name of a room, characters.
const MAX_NAME: usize = 256;

/// A room that is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub name: String,
    pub empty_timeout: u32,
    pub departure_timeout: u32,
    pub max_participants: u32,
    pub metadata: String,
}

/// Somebody who joins.
#[derive(Clone, Debug)]
pub(super) struct Joins {
    pub identity: String,
    pub name: String,
    /// `AGENT`, `SIP`, …
    pub kind: &'static str,
    pub metadata: String,
    pub attributes: BTreeMap<String, String>,
}

/// Why nobody joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotJoined {
    #[error("requested room does not exist")]
    NoRoom,
    #[error("room has exceeded its max participants")]
    Full,
}

/// Of a call that was answered: what the one who speaks with the callee has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub class: Class,
    pub talk_ms: u64,
    pub hangs_up: Side,
}

/// Somebody in a room.
#[derive(Debug)]
pub(super) struct Person {
    pub sid: String,
    who: Joins,
    joined_s: i64,
    pub answer: Option<Answer>,
    gone: watch::Sender<Option<&'static str>>,
}

#[derive(Debug)]
struct Room {
    sid: String,
    wanted: Wanted,
    made_s: i64,
    people: BTreeMap<String, Person>,
    was_joined: bool,
    empty_since: Instant,
    changed: watch::Sender<u64>,
}

/// A place in a room.
#[derive(Debug)]
pub(super) struct Place {
    pub sid: String,
    /// Why it is lost, once it is.
    pub gone: watch::Receiver<Option<&'static str>>,
    /// Moves whenever somebody in the room comes, goes or changes.
    pub changed: watch::Receiver<u64>,
}

/// Somebody as the others see them.
#[derive(Debug)]
pub(super) struct Seen {
    /// Of a telephone that was answered.
    pub answer: Option<Answer>,
    pub gone: watch::Receiver<Option<&'static str>>,
}

/// Something that is to be told by webhook, without its id.
pub(super) type Told = Value;

/// All of them.
#[derive(Debug)]
pub(super) struct Rooms {
    rooms: BTreeMap<String, Room>,
    dice: Dice,
}

/// Now, twice: to measure with, and seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub at: Instant,
    pub unix_s: i64,
}

impl Rooms {
    pub(super) fn new(seed: u64) -> Self {
        Self { rooms: BTreeMap::new(), dice: Dice::new(seed ^ 0x726f_6f6d) }
    }

    /// Make a room, or answer with the one that is there.
    pub(super) fn create(&mut self, wanted: Wanted, now: Moment) -> Result<(Value, Vec<Told>), String> {
        if wanted.name.is_empty() || wanted.name.chars().count() > MAX_NAME {
            return Err(format!("room name must have 1 to {MAX_NAME} characters"));
        }
        if let Some(room) = self.rooms.get(&wanted.name) {
            return Ok((room.view(), Vec::new()));
        }
        let room = self.insert(wanted, now);
        Ok((room.view(), vec![told("room_started", room, None)]))
    }

    fn insert(&mut self, mut wanted: Wanted, now: Moment) -> &mut Room {
        let or = |value: u32, usual: u32| if value == 0 { usual } else { value };
        wanted.empty_timeout = or(wanted.empty_timeout, EMPTY_TIMEOUT);
        wanted.departure_timeout = or(wanted.departure_timeout, DEPARTURE_TIMEOUT);
        let (sid, name) = (id(&mut self.dice, "RM_"), wanted.name.clone());
        let room = Room {
            sid,
            wanted,
            made_s: now.unix_s,
            people: BTreeMap::new(),
            was_joined: false,
            empty_since: now.at,
            changed: watch::channel(0).0,
        };
        self.rooms.entry(name).or_insert(room)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.rooms.contains_key(name)
    }

    /// End a room for everybody in it; `None` when there is none.
    pub(super) fn delete(&mut self, name: &str) -> Option<Vec<Told>> {
        let mut room = self.rooms.remove(name)?;
        Some(room.end("ROOM_DELETED"))
    }

    /// Let somebody in. With `makes_rooms` a room that is not there is made.
    pub(super) fn join(
        &mut self,
        name: &str,
        who: Joins,
        makes_rooms: bool,
        now: Moment,
    ) -> Result<(Place, Vec<Told>), NotJoined> {
        let mut all = Vec::new();
        if !self.has(name) {
            if !makes_rooms {
                return Err(NotJoined::NoRoom);
            }
            let room = self.insert(Wanted { name: name.to_owned(), ..Wanted::default() }, now);
            all.push(told("room_started", room, None));
        }
        let sid = id(&mut self.dice, "PA_");
        let room = self.rooms.get_mut(name).ok_or(NotJoined::NoRoom)?;
        if let Some(before) = room.people.remove(&who.identity) {
            all.push(room.leaves(before, "DUPLICATE_IDENTITY"));
        }
        let most = room.wanted.max_participants;
        if most > 0 && room.people.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return Err(NotJoined::Full);
        }
        let (gone, seen) = watch::channel(None);
        let identity = who.identity.clone();
        let person = Person { sid: sid.clone(), who, joined_s: now.unix_s, answer: None, gone };
        room.was_joined = true;
        all.push(told("participant_joined", room, Some((&person, None))));
        room.people.insert(identity, person);
        room.change();
        Ok((Place { sid, gone: seen, changed: room.changed.subscribe() }, all))
    }

    /// Somebody leaves, or is put out; `None` when they are not there. With `sid` only that very stay ends.
    pub(super) fn leave(
        &mut self,
        (name, identity, sid): (&str, &str, Option<&str>),
        reason: &'static str,
        now: Moment,
    ) -> Option<Vec<Told>> {
        let room = self.rooms.get_mut(name)?;
        let person = room.people.get(identity)?;
        if sid.is_some_and(|sid| person.sid != sid) {
            return None;
        }
        let person = room.people.remove(identity)?;
        let told = room.leaves(person, reason);
        room.empty_since = now.at;
        Some(vec![told])
    }

    /// Change somebody who is there by this very stay.
    pub(super) fn change(&mut self, (name, sid): (&str, &str), change: impl FnOnce(&mut Person)) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        if let Some(person) = room.people.values_mut().find(|person| person.sid == sid) {
            change(person);
            room.change();
        }
    }

    /// Somebody of a room.
    pub(super) fn person(&self, name: &str, identity: &str) -> Option<&Person> {
        self.rooms.get(name)?.people.get(identity)
    }

    /// What those in the room see of one of them.
    pub(super) fn seen(&self, name: &str, identity: &str) -> Option<Seen> {
        let person = self.person(name, identity)?;
        Some(Seen { answer: person.answer, gone: person.gone.subscribe() })
    }

    /// Everybody in a room; nobody where there is none.
    pub(super) fn people(&self, name: &str) -> Vec<Value> {
        self.rooms.get(name).map(|room| room.people.values().map(Person::view).collect()).unwrap_or_default()
    }

    /// The rooms of these names; of all names when there are none.
    pub(super) fn list(&self, names: &[String]) -> Vec<Value> {
        let is_asked = |room: &&Room| names.is_empty() || names.contains(&room.wanted.name);
        self.rooms.values().filter(is_asked).map(Room::view).collect()
    }

    /// End the rooms whose time is over.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Told> {
        let over: Vec<String> = self
            .rooms
            .values()
            .filter(|room| room.is_over(now))
            .map(|room| room.wanted.name.clone())
            .collect();
        over.iter().filter_map(|name| self.delete(name)).flatten().collect()
    }

    /// Everything is forgotten, and nothing is told.
    pub(super) fn forget(&mut self) {
        for (_, mut room) in std::mem::take(&mut self.rooms) {
            room.end("SERVER_SHUTDOWN");
        }
    }

    pub(super) fn count(&self) -> usize {
        self.rooms.len()
    }
}

impl Room {
    fn is_over(&self, now: Instant) -> bool {
        let after = if self.was_joined { self.wanted.departure_timeout } else { self.wanted.empty_timeout };
        let after = Duration::from_secs(after.into());
        self.people.is_empty() && now.saturating_duration_since(self.empty_since) >= after
    }

    fn end(&mut self, reason: &'static str) -> Vec<Told> {
        let people = std::mem::take(&mut self.people);
        let mut all: Vec<Told> = people.into_values().map(|person| self.leaves(person, reason)).collect();
        all.push(told("room_finished", self, None));
        self.change();
        all
    }

    fn leaves(&mut self, person: Person, reason: &'static str) -> Told {
        let told = told("participant_left", self, Some((&person, Some(reason))));
        person.gone.send_replace(Some(reason));
        self.change();
        told
    }

    fn change(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    fn view(&self) -> Value {
        let wanted = &self.wanted;
        json!({
            "sid": self.sid, "name": wanted.name, "empty_timeout": wanted.empty_timeout,
            "departure_timeout": wanted.departure_timeout, "max_participants": wanted.max_participants,
            "creation_time": self.made_s.to_string(), "metadata": wanted.metadata,
            "num_participants": self.people.len(), "num_publishers": self.people.len(), "active_recording": false,
        })
    }
}

impl Person {
    pub(super) fn set(&mut self, attribute: &str, value: &str) {
        self.who.attributes.insert(attribute.to_owned(), value.to_owned());
    }

    pub(super) fn view(&self) -> Value {
        let who = &self.who;
        json!({
            "sid": self.sid, "identity": who.identity, "state": "ACTIVE", "tracks": [], "metadata": who.metadata,
            "joined_at": self.joined_s.to_string(), "name": who.name, "version": 1, "region": "", "is_publisher": true,
            "permission": {"can_subscribe": true, "can_publish": true, "can_publish_data": true},
            "kind": who.kind, "attributes": who.attributes, "disconnect_reason": "UNKNOWN_REASON",
        })
    }
}

/// A webhook's body, in the spelling of webhooks.
fn told(event: &str, room: &Room, person: Option<(&Person, Option<&str>)>) -> Told {
    let mut told = json!({
        "event": event,
        "room": {
            "sid": room.sid, "name": room.wanted.name, "emptyTimeout": room.wanted.empty_timeout,
            "departureTimeout": room.wanted.departure_timeout, "creationTime": room.made_s.to_string(),
            "numParticipants": room.people.len(),
        },
    });
    if let Some((person, reason)) = person {
        let who = &person.who;
        told["participant"] = json!({
            "sid": person.sid, "identity": who.identity, "state": "ACTIVE", "kind": who.kind, "name": who.name,
            "joinedAt": person.joined_s.to_string(), "version": 2, "attributes": who.attributes,
            "permission": {"canSubscribe": true, "canPublish": true},
        });
        if let Some(reason) = reason {
            told["participant"]["state"] = json!("DISCONNECTED");
            told["participant"]["disconnectReason"] = json!(reason);
        }
    }
    told
}

/// An id as the server's: a prefix and twelve letters and digits.
pub(super) fn id(dice: &mut Dice, prefix: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let mut id = prefix.to_owned();
    for _ in 0..12 {
        let at = usize::try_from(dice.up_to(ALPHABET.len() as u64 - 1)).unwrap_or_default();
        id.push(char::from(ALPHABET[at]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(identity: &str) -> Joins {
        Joins {
            identity: identity.into(),
            name: String::new(),
            kind: "AGENT",
            metadata: String::new(),
            attributes: BTreeMap::new(),
        }
    }

    fn events(told: &[Told]) -> Vec<&str> {
        told.iter().filter_map(|told| told["event"].as_str()).collect()
    }

    struct Server {
        rooms: Rooms,
        began: Instant,
    }

    impl Server {
        fn new() -> Self {
            Self { rooms: Rooms::new(1), began: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Moment {
            Moment { at: self.began + Duration::from_secs(seconds), unix_s: 1_795_254_626 }
        }

        fn makes(&mut self, name: &str) -> Vec<Told> {
            let wanted = Wanted {
                name: name.into(),
                empty_timeout: 60,
                departure_timeout: 5,
                max_participants: 2,
                ..Wanted::default()
            };
            self.rooms.create(wanted, self.at(0)).unwrap().1
        }
    }

    #[test]
    fn a_room_is_made_once_and_nobody_joins_one_that_is_not_there() {
        let mut server = Server::new();
        let now = server.at(0);
        assert_eq!(server.rooms.join("r", bot("b"), false, now).unwrap_err(), NotJoined::NoRoom);
        assert_eq!(events(&server.makes("r")), ["room_started"]);
        assert!(server.makes("r").is_empty(), "it is there");
        let (_place, told) = server.rooms.join("r", bot("b"), false, now).unwrap();
        assert_eq!(events(&told), ["participant_joined"]);
        server.rooms.join("r", bot("c"), false, now).unwrap();
        assert_eq!(server.rooms.join("r", bot("d"), false, now).unwrap_err(), NotJoined::Full);
        let (_place, told) = server.rooms.join("new", bot("b"), true, now).unwrap();
        assert_eq!(events(&told), ["room_started", "participant_joined"]);
    }

    #[test]
    fn whoever_is_put_out_learns_why() {
        let mut server = Server::new();
        let now = server.at(0);
        server.makes("r");
        let (first, _) = server.rooms.join("r", bot("b"), false, now).unwrap();
        let (second, told) = server.rooms.join("r", bot("b"), false, now).unwrap();
        assert_eq!(events(&told), ["participant_left", "participant_joined"]);
        assert_eq!(*first.gone.borrow(), Some("DUPLICATE_IDENTITY"));
        let stale = server.rooms.leave(("r", "b", Some(&first.sid)), "CLIENT_INITIATED", now);
        assert!(stale.is_none(), "the first stay is over");
        let told = server.rooms.delete("r").unwrap();
        assert_eq!(events(&told), ["participant_left", "room_finished"]);
        assert_eq!(told[0]["participant"]["disconnectReason"], "ROOM_DELETED");
        assert_eq!(*second.gone.borrow(), Some("ROOM_DELETED"));
        assert!(server.rooms.delete("r").is_none() && server.rooms.people("r").is_empty());
    }

    #[test]
    fn rooms_end_by_themselves() {
        let mut server = Server::new();
        for name in ["never", "left"] {
            server.makes(name);
        }
        let (now, later) = (server.at(0), server.at(20));
        server.rooms.join("left", bot("b"), false, now).unwrap();
        server.rooms.leave(("left", "b", None), "CLIENT_INITIATED", later).unwrap();
        assert!(server.rooms.sweep(server.at(24).at).is_empty());
        assert_eq!(events(&server.rooms.sweep(server.at(25).at)), ["room_finished"]);
        assert!(server.rooms.has("never") && !server.rooms.has("left"));
        assert_eq!(server.rooms.sweep(server.at(60).at).len(), 1);
        assert_eq!(server.rooms.count(), 0);
    }
}
