//! Who is in the room, by what the server tells, and what changed from one telling to the next.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{Event, Kind, Participant, Speaker, Track};
use crate::leaving::Leaving;
use crate::wire::model::{
    Kind as WireKind, ParticipantInfo, ParticipantState, SpeakerInfo, TrackInfo, TrackSource, TrackType,
};

/// How many of those who went are remembered, so that nobody is told twice to have gone.
const MAX_GONE: usize = 64;

#[derive(Debug)]
struct Person {
    known: Participant,
    version: u32,
}

/// Everybody but ourselves.
#[derive(Debug, Default)]
pub(crate) struct People {
    by_sid: BTreeMap<String, Person>,
    speaking: BTreeMap<String, f32>,
    /// The sids of those who went last.
    gone: VecDeque<String>,
}

impl People {
    /// What the server says of some of them, and what is new in it.
    pub(crate) fn update(&mut self, told: Vec<ParticipantInfo>) -> Vec<Event> {
        told.into_iter().flat_map(|info| self.one(info)).collect()
    }

    /// What the server says of all of them: who is not named has gone.
    pub(crate) fn replace(&mut self, told: Vec<ParticipantInfo>) -> Vec<Event> {
        let gone: Vec<String> =
            self.by_sid.keys().filter(|sid| !told.iter().any(|info| info.sid == **sid)).cloned().collect();
        let mut events: Vec<Event> =
            gone.iter().filter_map(|sid| self.remove(sid, Leaving::Unknown)).collect();
        events.extend(self.update(told));
        events
    }

    /// The changes of who speaks; the events of it.
    pub(crate) fn speakers(&mut self, told: Vec<SpeakerInfo>) -> Event {
        for speaker in told {
            if speaker.active {
                self.speaking.insert(speaker.sid, speaker.level);
            } else {
                self.speaking.remove(&speaker.sid);
            }
        }
        let identity = |(sid, level): (&String, &f32)| {
            let identity = self.by_sid.get(sid)?.known.identity.clone();
            Some(Speaker { identity, level: *level })
        };
        let mut speakers: Vec<_> = self.speaking.iter().filter_map(identity).collect();
        speakers.sort_by(|a, b| b.level.total_cmp(&a.level));
        Event::Speakers(speakers)
    }

    pub(crate) fn all(&self) -> Vec<Participant> {
        self.by_sid.values().map(|person| person.known.clone()).collect()
    }

    /// Whose track this is.
    pub(crate) fn owner(&self, track_sid: &str) -> Option<(&Participant, &Track)> {
        let of = |person: &'_ Person| person.known.tracks.iter().position(|track| track.sid == track_sid);
        self.by_sid.values().find_map(|person| of(person).map(|at| (&person.known, &person.known.tracks[at])))
    }

    pub(crate) fn identity_of(&self, sid: &str) -> Option<&str> {
        self.by_sid.get(sid).map(|person| person.known.identity.as_str())
    }

    fn one(&mut self, info: ParticipantInfo) -> Vec<Event> {
        if info.state == ParticipantState::Disconnected as i32 {
            return self.went(info);
        }
        let (sid, version) = (info.sid.clone(), info.version);
        let now = participant(info);
        let Some(person) = self.by_sid.get_mut(&sid) else {
            let mut events = Vec::new();
            // The same identity with another sid: it came back before we were told that it went.
            let before = self.by_sid.values().find(|other| other.known.identity == now.identity);
            if let Some(before) = before.map(|person| person.known.sid.clone()) {
                events.extend(self.remove(&before, Leaving::DuplicateIdentity));
            }
            self.by_sid.insert(sid, Person { known: now.clone(), version });
            events.push(Event::Joined(now));
            return events;
        };
        if version != 0 && version < person.version {
            return Vec::new();
        }
        person.version = version;
        let before = std::mem::replace(&mut person.known, now.clone());
        changes(&before, &now)
    }

    /// Somebody has gone. The server tells of who comes within three seconds, and when their media is up: of one who came and went
    /// before that it says the second alone, and who waits for them must learn of both.
    fn went(&mut self, info: ParticipantInfo) -> Vec<Event> {
        let reason = Leaving::from_wire(info.disconnect_reason);
        if let Some(left) = self.remove(&info.sid, reason) {
            return vec![left];
        }
        if self.gone.contains(&info.sid) {
            return Vec::new();
        }
        self.note_gone(info.sid.clone());
        let participant = participant(info);
        vec![Event::Joined(participant.clone()), Event::Left { participant, reason }]
    }

    fn remove(&mut self, sid: &str, reason: Leaving) -> Option<Event> {
        self.speaking.remove(sid);
        let person = self.by_sid.remove(sid)?;
        self.note_gone(sid.to_owned());
        Some(Event::Left { participant: person.known, reason })
    }

    fn note_gone(&mut self, sid: String) {
        if self.gone.len() >= MAX_GONE {
            self.gone.pop_front();
        }
        self.gone.push_back(sid);
    }
}

fn changes(before: &Participant, now: &Participant) -> Vec<Event> {
    let mut events = Vec::new();
    let names = before.attributes.keys().chain(now.attributes.keys());
    let mut changed: Vec<String> =
        names.filter(|name| before.attributes.get(*name) != now.attributes.get(*name)).cloned().collect();
    changed.sort_unstable();
    changed.dedup();
    if !changed.is_empty() || before.metadata != now.metadata || before.name != now.name {
        events.push(Event::Changed { participant: now.clone(), attributes: changed });
    }
    let identity = || now.identity.clone();
    for track in before.tracks.iter().filter(|was| !now.tracks.iter().any(|is| is.sid == was.sid)) {
        events.push(Event::Withdrawn { identity: identity(), track: track.clone() });
    }
    for track in &now.tracks {
        match before.tracks.iter().find(|known| known.sid == track.sid) {
            None => events.push(Event::Offered { identity: identity(), track: track.clone() }),
            Some(was) if was.is_muted != track.is_muted => {
                events.push(Event::Muted { identity: identity(), track: track.clone() });
            }
            Some(_) => {}
        }
    }
    events
}

fn participant(info: ParticipantInfo) -> Participant {
    let kind = match WireKind::try_from(info.kind) {
        Ok(WireKind::Standard) => Kind::Standard,
        Ok(WireKind::Ingress) => Kind::Ingress,
        Ok(WireKind::Egress) => Kind::Egress,
        Ok(WireKind::Sip) => Kind::Sip,
        Ok(WireKind::Agent) => Kind::Agent,
        _ => Kind::Other,
    };
    Participant {
        sid: info.sid,
        identity: info.identity,
        name: info.name,
        kind,
        metadata: info.metadata,
        attributes: info.attributes,
        tracks: info
            .tracks
            .into_iter()
            .filter(|track| track.r#type == TrackType::Audio as i32)
            .map(track)
            .collect(),
    }
}

pub(crate) fn track(info: TrackInfo) -> Track {
    let is_microphone = info.source == TrackSource::Microphone as i32;
    Track { sid: info.sid, name: info.name, is_muted: info.muted, is_microphone }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(sid: &str, version: u32, attributes: &[(&str, &str)]) -> ParticipantInfo {
        ParticipantInfo {
            sid: sid.to_owned(),
            identity: format!("id-{}", &sid[..1]),
            state: ParticipantState::Active as i32,
            version,
            kind: WireKind::Sip as i32,
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..ParticipantInfo::default()
        }
    }

    #[test]
    fn people_come_change_and_go() {
        let mut people = People::default();
        let events = people.update(vec![info("a", 1, &[("sip.callStatus", "dialing")])]);
        assert!(matches!(&events[..], [Event::Joined(p)] if p.kind == Kind::Sip && p.identity == "id-a"));
        let events = people.update(vec![info("a", 3, &[("sip.callStatus", "active"), ("x", "1")])]);
        assert!(
            matches!(&events[..], [Event::Changed { attributes, .. }] if attributes == &["sip.callStatus", "x"])
        );
        assert!(people.update(vec![info("a", 2, &[])]).is_empty(), "older than what is known");
        assert!(people.update(vec![info("a", 3, &[("sip.callStatus", "active"), ("x", "1")])]).is_empty());
        let mut gone = info("a", 4, &[]);
        gone.state = ParticipantState::Disconnected as i32;
        gone.disconnect_reason = 12;
        let events = people.update(vec![gone.clone()]);
        assert!(matches!(&events[..], [Event::Left { reason: Leaving::UserRejected, .. }]));
        assert!(people.update(vec![gone]).is_empty());
    }

    /// As the server tells of a visitor who closes the page while it connects.
    #[test]
    fn who_came_and_went_before_we_were_told_did_both() {
        let mut people = People::default();
        let mut gone = info("a", 2, &[("sip.callStatus", "dialing")]);
        gone.state = ParticipantState::Disconnected as i32;
        gone.disconnect_reason = 9;
        let events = people.update(vec![gone.clone()]);
        assert!(
            matches!(&events[..], [Event::Joined(came), Event::Left { participant, reason: Leaving::SignalClose }]
                if came.identity == "id-a" && came == participant),
            "{events:?}"
        );
        assert!(people.update(vec![gone]).is_empty(), "once");
        assert!(people.all().is_empty());
        // What is remembered of them is bounded.
        for n in 0..1_000 {
            let state = ParticipantState::Disconnected as i32;
            people.update(vec![ParticipantInfo { state, ..info(&format!("b{n}"), 1, &[]) }]);
        }
        assert_eq!(people.gone.len(), MAX_GONE);
    }

    #[test]
    fn tracks_are_found_and_mutes_are_told() {
        let mut people = People::default();
        let mut with = info("a", 1, &[]);
        let voice = TrackInfo { sid: "TR_1".to_owned(), source: 2, ..TrackInfo::default() };
        let film = TrackInfo { sid: "TR_2".to_owned(), r#type: 1, ..TrackInfo::default() };
        with.tracks = vec![voice, film];
        people.update(vec![with.clone()]);
        assert!(
            people.owner("TR_1").is_some_and(|(who, track)| who.identity == "id-a" && track.is_microphone)
        );
        assert!(people.owner("TR_2").is_none());
        with.tracks[0].muted = true;
        with.version = 2;
        assert!(
            matches!(&people.update(vec![with.clone()])[..], [Event::Muted { track, .. }] if track.is_muted)
        );
        // Another one in its place: a program that subscribes by itself learns of both.
        with.tracks[0].sid = "TR_3".to_owned();
        with.version = 3;
        assert!(matches!(
            &people.update(vec![with])[..],
            [Event::Withdrawn { track: gone, .. }, Event::Offered { identity, track }]
                if gone.sid == "TR_1" && track.sid == "TR_3" && identity == "id-a"
        ));
    }

    #[test]
    fn a_full_list_replaces_what_was_known() {
        let mut people = People::default();
        people.update(vec![info("a", 1, &[]), info("b", 1, &[])]);
        let events = people.replace(vec![info("b", 1, &[]), info("c", 1, &[])]);
        assert!(
            matches!(&events[..], [Event::Left { participant, .. }, Event::Joined(_)] if participant.sid == "a")
        );
        let events = people.update(vec![info("c2", 1, &[])]);
        assert!(matches!(&events[..], [Event::Left { .. }, Event::Joined(p)] if p.sid == "c2"), "{events:?}");
    }

    #[test]
    fn speakers_are_told_loudest_first() {
        let mut people = People::default();
        people.update(vec![info("a", 1, &[]), info("b", 1, &[])]);
        let speaks = |sid: &str, level: f32| SpeakerInfo { sid: sid.to_owned(), level, active: level > 0.0 };
        people.speakers(vec![speaks("a", 0.2)]);
        let Event::Speakers(speakers) = people.speakers(vec![speaks("b", 0.5), speaks("ghost", 1.0)]) else {
            panic!()
        };
        assert_eq!(speakers.iter().map(|s| s.identity.as_str()).collect::<Vec<_>>(), ["id-b", "id-a"]);
        let event = people.speakers(vec![speaks("a", 0.0), speaks("b", 0.0)]);
        assert_eq!(event, Event::Speakers(Vec::new()));
    }
}
